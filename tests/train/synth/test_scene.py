"""Scenes are plain data, the same for a seed, and place the head as the product's crop would."""

from __future__ import annotations

import json

import numpy as np
import pytest

from backend.crop import CROP_SIDE_MM
from train.synth.pairs import TURN_DEG, second_view
from train.synth.scene import Recipe, sample_scene


def angle_between(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.degrees(np.arccos(np.clip((np.trace(a.T @ b) - 1) / 2, -1, 1))))


@pytest.mark.parametrize("seed", range(12))
def test_a_seed_is_a_scene_and_a_scene_is_json(seed):
    scene = sample_scene(seed)
    assert json.loads(json.dumps(scene.to_json())) == json.loads(json.dumps(sample_scene(seed).to_json()))
    assert scene.to_json() != sample_scene(seed + 1000).to_json()


@pytest.mark.parametrize("seed", range(12))
def test_the_camera_sees_the_working_crop_with_its_jitter(seed):
    view = sample_scene(seed).view
    camera = view.camera(256)
    place = camera.project(view.pose.translation_mm)
    np.testing.assert_allclose(place, 127.5 + 256 * np.array(view.shift), atol=1e-6)
    side_mm = 256 / camera.fx * view.distance_mm
    assert side_mm == pytest.approx(CROP_SIDE_MM * view.scale)
    assert view.pose.angles_deg["yaw"] == pytest.approx(view.yaw_deg)


def test_recipes_bound_the_pose():
    recipe = Recipe(yaw_deg=(30.0, 20.0), pitch_deg=(5.0, 5.0), tails=0.5)
    views = [sample_scene(seed, recipe).view for seed in range(40)]
    assert max(abs(view.yaw_deg) for view in views) <= 20
    assert max(abs(view.pitch_deg) for view in views) <= 5
    assert max(abs(view.yaw_deg) for view in views) > 15


@pytest.mark.parametrize("seed", range(12))
def test_the_second_view_turns_the_same_person_by_five_to_fifteen_degrees(seed):
    first = sample_scene(seed)
    second = second_view(first)
    turn = angle_between(first.view.pose.rotation, second.view.pose.rotation)
    assert TURN_DEG[0] * 0.9 < turn < TURN_DEG[1] * 1.1
    assert second.person == first.person
    assert second.light == first.light
    assert second.view_number == 1
