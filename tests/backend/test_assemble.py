"""Parts of the model beneath and beside the shells."""

from __future__ import annotations

import numpy as np
import pytest

from backend.assemble import (
    BODY_BEHIND_MM,
    BODY_BELOW_HAIR_MM,
    FARTHEST_BODY_MM,
    SCALP_DEPTH_MM,
    body_mesh,
    covered_polygons,
    under_shell,
)
from backend.camera import Camera
from backend.crop import HeadCrop
from backend.frames import Pose, rotation_from_angles
from backend.head_parse import BACKGROUND, FACE, HAIR
from backend.morphable import MorphableModel, load_head_model
from backend.project import EARS
from backend.sight import Sight

SIZE = 64
CAMERA = Camera(150.0, 150.0, 31.5, 31.5, SIZE, SIZE)


@pytest.fixture(scope="module")
def model() -> MorphableModel:
    return load_head_model()


def sight(label: int) -> Sight:
    pixels = np.zeros((SIZE, SIZE, 3), np.uint8)
    crop = HeadCrop(pixels, np.ones((SIZE, SIZE), bool), CAMERA, 1.0, 0.0, 0.0)
    nearest = np.full((SIZE, SIZE), np.inf, np.float32)
    return Sight(pixels, CAMERA, crop, nearest, np.full((SIZE, SIZE), label, np.uint8))


def in_view(model: MorphableModel) -> np.ndarray:
    return model.mean * (1, -1, -1) + (0, 0, 1200)


def polygons_of(model: MorphableModel, region: str) -> np.ndarray:
    corners = np.where(model.polygons >= 0, model.polygons, model.polygons[:, :1])
    return model.regions[region][corners].all(axis=1)


def test_the_lining_lies_inside_and_starts_at_the_face(model: MorphableModel) -> None:
    drawn = under_shell(model, model.mean, EARS)
    scalp = model.regions["scalp"] & ~model.regions["face"]
    moved = np.linalg.norm(drawn - model.mean, axis=1)
    assert (moved[~scalp] == 0).all()
    assert moved.max() == pytest.approx(SCALP_DEPTH_MM, abs=0.01)
    middle = model.mean[scalp].mean(axis=0)
    inwards = np.linalg.norm(drawn - middle, axis=1) < np.linalg.norm(model.mean - middle, axis=1)
    assert inwards[moved > 0.5 * SCALP_DEPTH_MM].mean() > 0.95


def test_ears_under_hair_are_dropped_unless_the_model_shows_them(model: MorphableModel) -> None:
    drop = covered_polygons(model, in_view(model), sight(HAIR), ("ear_left",))
    assert drop[polygons_of(model, "ear_right")].all()
    assert not drop[polygons_of(model, "ear_left")].any()


def test_an_ear_that_the_face_hides_stays(model: MorphableModel) -> None:
    assert not covered_polygons(model, in_view(model), sight(FACE), ()).any()


def test_scalp_beyond_the_silhouette_is_dropped(model: MorphableModel) -> None:
    drop = covered_polygons(model, in_view(model), sight(BACKGROUND), EARS)
    np.testing.assert_array_equal(drop, polygons_of(model, "scalp"))


@pytest.mark.parametrize(("rows", "columns"), [(slice(40, 64), slice(0, 64)), (slice(50, 51), slice(30, 31))])
def test_the_card_lies_where_its_picture_shows(rows: slice, columns: slice) -> None:
    picture = np.zeros((SIZE, SIZE, 4), np.uint8)
    picture[rows, columns, 3] = 1
    pose = Pose(rotation_from_angles(10, 5, 2), np.array([1.0, 2.0, 600.0]))
    card = body_mesh(CAMERA, pose, picture)
    corners = CAMERA.project(pose.to_camera(card.vertices))[card.polygons]
    low, high = corners.min(axis=1), corners.max(axis=1)
    for row, column in np.argwhere(picture[..., 3]):
        inside = (low <= (column + 1e-3, row + 1e-3)) & (high >= (column - 1e-3, row - 1e-3))
        assert inside.all(1).any()
    assert len(card.polygons) <= (rows.stop - rows.start + 2) * (columns.stop - columns.start + 2)
    assert len(np.unique(card.polygons)) == len(card.vertices)
    uv = card.uvs.reshape(-1, 2) * (SIZE, -SIZE) + (-0.5, SIZE - 0.5)
    assert uv == pytest.approx(corners.reshape(-1, 2), abs=1e-2)


def test_the_card_gives_way_to_hair_that_hangs_down_behind_it() -> None:
    pose = Pose(np.eye(3), np.array([0.0, 0.0, 900.0]))
    opaque = np.full((SIZE, SIZE, 4), 255, np.uint8)
    hair = np.zeros((SIZE, SIZE), np.float32)
    hair[40:, :20], hair[40:, 50:] = 950, 2000
    card = pose.to_camera(body_mesh(CAMERA, pose, opaque, hair).vertices)
    at = CAMERA.project(card)
    low = at[:, 1] > 45
    assert card[low & (at[:, 0] < 15), 2] == pytest.approx(950 + BODY_BELOW_HAIR_MM)
    assert card[low & (at[:, 0] > 30) & (at[:, 0] < 40), 2] == pytest.approx(900 + BODY_BEHIND_MM)
    assert card[low & (at[:, 0] > 55), 2] == pytest.approx(900 + FARTHEST_BODY_MM)
    # From where the photo was taken nothing moved.
    flat = body_mesh(CAMERA, pose, opaque)
    assert at == pytest.approx(CAMERA.project(pose.to_camera(flat.vertices)), abs=1e-3)
