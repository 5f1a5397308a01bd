"""Basel Face Model: the original files and the ready-made front give the same face in our frame."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from model_files import COMPONENTS, Cut, write_bfm, write_bfm_front
from scipy.io import loadmat, savemat

from backend.colour import from_linear, to_linear
from backend.delight import take_off_light
from backend.errors import ModelUnusable
from backend.light import shading
from backend.models.bfm import read
from backend.models.registry import format_of, read_model
from backend.morphable import MorphableModel, load_head_model
from backend.normals import vertex_normals
from backend.raster import triangulate
from backend.texture import Atlas

from .head_sight import photographed, sight_of, standing

NAMES = (
    "01_MorphableModel.mat", "Exp_Pca.bin", "std_exp.txt", "BFM_front_idx.mat", "BFM_exp_idx.mat",
    "facemodel_info.mat",
)  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("bfm")
    write_bfm(path)
    return path


@pytest.fixture(scope="module")
def front(folder: Path) -> Cut:
    return write_bfm(folder)


@pytest.fixture(scope="module")
def model(folder: Path) -> MorphableModel:
    return read_model(folder)


@pytest.fixture
def copy(folder: Path, tmp_path: Path) -> Path:
    for name in NAMES:
        (tmp_path / name).write_bytes((folder / name).read_bytes())
    return tmp_path


def test_micrometres_and_indices_from_one(folder: Path, front: Cut) -> None:
    raw = read(folder)
    np.testing.assert_allclose(raw.mean, front.mean, atol=1e-3)
    np.testing.assert_allclose(raw.identity, front.identity, atol=1e-3)
    np.testing.assert_allclose(raw.expression, front.expression, atol=1e-3)
    np.testing.assert_array_equal(raw.landmarks.vertices[:, 0], front.keypoints)


def test_the_ready_made_front_is_the_same_face(folder: Path, tmp_path: Path) -> None:
    write_bfm_front(tmp_path / "BFM_model_front.mat")
    mine, theirs = read(tmp_path / "BFM_model_front.mat"), read(folder)
    np.testing.assert_allclose(mine.mean, theirs.mean, atol=1e-3)
    np.testing.assert_allclose(mine.identity, theirs.identity, atol=1e-3)
    np.testing.assert_allclose(mine.expression, theirs.expression, atol=1e-3)


@pytest.mark.parametrize("ready_made", [False, True])
def test_bytes_of_the_texture_become_linear_albedo(
    folder: Path, front: Cut, tmp_path: Path, ready_made: bool
) -> None:
    if ready_made:
        write_bfm_front(tmp_path / "BFM_model_front.mat")
    albedo = read(tmp_path / "BFM_model_front.mat" if ready_made else folder).albedo
    assert albedo is not None
    number = len(front.vertices) // 2
    np.testing.assert_allclose(albedo.mean[number], to_linear(front.colour[number] / 255), atol=1e-4)
    more, less = (to_linear(front.colour[number] / 255 + s * front.tints[2, number] / 255) for s in (1, -1))
    np.testing.assert_allclose(albedo.components[2, number], (more - less) / 2, atol=1e-4)
    assert len(albedo) == COMPONENTS


def test_both_halves_of_the_albedo_are_alike(model: MorphableModel) -> None:
    assert model.albedo is not None
    back_and_forth = model.mirror[model.mirror] == np.arange(len(model.mean))
    assert back_and_forth.mean() > 0.5
    for values in (model.albedo.mean, *model.albedo.components):
        np.testing.assert_allclose(values[model.mirror][back_and_forth], values[back_and_forth], atol=1e-6)


def test_its_skin_loses_the_light(model: MorphableModel) -> None:
    assert model.albedo is not None
    normals = vertex_normals(model.mean, triangulate(model.polygons).vertices)
    light = np.zeros((9, 3), np.float32)
    light[0], light[2] = 1 / 0.282095, -0.9
    colours = 255 * from_linear((model.albedo.mean * shading(normals, light)).clip(0, 1))
    atlas = Atlas(model.polygons, model.uvs, 128, 256)
    texture = np.rint(atlas.to_grid(atlas.spread(colours))).astype(np.uint8)
    sight = sight_of(model, photographed(model, colours))
    delit = take_off_light(model, standing(model), sight, texture, atlas)
    assert delit is not None
    assert delit.light[2].mean() < -0.4
    left, right = (model.mean[:, 0] > 30), (model.mean[:, 0] < -30)
    sides = [atlas.to_grid(atlas.spread(side[:, None].astype(float))[:, 0]) > 0.99 for side in (left, right)]
    small = cv2.resize(texture, delit.texture.shape[:2], interpolation=cv2.INTER_AREA)
    sides = [
        cv2.resize(s.astype(np.uint8), small.shape[:2], interpolation=cv2.INTER_NEAREST) > 0 for s in sides
    ]
    before, after = (abs(int(t[sides[0]].mean()) - int(t[sides[1]].mean())) for t in (small, delit.texture))
    assert after < 0.5 * before


def test_a_texture_that_does_not_fit_is_told(copy: Path) -> None:
    path = copy / "01_MorphableModel.mat"
    arrays = {name: value for name, value in loadmat(path).items() if not name.startswith("_")}
    savemat(path, {**arrays, "texMU": arrays["texMU"][:-3]})
    with pytest.raises(ModelUnusable, match="texture"):
        read_model(copy)


def test_it_comes_to_lie_where_our_head_is(model: MorphableModel, front: Cut) -> None:
    truth = load_head_model().mean[front.vertices]
    assert np.linalg.norm(model.mean - truth, axis=1).max() < 2.0  # its marks lie on vertices
    lengths = np.linalg.norm(np.diff(model.mean, axis=0), axis=1)
    np.testing.assert_allclose(lengths, np.linalg.norm(np.diff(front.mean, axis=0), axis=1), atol=1e-2)


def test_polygons_face_outwards(model: MorphableModel) -> None:
    a, b, c = (model.mean[model.polygons[:, k]] for k in range(3))
    normal = np.cross(b - a, c - a)
    nose = model.mean[:, 2].argmax()
    assert normal[(model.polygons == nose).any(1), 2].mean() > 0


def test_what_it_has_and_lacks(model: MorphableModel) -> None:
    assert model.part_names == ("skin",)
    assert not model.has_skull
    assert not model.commercial_use
    assert len(model.identity) == len(model.expression) == COMPONENTS
    low, high = model.expression_bounds
    assert (low < 0).all()
    assert (high > 1).all()
    assert "commercial" in (model.licence_notice or "")


def test_uvs_are_symmetric_about_the_middle(model: MorphableModel) -> None:
    assert model.uvs.min() >= 0
    assert model.uvs.max() <= 1
    u = np.full(len(model.mean), np.nan)
    corner = model.polygons[:, :3]
    u[corner] = model.uvs[:, :3, 0]
    close = np.linalg.norm(model.mean[model.mirror] - model.mean * [-1, 1, 1], axis=1) < 1.0
    assert close.mean() > 0.5
    assert np.nanmax(np.abs(u + u[model.mirror] - 1)[close]) < 0.03


def test_mediapipes_landmarks_are_carried_over(model: MorphableModel) -> None:
    head = load_head_model()
    embedding = model.landmarks_478
    assert len(embedding.rows) > 440
    theirs = head.landmarks_478.of(head.mean)[embedding.rows]
    assert np.median(np.linalg.norm(embedding.of(model.mean) - theirs, axis=1)) < 1.0


@pytest.mark.parametrize("name", NAMES[1:])
def test_a_missing_file_is_named(copy: Path, name: str) -> None:
    (copy / name).unlink()
    with pytest.raises(ModelUnusable, match=name.partition(".")[0]) as caught:
        read_model(copy)
    assert "docs/models.md" in caught.value.hint


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("share", [0.0, 0.5])
def test_a_damaged_file_is_named(copy: Path, name: str, share: float) -> None:
    data = (copy / name).read_bytes()
    (copy / name).write_bytes(
        b"\xff\xfe" + data[: int(share * len(data))] if name != "Exp_Pca.bin" else data[:9]
    )
    with pytest.raises(ModelUnusable, match=name.partition(".")[0]):
        read_model(copy)


def test_it_is_known_by_its_content(folder: Path) -> None:
    assert format_of(folder).key == "bfm"
    assert format_of(folder / NAMES[0]).key == "bfm"
