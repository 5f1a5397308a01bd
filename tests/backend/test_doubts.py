"""Doubts are raised where they are due, each with a remedy, and nowhere else."""

from __future__ import annotations

import numpy as np
import pytest

from backend.camera import Camera
from backend.doubts import (
    doubts_about_cover,
    doubts_about_expression,
    doubts_about_fit,
    doubts_about_light,
    doubts_about_outline,
    surprise,
)
from backend.fit import HeadFit
from backend.frames import Pose, rotation_from_angles
from backend.head_parse import BODY, FACE, GLASSES, HAIR
from backend.light import LightEstimate
from backend.morphable import load_head_model


def _fitted(identity: float = 0.8, rms_mm: float = 1.5, disagreement_deg: float = 4.0) -> HeadFit:
    pose = Pose(rotation_from_angles(0, 0, 0), np.array([0.0, 0.0, 1000.0]))
    nothing, everyone = np.zeros((0, 3), np.float32), np.full(80, identity, np.float32)
    camera = Camera.centred(1000.0, 100, 100)
    return HeadFit(
        everyone, np.full(52, 0.1, np.float32), nothing, pose, camera, 1.0, rms_mm, disagreement_deg
    )


def _light(confidence: float, albedo: float) -> LightEstimate:
    return LightEstimate(np.zeros((9, 3), np.float32), np.full(20, albedo, np.float32), confidence)


def test_a_usual_fit_raises_no_doubt() -> None:
    assert doubts_about_fit(_fitted()) == []
    assert doubts_about_light(_light(0.9, 0.8)) == doubts_about_light(None) == []
    assert doubts_about_expression({"jawOpen": 0.2, "eyeBlinkLeft": 0.9, "eyeBlinkRight": 0.1}) == []


@pytest.mark.parametrize("doubtful", [_fitted(rms_mm=8.0), _fitted(disagreement_deg=25.0)])
def test_a_fit_that_its_witnesses_disagree_about_is_doubted(doubtful: HeadFit) -> None:
    assert len(doubts_about_fit(doubtful)) == 1
    assert "hard to read" in doubts_about_fit(doubtful)[0]


def test_a_head_that_hardly_exists_is_doubted() -> None:
    assert "unusual" in doubts_about_fit(_fitted(identity=-2.8))[0]


def test_closed_eyes_and_a_wide_open_mouth_hide_things() -> None:
    (asleep,) = doubts_about_expression({"eyeBlinkLeft": 0.8, "eyeBlinkRight": 0.7})
    assert "eyes are closed" in asleep
    (laughing,) = doubts_about_expression({"jawOpen": 0.8})
    assert "mouth is wide open" in laughing


@pytest.mark.parametrize(("covers", "word"), [(GLASSES, "glasses"), (HAIR, "Hair"), (BODY, "hand")])
def test_what_lies_before_the_face(covers: int, word: str) -> None:
    face = np.zeros((40, 40), bool)
    face[5:35, 5:35] = True
    labels = np.where(face, FACE, HAIR).astype(np.uint8)
    assert doubts_about_cover(labels, face) == []
    labels[10:20, 5:35] = covers
    (warning,) = doubts_about_cover(labels, face)
    assert word in warning


def test_a_hand_has_the_colour_of_skin_but_the_normal_network_sees_it() -> None:
    face = np.zeros((40, 40), bool)
    face[5:35, 5:35] = True
    labels, covered = np.where(face, FACE, HAIR).astype(np.uint8), np.zeros((40, 40), np.float32)
    covered[:5] = 1.0  # beside the face
    assert doubts_about_cover(labels, face, covered) == []
    covered[10:20, 5:35] = 0.9
    (warning,) = doubts_about_cover(labels, face, covered)
    assert "hand" in warning


def test_hair_over_most_of_the_face_is_said_in_other_words() -> None:
    face = np.zeros((40, 40), bool)
    face[5:35, 5:35] = True
    labels = np.where(face, FACE, HAIR).astype(np.uint8)
    labels[5:25, 5:35] = HAIR
    (warning,) = doubts_about_cover(labels, face)
    assert "most of the face" in warning


@pytest.mark.parametrize("flip", [1, -1])
def test_a_head_grown_together_with_another(flip: int) -> None:
    skull, head = np.zeros((100, 100), bool), np.zeros((100, 100), bool)
    skull[20:80, 35:65] = True
    head[15:90, 25:75] = True
    two = head.copy()
    two[30:60, 60:98] = True
    assert doubts_about_outline(head[:, ::flip].astype(float), skull, pitch_mm=3.0) == []
    (warning,) = doubts_about_outline(two[:, ::flip].astype(float), skull, pitch_mm=3.0)
    assert "another head" in warning


def test_light_that_was_guessed_and_skin_that_is_odd() -> None:
    assert "guess" in doubts_about_light(_light(0.3, 0.8))[0]
    assert "uncertain" in doubts_about_light(_light(0.9, 2.5))[0]


def test_surprise_of_each_group() -> None:
    model = load_head_model()
    found = surprise(model, _fitted(identity=-1.5), _light(0.9, 2.0))
    assert found == pytest.approx({"identity": 1.5, "expression": 0.5, "albedo": 2.0})
    assert set(surprise(model, _fitted(), None)) == {"identity", "expression"}
