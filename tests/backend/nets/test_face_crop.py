"""The face network's window, and its pose in camera space and back."""

from __future__ import annotations

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.camera import Camera
from backend.frames import rotation_from_angles
from backend.nets.face_crop import FACE_SIDE_MM, MARGIN, WindowCameras, face_window

shares = st.floats(-0.3, 0.3)


def cameras(focal: float, x: float, y: float, side: int = 224) -> WindowCameras:
    exact = {"dtype": torch.float64}
    return WindowCameras(torch.tensor([focal], **exact), torch.tensor([[x, y]], **exact), side)


def test_the_window_lies_around_the_landmarks() -> None:
    points = np.array([[10.0, 20.0], [50.0, 30.0], [30.0, 100.0]])
    window = face_window(points, 120)
    inside = window.to_window(points)
    np.testing.assert_allclose((inside.min(0) + inside.max(0)) / 2, 59.5)
    assert np.isclose(np.ptp(inside[:, 1]), 120 / MARGIN)


@settings(max_examples=30)
@given(st.floats(300, 3000), st.floats(-800, 800), st.floats(-800, 800), shares, shares, st.floats(-1, 1))
def test_place_there_and_back(focal: float, cx: float, cy: float, x: float, y: float, size: float) -> None:
    window = cameras(focal, cx, cy)
    place = torch.tensor([[x, y, size]], dtype=torch.float64)
    translation = window.translation_mm(place)
    torch.testing.assert_close(window.place_of(translation), place)
    # The head centre shows where it was said to be, in a square of the said millimetres.
    pixel = Camera(focal, focal, cx, cy, 224, 224).project(translation[0].numpy())
    np.testing.assert_allclose(pixel, 111.5 + 224 * np.array([x, y]), atol=1e-6)
    assert np.isclose(translation[0, 2] * 224 / focal, FACE_SIDE_MM * np.exp(size))


@given(st.floats(300, 3000), st.floats(-800, 1000), st.floats(-800, 1000))
def test_a_ray_is_the_least_turn_to_the_middle(focal: float, cx: float, cy: float) -> None:
    ray = cameras(focal, cx, cy).rays()[0].numpy()
    np.testing.assert_allclose(ray @ ray.T, np.eye(3), atol=1e-12)
    assert np.linalg.det(ray) > 0
    towards = np.array([(111.5 - cx) / focal, (111.5 - cy) / focal, 1.0])
    np.testing.assert_allclose(ray[:, 2], towards / np.linalg.norm(towards), atol=1e-12)
    axis = np.array([ray[2, 1] - ray[1, 2], ray[0, 2] - ray[2, 0], ray[1, 0] - ray[0, 1]])
    assert abs(axis[2]) < 1e-12  # no roll


def test_points_go_the_way_of_the_conventions() -> None:
    window = cameras(900.0, 40.0, -20.0)
    place = torch.tensor([[0.1, -0.05, 0.2]], dtype=torch.float64)
    rotation = torch.from_numpy(rotation_from_angles(20, -10, 5))[None]
    points = torch.randn(1, 5, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(1)) * 80
    turn = window.rays()[0] @ rotation[0]
    expected = points[0] @ turn.T + window.translation_mm(place)[0]
    torch.testing.assert_close(window.to_camera(points, rotation, place)[0], expected)
    pixels = Camera(900.0, 900.0, 40.0, -20.0, 224, 224).project(expected.numpy())
    np.testing.assert_allclose(window.project(expected[None])[0].numpy(), pixels)
