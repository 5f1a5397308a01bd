"""From the engine's frames to the data set's: cameras, crops and the photo's own grid."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from backend.camera import Camera
from backend.crop import HeadCrop
from backend.evaluate import EnginePredictor, EvaluationItem
from backend.evaluate.predict import labels_on_photo, photo_of, render_over_plate, scaled, seen_by
from backend.frames import Pose, rotation_from_angles
from backend.head_parse import HeadParse
from backend.photo import Photo
from backend.reconstruction import Reconstruction, TexturedMesh

POSE = Pose(rotation_from_angles(0, 0, 0), np.array([0.0, 0.0, 600.0]))
SOLVED = Camera.centred(80.0, 40, 30)
TRUE = Camera(80.0, 80.0, 22.0, 13.0, 40, 30)


def square(name: str, side_mm: float, z_mm: float = 0.0, follows_head: bool = True) -> TexturedMesh:
    half = side_mm / 2
    corners = np.array([[-half, -half, z_mm], [half, -half, z_mm], [half, half, z_mm], [-half, half, z_mm]])
    uvs = np.array([[[0, 0], [1, 0], [1, 1], [0, 1]]], np.float32)
    return TexturedMesh(
        name,
        corners.astype(np.float32),
        np.array([[0, 1, 2, 3]], np.int32),
        uvs,
        name,
        follows_head=follows_head,
        has_alpha=name == "body",
    )


def reconstruction() -> Reconstruction:
    colours = {"face": (200, 0, 0), "hair": (0, 200, 0), "back": (9, 9, 9), "body": (0, 0, 200)}
    images = {name: np.full((4, 4, 3), colour, np.uint8) for name, colour in colours.items()}
    images["body"] = np.dstack([images["body"], np.full((4, 4), 255, np.uint8)])
    images["plate"] = np.full((30, 40, 3), 77, np.uint8)
    meshes = (
        square("face", 60),
        square("hair", 90, -20),
        square("back", 80, -90),
        square("body", 170, -100, follows_head=False),
    )
    empty = np.zeros(0, np.float32)
    return Reconstruction(SOLVED, POSE, empty, empty, (), meshes, images, "test")


@pytest.fixture
def item(tmp_path: Path) -> EvaluationItem:
    Image.new("RGB", (40, 30)).save(tmp_path / "a.png")
    return EvaluationItem("a", tmp_path / "a.png", TRUE, None, None, "", None)


def test_the_engine_is_told_the_true_focal_length(item):
    assert photo_of(item).focal_px == TRUE.fx


def test_mesh_is_face_and_hair_in_the_data_sets_camera(item):
    engine = SimpleNamespace(reconstruct=lambda photo: reconstruction())
    mesh = EnginePredictor(engine).mesh(item)
    assert mesh.triangles.shape == (4, 3)
    assert len(mesh.vertices_cam) == 8
    pixels = TRUE.project(mesh.vertices_cam)
    expected = [
        SOLVED.project(POSE.to_camera(m.vertices.astype(np.float64))) for m in reconstruction().meshes[:2]
    ]
    np.testing.assert_allclose(pixels, np.concatenate(expected), atol=1e-4)
    np.testing.assert_allclose(mesh.vertices_cam[:4, 2], 600)


def test_same_cameras_move_nothing():
    points = np.random.default_rng(0).normal(size=(9, 3)) * 50 + [0, 0, 600]
    np.testing.assert_allclose(seen_by(points, SOLVED, SOLVED), points, atol=1e-9)


def test_a_scaled_camera_sees_the_same_in_a_smaller_picture():
    half = scaled(TRUE, 0.5)
    assert (half.width, half.height) == (20, 15)
    point = np.array([[20.0, -30, 500]])
    # The centre of the first two-by-two block lies at 0.5 and becomes pixel 0.
    np.testing.assert_allclose(half.project(point), (TRUE.project(point) - 0.5) / 2)


def test_labels_return_to_the_photos_grid(item):
    photo = Photo(np.zeros((30, 40, 3), np.uint8))
    labels = np.zeros((16, 16), np.uint8)
    labels[4:12, 4:12] = 2
    camera = SOLVED.cropped(1.0, 8.0, 5.0, 16, 16)
    crop = HeadCrop(np.zeros((16, 16, 3), np.uint8), np.ones((16, 16), bool), camera, 1.0, 8.0, 5.0)
    matte = (labels > 0).astype(np.float32)
    expected = np.zeros((30, 40), np.uint8)
    expected[9:17, 12:20] = 2
    parse = HeadParse(labels, matte, matte)
    np.testing.assert_array_equal(labels_on_photo(crop, parse, photo), expected)
    engine = SimpleNamespace(parse=lambda photo: (crop, parse))
    np.testing.assert_array_equal(EnginePredictor(engine).labels(item), expected)


def test_render_lies_over_the_plate_and_the_body_is_no_head():
    picture, head = render_over_plate(reconstruction())
    assert picture.shape == (30, 40, 3)
    np.testing.assert_array_equal(picture[0, 0], [77, 77, 77])
    np.testing.assert_array_equal(picture[15, 20], [200, 0, 0])
    assert head[15, 20]
    outside = np.flatnonzero((picture[15] == [0, 0, 200]).all(1))
    assert len(outside) > 0
    assert not head[15, outside].any()
