from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.camera import Camera
from backend.crop import CHIN, CROP_SIDE_MM, CROP_SIZE, FOREHEAD_TOP, head_crop, rough_crop, square_crop
from backend.frames import Pose, rotation_from_angles
from backend.landmarks import DetectedFace
from backend.photo import Photo

PHOTO = Photo(np.random.default_rng(0).integers(0, 256, (300, 400, 3), np.uint8))
CAMERA = Camera.centred(600.0, 400, 300)


def face_with_oval(top: tuple[float, float], chin: tuple[float, float]) -> DetectedFace:
    points = np.full((478, 2), 150.0, np.float32)
    points[FOREHEAD_TOP], points[CHIN] = top, chin
    return DetectedFace(points, np.zeros(478, np.float32), {}, (100.0, 100.0, 200.0, 200.0))


@given(
    st.floats(-200, 200), st.floats(-150, 150), st.floats(400, 3000), st.floats(-80, 80), st.floats(-40, 40)
)
def test_head_crop_is_centred_on_the_head_at_a_metric_scale(
    x: float, y: float, z: float, yaw: float, pitch: float
) -> None:
    pose = Pose(rotation_from_angles(yaw, pitch, 0.0), np.array([x, y, z]))
    crop = head_crop(PHOTO, CAMERA, pose, size=32)
    np.testing.assert_allclose(crop.camera.project(pose.translation_mm), [15.5, 15.5], atol=1e-6)
    across = np.array([[0.0, 0.0, z], [CROP_SIDE_MM, 0.0, z]])
    assert np.ptp(crop.camera.project(across)[:, 0]) == pytest.approx(32, rel=1e-6)


@given(st.floats(-500, 500), st.floats(-500, 500), st.floats(100, 3000))
def test_crop_camera_and_point_maps_agree(x: float, y: float, z: float) -> None:
    crop = square_crop(PHOTO, CAMERA, 190.0, 120.0, 140.0, size=64)
    point = np.array([x, y, z])
    in_photo, in_crop = CAMERA.project(point), crop.camera.project(point)
    np.testing.assert_allclose(crop.to_crop(in_photo), in_crop, atol=1e-6)
    np.testing.assert_allclose(crop.to_photo(in_crop), in_photo, atol=1e-6)


def test_crop_of_the_photo_itself_is_the_photo() -> None:
    crop = square_crop(PHOTO, CAMERA, 149.5, 149.5, 300.0, size=300)
    np.testing.assert_array_equal(crop.pixels, PHOTO.pixels[:, :300])
    assert crop.inside.all()


def test_beyond_the_photo_the_border_repeats_and_is_marked() -> None:
    crop = square_crop(PHOTO, CAMERA, 0.0, 0.0, 201.0, size=201)
    assert not crop.inside[:100].any() and not crop.inside[:, :100].any()
    assert crop.inside[100:, 100:].all()
    assert (crop.pixels[:100, 150] == PHOTO.pixels[0, 50]).all()


def test_map_returns_to_its_place_in_the_photo() -> None:
    crop = square_crop(PHOTO, CAMERA, 200.0, 150.0, 100.0, size=200)
    back = crop.map_to_photo(crop.pixels.astype(np.float32), 400, 300, outside=-9.0)
    assert (back[:90] == -9).all()
    smooth = np.abs(back[110:190, 160:240] - PHOTO.pixels[110:190, 160:240])
    assert smooth.mean() < 30  # twice resampled noise; a shift by one pixel gives 85


def test_rough_crop_has_the_head_in_the_middle_with_room_for_hair() -> None:
    crop = rough_crop(PHOTO, face_with_oval((200.0, 100.0), (200.0, 186.0)))
    assert crop.size == CROP_SIZE
    np.testing.assert_allclose(crop.to_photo(np.array([255.5, 255.5])), [200.0, 143.0], atol=1e-5)
    assert crop.scale == pytest.approx(512 / 260, rel=1e-6)


def test_rough_crop_of_a_nodding_head_is_no_smaller() -> None:
    level = face_with_oval((200.0, 100.0), (200.0, 186.0))
    z = np.zeros(478, np.float32)
    z[FOREHEAD_TOP] = -50.0
    nodding = DetectedFace(
        face_with_oval((200.0, 116.0), (200.0, 186.0)).points_px, z, {}, (100.0, 100.0, 200.0, 200.0)
    )
    assert rough_crop(PHOTO, nodding).scale == pytest.approx(rough_crop(PHOTO, level).scale, rel=0.01)
