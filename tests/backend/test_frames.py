"""Every conversion between frames, there and back, and the signs that the conventions page promises."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.camera import Camera
from backend.frames import (
    HEAD_TO_BLENDER_AXES,
    HEAD_TO_CAMERA_AXES,
    Pose,
    angles_from_rotation,
    blender_to_head,
    head_to_blender,
    rotation_from_angles,
)

yaws = st.floats(-179, 179)
pitches = st.floats(-88, 88)
rolls = st.floats(-179, 179)
points = st.lists(st.tuples(*[st.floats(-500, 500)] * 3), min_size=1, max_size=8).map(np.array)
LEFT, UP, OUT = np.eye(3)
"""Head axes: the subject's left, the crown, out of the face."""


@given(yaws, pitches, rolls)
def test_angles_survive_the_rotation(yaw, pitch, roll):
    rotation = rotation_from_angles(yaw, pitch, roll)
    np.testing.assert_allclose(rotation @ rotation.T, np.eye(3), atol=1e-12)
    assert np.linalg.det(rotation) == pytest.approx(1)
    assert angles_from_rotation(rotation) == pytest.approx((yaw, pitch, roll), abs=1e-6)


@given(yaws, pitches, rolls, points)
def test_pose_there_and_back(yaw, pitch, roll, head):
    pose = Pose(rotation_from_angles(yaw, pitch, roll), np.array([12.0, -30.0, 640.0]))
    np.testing.assert_allclose(pose.to_head(pose.to_camera(head)), head, atol=1e-9)


@given(points)
def test_blender_there_and_back(head):
    np.testing.assert_allclose(blender_to_head(head_to_blender(head)), head, atol=1e-9)


@given(st.floats(-80, 80), st.floats(-40, 40), st.floats(-90, 90), st.floats(-80, 80))
def test_turning_adds_to_the_angles(yaw, pitch, roll, change):
    pose = Pose(rotation_from_angles(yaw, pitch, roll), np.array([0.0, 0.0, 600.0]))
    turned = pose.turned(yaw_deg=change, roll_deg=-3.0)
    expected = {"yaw": yaw + change, "pitch": pitch, "roll": roll - 3.0}
    assert turned.angles_deg == pytest.approx(expected, abs=1e-6)
    np.testing.assert_array_equal(turned.translation_mm, pose.translation_mm)


places = st.tuples(st.floats(-400, 400), st.floats(-400, 400), st.floats(300, 3000)).map(np.array)


@given(yaws, pitches, rolls, places, places)
def test_facing_like_another_keeps_what_the_camera_sees(yaw, pitch, roll, place, other_place):
    other = Pose(rotation_from_angles(yaw, pitch, roll), other_place)
    own = Pose(np.eye(3), place).facing_like(other)
    np.testing.assert_allclose(own.rotation @ own.rotation.T, np.eye(3), atol=1e-12)
    np.testing.assert_array_equal(own.translation_mm, place)
    seen, wanted = (pose.to_head(np.zeros(3)) for pose in (own, other))
    np.testing.assert_allclose(seen / np.linalg.norm(seen), wanted / np.linalg.norm(wanted), atol=1e-9)
    np.testing.assert_allclose(other.facing_like(own).rotation, other.rotation, atol=1e-9)


def test_a_frontal_head_looks_into_the_camera_and_stands_upright():
    camera_axes = rotation_from_angles(0, 0, 0)
    np.testing.assert_array_equal(camera_axes, HEAD_TO_CAMERA_AXES)
    np.testing.assert_array_equal(camera_axes @ OUT, [0, 0, -1])  # towards the camera
    np.testing.assert_array_equal(camera_axes @ UP, [0, -1, 0])  # up in the picture
    np.testing.assert_array_equal(camera_axes @ LEFT, [1, 0, 0])  # the picture's right


@pytest.mark.parametrize(
    ("angles", "direction", "axis", "sign"),
    [
        ((20, 0, 0), OUT, 0, 1),  # yaw turns the face to the picture's right
        ((0, 20, 0), OUT, 1, 1),  # pitch looks down
        ((0, 0, 20), UP, 0, -1),  # roll tips the crown to the picture's left
    ],
    ids=["yaw", "pitch", "roll"],
)
def test_signs_of_the_angles_in_the_picture(angles, direction, axis, sign):
    camera = Camera.centred(1000.0, 512, 512)
    pose = Pose(rotation_from_angles(*angles), np.array([0.0, 0.0, 600.0]))
    shift = (
        camera.project(pose.to_camera(100 * direction[None]))[0]
        - camera.project(pose.to_camera(np.zeros((1, 3))))[0]
    )
    assert shift[axis] * sign > 30


def test_blender_axes():
    """Metres, z up, the face looks along -y; a rotation, so that outsides stay outsides."""
    np.testing.assert_allclose(head_to_blender(1000 * UP), [0, 0, 1])
    np.testing.assert_allclose(head_to_blender(1000 * OUT), [0, -1, 0])
    np.testing.assert_allclose(head_to_blender(1000 * LEFT), [1, 0, 0])
    assert np.linalg.det(HEAD_TO_BLENDER_AXES) == pytest.approx(1)
    assert np.linalg.det(HEAD_TO_CAMERA_AXES) == pytest.approx(1)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_dtypes_are_kept(dtype):
    head = np.ones((2, 3), dtype)
    pose = Pose(rotation_from_angles(10, 20, 30), np.array([0.0, 0.0, 600.0]))
    for converted in (pose.to_camera(head), pose.to_head(head), head_to_blender(head), blender_to_head(head)):
        assert converted.dtype == dtype
