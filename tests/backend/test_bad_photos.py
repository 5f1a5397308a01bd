"""Photos that go wrong in the usual ways: the answer stays a head, whatever was in the way."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import pytest

from backend.face_estimate import face_estimator
from backend.fit import HeadFitter
from backend.landmarks import DetectedFace, MediaPipeDetector
from backend.morphable import load_head_model
from backend.photo import Photo

from . import bad_input

Change = Callable[[np.ndarray, np.ndarray], np.ndarray]


def _before_the_mouth(pixels: np.ndarray, points: np.ndarray) -> np.ndarray:
    covered, (x, y) = pixels.copy(), points[13]
    half = 0.3 * np.linalg.norm(points[10] - points[152])
    cv2.circle(covered, (round(float(x)), round(float(y))), round(float(half)), (120, 80, 60), -1)
    return covered


def _fringe(pixels: np.ndarray, points: np.ndarray) -> np.ndarray:
    covered = pixels.copy()
    (left, right), brows = points[[234, 454], 0].astype(int), int(points[159, 1])
    covered[: brows - 4, left:right] = (35, 25, 20)
    return covered


def _from_one_side(pixels: np.ndarray, points: np.ndarray) -> np.ndarray:
    left, right = points[[234, 454], 0]
    share = ((np.arange(pixels.shape[1]) - left) / (right - left)).clip(0, 1)
    return (pixels * (0.05 + 1.6 * share)[:, None]).clip(0, 255).astype(np.uint8)


CHANGES: dict[str, Change] = {
    "monochrome": lambda pixels, _: pixels.mean(axis=2, keepdims=True).repeat(3, axis=2).astype(np.uint8),
    "night": lambda pixels, _: (pixels * 0.15).astype(np.uint8),
    "burnt out": lambda pixels, _: (pixels * 2.5).clip(0, 255).astype(np.uint8),
    "blue light": lambda pixels, _: (pixels * [0.3, 0.5, 1.0]).astype(np.uint8),
    "light from one side": _from_one_side,
    "something before the mouth": _before_the_mouth,
    "fringe down to the eyes": _fringe,
    "squeezed": lambda pixels, _: cv2.resize(pixels, None, fx=0.7, fy=1.0),
}


@pytest.fixture(scope="module")
def detector() -> MediaPipeDetector:
    return MediaPipeDetector()


@pytest.fixture(scope="module")
def sound(detector: MediaPipeDetector) -> DetectedFace:
    return detector.detect(bad_input.astronaut())[0]


@pytest.mark.parametrize("name", CHANGES)
def test_nothing_explodes(detector: MediaPipeDetector, sound: DetectedFace, name: str) -> None:
    model = load_head_model()
    photo = Photo(CHANGES[name](bad_input.astronaut(), sound.points_px))
    faces = detector.detect(photo.pixels)
    if not faces:
        pytest.skip("the detector refuses it")
    estimator = face_estimator(model)
    estimate = estimator.estimate(photo, faces[0]) if estimator else None
    fit = HeadFitter(model).fit(faces[0], photo, estimate)
    low, high = model.expression_bounds
    assert fit.surprise < 1.5
    assert np.abs(fit.identity).max() < 3.5
    assert (fit.expression >= low).all()
    assert (fit.expression <= high).all()
    assert np.abs(fit.residual_mm).max() < 15
    assert 300 < fit.pose.translation_mm[2] < 6000
    assert abs(fit.pose.angles_deg["yaw"]) < 40
