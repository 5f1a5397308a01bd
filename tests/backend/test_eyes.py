"""Gaze follows the iris landmark; the painted eye stays whole."""

from __future__ import annotations

import numpy as np
import pytest

from backend.camera import Camera
from backend.eyes import (
    IRIS_LANDMARK,
    IRIS_RADIUS_MM,
    MAX_GAZE_DEG,
    PUPIL_MM,
    _radial_tones,
    eyeball,
)
from backend.frames import Pose, rotation_from_angles

CAMERA = Camera.centred(1200.0, 640, 480)
CENTRE, RADIUS = np.array([32.0, 25.0, 70.0]), 12.0


def _ball() -> np.ndarray:
    polar, around = np.meshgrid(np.linspace(0, np.pi, 13), np.linspace(0, 2 * np.pi, 24, endpoint=False))
    unit = np.stack([np.sin(polar) * np.cos(around), np.sin(polar) * np.sin(around), np.cos(polar)], -1)
    return CENTRE + RADIUS * unit.reshape(-1, 3)


def _gaze(yaw: float, pitch: float) -> np.ndarray:
    y, p = np.deg2rad([yaw, pitch])
    return np.array([np.sin(y) * np.cos(p), -np.sin(p), np.cos(y) * np.cos(p)])


def _solve(direction: np.ndarray, pose: Pose) -> np.ndarray:
    points = np.zeros((478, 2), np.float32)
    points[IRIS_LANDMARK["eye_left"]] = CAMERA.project(pose.to_camera(CENTRE + RADIUS * direction))
    head = _ball()
    ball = eyeball("eye_left", np.arange(len(head)), head, points, CAMERA, pose)
    return ball.rotation @ [0, 0, 1]


@pytest.mark.parametrize(("yaw", "pitch"), [(0, 0), (20, 0), (-15, 10), (8, -20)])
@pytest.mark.parametrize("head", [(0, 0, 0), (25, -5, 8)])
def test_gaze_is_recovered(yaw: float, pitch: float, head: tuple[int, int, int]) -> None:
    pose = Pose(rotation_from_angles(*head), np.array([0.0, 0.0, 900.0]))
    assert _solve(_gaze(yaw, pitch), pose) == pytest.approx(_gaze(yaw, pitch), abs=0.01)


def test_gaze_is_limited() -> None:
    pose = Pose(rotation_from_angles(0, 0, 0), np.array([0.0, 0.0, 900.0]))
    solved = _solve(_gaze(70, 0), pose)
    assert np.rad2deg(np.arccos(solved[2])) == pytest.approx(MAX_GAZE_DEG, abs=0.5)


def test_turning_keeps_the_ball_round_and_in_place() -> None:
    pose = Pose(rotation_from_angles(0, 0, 0), np.array([0.0, 0.0, 900.0]))
    points = np.zeros((478, 2), np.float32)
    points[IRIS_LANDMARK["eye_left"]] = CAMERA.project(pose.to_camera(CENTRE + RADIUS * _gaze(20, 5)))
    head = np.concatenate([_ball(), [[0.0, 0.0, 0.0]]])
    ball = eyeball("eye_left", np.arange(len(head) - 1), head, points, CAMERA, pose)
    turned = ball.turned(head)
    assert np.linalg.norm(turned[:-1] - CENTRE, axis=1) == pytest.approx(RADIUS, abs=1e-3)
    assert (turned[-1] == 0).all()


def test_tones_run_from_pupil_over_iris_to_sclera() -> None:
    distance = np.array([0.0, (PUPIL_MM + IRIS_RADIUS_MM) / 2, 11.0], np.float32)
    tones = _radial_tones(distance, np.zeros((3, 3), np.float32), np.zeros(3, np.float32)).mean(1)
    assert tones[0] < 0.5 * tones[1] < tones[1] < 0.6 * tones[2]
