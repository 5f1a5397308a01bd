"""The pinhole camera: there and back, crops, and where a pixel's centre lies."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.camera import Camera

cameras = st.builds(
    Camera,
    st.floats(50, 5000),
    st.floats(50, 5000),
    st.floats(-100, 2000),
    st.floats(-100, 2000),
    st.integers(1, 4000),
    st.integers(1, 4000),
)
points = st.lists(
    st.tuples(st.floats(-500, 500), st.floats(-500, 500), st.floats(50, 5000)), min_size=1, max_size=8
).map(np.array)


@given(cameras, points)
def test_projection_there_and_back(camera, points_cam):
    pixels = camera.project(points_cam)
    np.testing.assert_allclose(camera.unproject(pixels, points_cam[:, 2]), points_cam, rtol=1e-9, atol=1e-6)


@given(cameras, points)
def test_projection_is_the_matrix_divided_by_depth(camera, points_cam):
    homogeneous = points_cam @ camera.matrix.T
    np.testing.assert_allclose(
        camera.project(points_cam), homogeneous[:, :2] / homogeneous[:, 2:], rtol=1e-9, atol=1e-6
    )


@given(cameras, points, st.floats(0.1, 8), st.floats(-200, 500), st.floats(-200, 500))
def test_a_crops_camera_sees_photo_pixels_where_the_crop_put_them(camera, points_cam, scale, x, y):
    crop = camera.cropped(scale, x, y, 64, 48)
    expected = (camera.project(points_cam) - [x, y]) * scale
    np.testing.assert_allclose(crop.project(points_cam), expected, rtol=1e-9, atol=1e-5)
    assert (crop.width, crop.height) == (64, 48)


@given(cameras, points, st.floats(0.1, 8), st.floats(-200, 500), st.floats(-200, 500))
def test_a_crop_can_be_undone(camera, points_cam, scale, x, y):
    crop = camera.cropped(scale, x, y, 64, 48)
    back = crop.cropped(1 / scale, -x * scale, -y * scale, camera.width, camera.height)
    np.testing.assert_allclose(back.project(points_cam), camera.project(points_cam), rtol=1e-9, atol=1e-5)


@pytest.mark.parametrize(("width", "height"), [(4, 3), (5, 7)])
def test_the_optical_axis_meets_the_middle_of_the_picture(width, height):
    """Pixel centres are whole numbers: the middle of 4 pixels lies between 1 and 2."""
    camera = Camera.centred(100.0, width, height)
    np.testing.assert_array_equal(
        camera.project(np.array([0.0, 0.0, 500.0])), [(width - 1) / 2, (height - 1) / 2]
    )


def test_axes_point_right_down_and_forward():
    camera = Camera.centred(100.0, 11, 11)
    np.testing.assert_allclose(camera.project(np.array([10.0, 20.0, 500.0])), [5 + 2, 5 + 4])
