"""Textures lose their light and nothing else."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from backend.colour import from_linear
from backend.delight import delit_texture, take_off_light
from backend.light import shading
from backend.morphable import MorphableModel, load_head_model
from backend.normals import vertex_normals
from backend.raster import triangulate
from backend.texture import Atlas

from .head_sight import photographed, sight_of, standing

SIZE, GRID = 256, 256
EVEN = np.zeros((9, 3), np.float32)
EVEN[0] = 1 / 0.282095
FROM_THE_LEFT = EVEN.copy()
FROM_THE_LEFT[2] = -0.9
"""In the picture: the subject's right cheek is bright."""


@pytest.fixture(scope="module")
def model() -> MorphableModel:
    return load_head_model()


@pytest.fixture(scope="module")
def atlas(model: MorphableModel) -> Atlas:
    skin = model.part("skin")
    return Atlas(model.polygons[skin], model.uvs[skin], GRID, SIZE)


@pytest.fixture(scope="module")
def normals(model: MorphableModel) -> np.ndarray:
    return vertex_normals(model.mean, triangulate(model.polygons[model.solid]).vertices)


def skin_of(model: MorphableModel) -> np.ndarray:
    assert model.albedo is not None
    return model.albedo.of(np.zeros(len(model.albedo)))


def lit(atlas: Atlas, albedo: np.ndarray, normals: np.ndarray, light: np.ndarray) -> np.ndarray:
    """(SIZE,SIZE,3) texture of a skin in some light."""
    colours = from_linear((albedo * shading(normals, light)).clip(0, 1)) * 255
    return np.rint(atlas.to_grid(atlas.spread(colours))).astype(np.uint8)


def on_face(atlas: Atlas, model: MorphableModel) -> np.ndarray:
    """(GRID,GRID) texels well inside the face."""
    return atlas.to_grid(atlas.spread(model.regions["face"][:, None].astype(float))[:, 0]) > 0.999


def test_even_light_leaves_the_texture_as_it_is(
    model: MorphableModel, atlas: Atlas, normals: np.ndarray
) -> None:
    texture = lit(atlas, skin_of(model), normals, EVEN)
    delit = delit_texture(texture, atlas, normals, EVEN, skin_of(model))
    face = on_face(atlas, model)
    assert np.abs(delit[face].astype(int) - texture[face]).mean() < 2


def test_light_from_one_side_is_taken_off(model: MorphableModel, atlas: Atlas, normals: np.ndarray) -> None:
    face = on_face(atlas, model)
    truth = lit(atlas, skin_of(model), normals, EVEN)
    texture = lit(atlas, skin_of(model), normals, FROM_THE_LEFT)
    delit = delit_texture(texture, atlas, normals, FROM_THE_LEFT, skin_of(model))
    before, after = (np.abs(t[face].astype(int) - truth[face]).mean() for t in (texture, delit))
    assert before > 10
    assert after < 0.3 * before


def test_a_cast_shadow_is_lifted_and_a_mole_stays(
    model: MorphableModel, atlas: Atlas, normals: np.ndarray
) -> None:
    texture = lit(atlas, skin_of(model), normals, EVEN)
    row, column = np.argwhere(on_face(atlas, model))[:, :].mean(axis=0).astype(int)
    shadow, mole = texture.copy(), texture.copy()
    shadow[:, :column] = (shadow[:, :column] * 0.8).astype(np.uint8)
    mole[row + 20 : row + 23, column : column + 3] = 40
    at = on_face(atlas, model)
    at[:, column - 20 :] = False
    lifted = delit_texture(shadow, atlas, normals, EVEN, skin_of(model))
    assert lifted[at].mean() > shadow[at].mean() + 0.4 * (texture[at].mean() - shadow[at].mean())
    kept = delit_texture(mole, atlas, normals, EVEN, skin_of(model))
    assert kept[row + 21, column + 1].max() < 60


def test_monochrome_stays_monochrome(model: MorphableModel, atlas: Atlas, normals: np.ndarray) -> None:
    grey = lit(atlas, skin_of(model), normals, FROM_THE_LEFT)[..., 1:2].repeat(3, axis=2)
    delit = delit_texture(grey, atlas, normals, FROM_THE_LEFT, skin_of(model))
    assert (np.ptp(delit, axis=2) == 0).all()


def test_darkness_is_not_blown_up(model: MorphableModel, atlas: Atlas, normals: np.ndarray) -> None:
    night = EVEN.copy()
    night[2] = -5.0
    noise = np.random.default_rng(0).integers(0, 12, (SIZE, SIZE, 3), np.uint8)
    delit = delit_texture(noise, atlas, normals, night, skin_of(model))
    assert delit.max() < 80


def test_a_photo_gives_light_and_texture(model: MorphableModel, atlas: Atlas, normals: np.ndarray) -> None:
    colours = from_linear((skin_of(model) * shading(normals, FROM_THE_LEFT)).clip(0, 1)) * 255
    photo = photographed(model, colours)
    texture = lit(atlas, skin_of(model), normals, FROM_THE_LEFT)
    with_alpha = np.dstack([texture, np.full((SIZE, SIZE), 255, np.uint8)])
    delit = take_off_light(model, standing(model), sight_of(model, photo), with_alpha, atlas)
    assert delit is not None
    # The photo is coarse: half of the texels hold all of it.
    assert delit.texture.shape == (SIZE // 2, SIZE // 2, 3)
    assert delit.light[2].mean() < -0.4
    assert delit.estimate.confidence > 0.8


def test_a_model_without_albedo_has_no_light(model: MorphableModel, atlas: Atlas) -> None:
    photo = np.full((240, 240, 3), 150, np.uint8)
    texture = np.zeros((SIZE, SIZE, 4), np.uint8)
    bare = replace(model, albedo=None)
    assert take_off_light(bare, standing(model), sight_of(model, photo), texture, atlas) is None
