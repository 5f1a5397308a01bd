"""How the albedo basis is made: light goes, what is unseen is filled, few components tell most."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from backend.albedo import AlbedoBasis
from backend.harmonics import PICTURED
from backend.light import shading
from backend.morphable import MorphableModel, load_head_model
from backend.normals import vertex_normals
from backend.raster import triangulate
from backend.vertex_colours import VertexColours
from tools.head_model.albedo import (
    UNLIT,
    complete,
    person_of,
    principal,
    smoothness_of,
    vertex_weights,
    without_light,
)
from tools.head_model.portraits import GREY_CHROMA, _is_grey


@pytest.fixture(scope="module")
def model() -> MorphableModel:
    return load_head_model()


@pytest.fixture(scope="module")
def normals(model: MorphableModel) -> np.ndarray:
    return vertex_normals(model.mean, triangulate(model.polygons[model.solid]).vertices)


@pytest.fixture(scope="module")
def people(model: MorphableModel) -> np.ndarray:
    """(P,N,3) skins of three independent features, alike on both halves."""
    rng = np.random.default_rng(0)
    x, y, z = model.mean.T / 100
    features = np.stack([np.ones_like(x), y, np.cos(9 * z)])[:, :, None] * np.array([1.0, 0.6, 0.4])
    amounts = rng.normal(size=(60, 3)) * [0.06, 0.03, 0.015]
    return (0.3 + np.tensordot(amounts, features, 1)).astype(np.float32)


def test_few_components_tell_what_few_features_made(model: MorphableModel, people: np.ndarray) -> None:
    basis = principal(model, people, 5)
    size = np.sqrt((basis.components[:, model.regions["face"]] ** 2).mean(axis=(1, 2)))
    assert (np.diff(size) <= 1e-6).all()
    assert size[3:].max() < 1e-3 * size[0]
    # One standard deviation each: amounts found in the people have a spread of 1.
    skin = model.regions["face"]
    rows = basis.components[:3][:, skin].reshape(3, -1)
    found = np.linalg.lstsq(rows.T, (people - basis.mean)[:, skin].reshape(len(people), -1).T, rcond=None)[0]
    np.testing.assert_allclose(found.std(axis=1), 1.0, atol=1e-3)
    assert basis.components[0, skin].sum() > 0


def test_what_is_no_skin_does_not_vary(model: MorphableModel, people: np.ndarray) -> None:
    basis = principal(model, people, 3)
    for name in UNLIT:
        assert not basis.components[:, model.regions[name]].any()
    np.testing.assert_allclose(basis.mean[model.regions["teeth"] & ~model.regions["gums"]][0], UNLIT["teeth"])
    assert not vertex_weights(model)[model.regions["teeth"]].any()


def test_gaps_are_filled_from_the_other_half_and_far_ones_with_nothing(model: MorphableModel) -> None:
    x = model.mean[:, 0]
    values = np.zeros((len(x), 3))
    values[:] = np.array([0.2, -0.1, 0.3])
    weights = (model.regions["face"] & (x < 0)).astype(float)
    filled = complete(model, smoothness_of(model), values, weights)
    inner = model.regions["face"] & (x > 10) & (weights[model.mirror] > 0)
    np.testing.assert_allclose(filled[inner], values[inner], atol=0.03)
    assert np.abs(filled[model.regions["teeth"]]).max() < 1e-3
    np.testing.assert_allclose(filled[inner], filled[model.mirror[inner]], atol=0.02)


def test_nothing_known_is_nothing_changed(model: MorphableModel) -> None:
    nothing = np.zeros(len(model.mean))
    assert not complete(model, smoothness_of(model), np.ones((len(nothing), 3)), nothing).any()


def test_smooth_light_goes_and_the_level_stays(model: MorphableModel, normals: np.ndarray) -> None:
    rng = np.random.default_rng(3)
    light = np.zeros((9, 3))
    light[[1, 3, 8]] = rng.normal(0, 0.1, (3, 3))
    spots = 0.05 * rng.normal(size=(len(normals), 3))
    weights = model.regions["face"].astype(float)
    left = without_light(shading(normals, light) + spots + 0.4, weights, normals)
    on_face = model.regions["face"]
    level = (shading(normals, light) + spots + 0.4)[on_face].mean(axis=0)
    np.testing.assert_allclose(left[on_face].mean(axis=0), level, atol=0.01)
    assert (left[on_face] - spots[on_face]).std(axis=0).max() < 0.01


def test_a_side_lit_portrait_gives_a_person_alike_on_both_halves(
    model: MorphableModel, normals: np.ndarray
) -> None:
    basis = model.albedo
    assert basis is not None
    coefficients = np.zeros(len(basis))
    coefficients[:3] = 0.7, -0.8, 0.5
    truth = basis.of(coefficients)
    light = np.zeros((9, 3))
    light[[0, 2, 3]] = np.array([[3.0], [1.0], [0.6]])
    light /= PICTURED @ light.mean(axis=1)
    weights = (model.regions["face"] & (normals[:, 2] > 0.3)).astype(np.float32)
    colours = (truth * shading(normals, light)).astype(np.float32)
    person = person_of(model, smoothness_of(model), basis, VertexColours(colours, weights, normals))
    face = weights > 0
    np.testing.assert_allclose(person.colours[face], person.colours[model.mirror[face]], atol=0.02)
    ratio = person.colours[face] / truth[face]
    assert (ratio / ratio.mean(axis=0)).std() < 0.06
    assert 0.75 < ratio.mean() < 1.33
    assert person.confidence > 0.8


def test_a_monochrome_tells_no_colour() -> None:
    grey = np.full((50, 3), 0.3, np.float32)
    look = VertexColours(grey, np.ones(50, np.float32), np.tile(np.float32([0, 0, 1]), (50, 1)))
    assert _is_grey(look)
    assert not _is_grey(
        replace(look, colours=grey * np.float32([1 + 3 * GREY_CHROMA, 1, 1 - 3 * GREY_CHROMA]))
    )


def test_the_shipped_basis_explains_faces_that_it_is_made_of(model: MorphableModel) -> None:
    assert isinstance(model.albedo, AlbedoBasis)
    face = model.regions["face"]
    spread = (model.albedo.components[:, face] ** 2).sum(axis=0).mean()
    share = (model.albedo.components[0, face] ** 2).mean() / spread
    assert 0.5 < share < 0.98
