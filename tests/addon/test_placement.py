"""Poses and lenses between the photo and Blender."""

from __future__ import annotations

import math

import numpy as np
import pytest
from likeness.addon import placement
from likeness.backend.frames import Pose, head_to_blender, rotation_from_angles
from likeness.backend.protocol import CameraHeader

ANGLES = [(0, 0, 0), (30, 0, 0), (0, 20, 0), (0, 0, 15), (-40, 12, -9), (75, -60, 100)]


def rotation(axis: int, radians: float) -> np.ndarray:
    """Naive rotation about one of Blender's axes."""
    matrix = np.eye(3)
    a, b = (axis + 1) % 3, (axis + 2) % 3
    matrix[a, a] = matrix[b, b] = math.cos(radians)
    matrix[b, a], matrix[a, b] = math.sin(radians), -math.sin(radians)
    return matrix


@pytest.mark.parametrize("angles", ANGLES)
def test_pivot_rotation_is_the_euler_rotation_of_the_same_angles(angles):
    x, y, z = placement.euler_from_angles(*angles)
    expected = rotation(2, z) @ rotation(0, x) @ rotation(1, y)  # what Blender calls YXZ
    assert np.allclose(placement.pivot_rotation(rotation_from_angles(*angles)), expected, atol=1e-12)
    assert placement.angles_from_euler((x, y, z)) == pytest.approx(angles)


@pytest.mark.parametrize("angles", ANGLES)
def test_a_point_of_the_head_lands_where_the_photo_camera_saw_it(angles):
    pose = Pose(rotation_from_angles(*angles), np.array([30.0, -40.0, 700.0]))
    point_mm = np.array([50.0, -20.0, 90.0])
    world = placement.pivot_rotation(pose.rotation) @ head_to_blender(point_mm)
    from_camera = world - np.array(placement.camera_location(pose))
    expected = pose.to_camera(point_mm) / 1000.0
    assert np.allclose([from_camera[0], -from_camera[2], from_camera[1]], expected, atol=1e-12)


def test_a_centred_camera_needs_no_shift():
    lens = placement.lens(CameraHeader(fx=1000.0, fy=1000.0, cx=399.5, cy=299.5, width=800, height=600))
    assert (lens.shift_x, lens.shift_y) == (0.0, 0.0)
    assert lens.focal_mm == pytest.approx(45.0)  # 1000 px of 800 on 36 mm film


@pytest.mark.parametrize(
    ("place", "seen"),
    [
        ((0.0, -0.3, 0.0), True),  # between camera and head
        ((0.28, -0.05, 0.0), True),  # at the head's side, at the edge of the frame
        ((0.28, -0.55, 0.0), False),  # as far to the side, near the camera: out of the frame
        ((0.0, 0.0, 0.6), False),  # above the frame
        ((0.0, -0.9, 0.0), False),  # behind the camera
        ((0.0, 0.9, 0.0), False),  # scenery
    ],
)
def test_what_stands_in_the_photos_frame(place, seen):
    camera = CameraHeader(fx=1000.0, fy=1000.0, cx=399.5, cy=399.5, width=800, height=800)
    pose = Pose(np.eye(3), np.array([0.0, 0.0, 700.0]))  # the frame reaches 0.28 m from the head
    cube = np.array([[-0.05, -0.05, -0.05], [0.05, 0.05, 0.05]])
    assert placement.in_sight(camera, pose, cube + place) is seen
