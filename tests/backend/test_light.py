"""Light and albedo of a ball whose both are known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.albedo import AlbedoBasis
from backend.harmonics import PICTURED, sh_basis
from backend.light import FEWEST_VERTICES, USUAL_LIGHT, _Problem, estimate_light, shading, strength
from backend.vertex_colours import VertexColours

COUNT, COMPONENTS = 800, 5
EVEN = np.zeros((9, 3))
EVEN[0] = 1 / 0.282095
"""Light that shows every surface with its albedo."""


@pytest.fixture(scope="module")
def basis() -> AlbedoBasis:
    """A skin that varies in tone and in spots that are the same on both halves."""
    rng = np.random.default_rng(4)
    mean = np.array([0.45, 0.28, 0.2]) * np.exp(0.1 * even(rng))[:, None]
    tone = 0.35 * mean
    spots = [0.02 * even(rng)[:, None] * np.ones(3) for _ in range(COMPONENTS - 1)]
    return AlbedoBasis(mean.astype(np.float32), np.stack([tone, *spots]).astype(np.float32))


def normals() -> np.ndarray:
    """(V,3) of a ball's front half; the second half mirrors the first."""
    rng = np.random.default_rng(1)
    half = rng.normal(size=(COUNT // 2, 3))
    half[:, 2] = np.abs(half[:, 2])
    half /= np.linalg.norm(half, axis=1, keepdims=True)
    return np.concatenate([half, half * [-1, 1, 1]]).astype(np.float32)


def even(rng: np.random.Generator) -> np.ndarray:
    return np.tile(rng.normal(size=COUNT // 2), 2)


def light_from(x: float, y: float, z: float, strength: float = 0.5) -> np.ndarray:
    """(9,3) of a lamp and an even rest, as strong on a ball before the camera as photographers like it."""
    direction = np.array([x, y, z]) / np.linalg.norm([x, y, z])
    lobe = np.array([1.0] + [2 / 3] * 3 + [1 / 4] * 5)
    lamp = strength * np.pi * lobe * sh_basis(torch.from_numpy(direction)).numpy()
    light = lamp[:, None] + 0.5 * EVEN
    return light / (PICTURED @ light.mean(axis=1))


def seen(basis: AlbedoBasis, light: np.ndarray, coefficients: np.ndarray) -> VertexColours:
    colours = basis.of(coefficients) * shading(normals(), light).clip(0)
    return VertexColours(colours.astype(np.float32), np.ones(COUNT, np.float32), normals())


def shading_error(light: np.ndarray, truth: np.ndarray) -> float:
    return float(np.abs(shading(normals(), light) - shading(normals(), truth)).mean())


def test_shading_is_the_sum_of_the_terms() -> None:
    rng = np.random.default_rng(0)
    light, normal = rng.normal(size=(9, 3)), normals()[7]
    terms = sh_basis(torch.from_numpy(normal.astype(np.float64))).numpy()
    naive = [sum(terms[t] * light[t, c] for t in range(9)) for c in range(3)]
    np.testing.assert_allclose(shading(normal[None], light)[0], naive, rtol=1e-4)


@settings(max_examples=12, deadline=None)
@given(st.floats(-1, 1), st.floats(-0.3, 1), st.floats(-1.2, 1.2))
def test_known_light_is_found(basis: AlbedoBasis, x: float, y: float, tone: float) -> None:
    truth = light_from(x, y, 0.8)
    found = estimate_light(basis, seen(basis, truth, np.array([tone, 1.0, -1.0, 0.5, 0.0])))
    assert shading_error(found.light, truth) < 0.2
    ratio = shading(normals(), found.light) / shading(normals(), truth)
    # Strength and tone are told apart by the priors alone; the pattern of the light is certain.
    assert (ratio / ratio.mean(axis=0)).std() < 0.08
    assert found.confidence > 0.9


def test_light_from_one_side_is_not_mistaken_for_colour(basis: AlbedoBasis) -> None:
    left = estimate_light(basis, seen(basis, light_from(-1, 0.2, 0.5), np.zeros(COMPONENTS)))
    right = estimate_light(basis, seen(basis, light_from(1, 0.2, 0.5), np.zeros(COMPONENTS)))
    np.testing.assert_allclose(left.albedo, right.albedo, atol=0.02)
    assert left.light[2].mean() < -0.3 < 0.3 < right.light[2].mean()


def test_a_beard_and_a_highlight_are_outvoted(basis: AlbedoBasis) -> None:
    truth = light_from(0.6, 0.5, 0.8)
    clean = seen(basis, truth, np.zeros(COMPONENTS))
    colours = clean.colours.copy()
    colours[normals()[:, 1] < -0.75] *= 0.1
    colours[:15] = 0.9
    disturbed = estimate_light(basis, replace(clean, colours=colours))
    assert shading_error(disturbed.light, truth) < 0.2
    assert disturbed.confidence < estimate_light(basis, clean).confidence


def test_gradient_is_that_of_the_cost(basis: AlbedoBasis) -> None:
    rng = np.random.default_rng(2)
    look = seen(basis, light_from(0.5, 0.5, 0.7), rng.normal(size=COMPONENTS))
    exact = replace(look, colours=look.colours.astype(np.float64))
    wide = AlbedoBasis(basis.mean.astype(np.float64), basis.components.astype(np.float64))
    problem = _Problem.of(wide, exact)
    assert problem is not None
    state = 0.3 * rng.normal(size=USUAL_LIGHT.size + COMPONENTS)
    matrix, gradient = problem.normal_equations(state)
    for place in (0, 1, 5, 11, 27, 30):
        step = np.zeros_like(state)
        step[place] = 1e-2
        numeric = (problem.cost(state + step) - problem.cost(state - step)) / 2e-2 / 2
        assert gradient[place] == pytest.approx(numeric, rel=0.02, abs=0.05)
    np.testing.assert_allclose(matrix, matrix.T, rtol=1e-5)
    assert np.linalg.eigvalsh(matrix).min() > 0.99


def test_a_start_is_taken_up(basis: AlbedoBasis) -> None:
    truth, tone = light_from(-0.8, 0.3, 0.6), np.array([0.6, 0, 0, 0, 0.0])
    look = seen(basis, truth, tone)
    cold = estimate_light(basis, look)
    warm = estimate_light(basis, look, start=(cold.albedo, cold.light))
    assert shading_error(warm.light, cold.light) < 0.02
    nothing = replace(look, weights=np.zeros(COUNT, np.float32))
    np.testing.assert_allclose(estimate_light(basis, nothing, start=(tone, truth)).light, truth, atol=1e-5)


def test_a_photo_without_colour_has_grey_light_and_grey_skin(basis: AlbedoBasis) -> None:
    look = seen(basis, light_from(0.8, 0.3, 0.6), np.array([0.5, -0.5, 0, 0, 0]))
    grey = replace(look, colours=look.colours.mean(axis=1, keepdims=True).repeat(3, axis=1))
    found = estimate_light(basis, grey)
    assert np.ptp(found.light, axis=1).max() < 1e-3
    assert found.light[2].mean() > 0.3
    assert np.ptp(estimate_light(basis, look).light, axis=1).max() > 1e-3


def test_too_little_skin_gives_the_usual_light_and_no_confidence(basis: AlbedoBasis) -> None:
    look = seen(basis, light_from(1, 0, 0.2), np.zeros(COMPONENTS))
    weights = np.zeros(COUNT, np.float32)
    weights[: FEWEST_VERTICES - 1] = 1
    found = estimate_light(basis, replace(look, weights=weights))
    assert found.confidence == 0
    assert not found.albedo.any()
    assert np.ptp(found.light, axis=1).max() < 1e-6


@pytest.mark.parametrize("exposure", [0.02, 0.3, 1.0, 20.0])
def test_no_exposure_makes_anything_explode(basis: AlbedoBasis, exposure: float) -> None:
    look = seen(basis, light_from(1, 0.3, -0.2, strength=3.0), np.zeros(COMPONENTS))
    found = estimate_light(basis, replace(look, colours=look.colours * np.float32(exposure)))
    assert np.isfinite(found.light).all()
    assert np.abs(found.albedo).max() < 6


def test_light_over_its_strength_shows_the_skin_with_its_albedo_on_average(basis: AlbedoBasis) -> None:
    warm = light_from(0.7, 0.2, 0.7) * [2.0, 1.4, 0.9]
    look = seen(basis, warm, np.zeros(COMPONENTS))
    found = estimate_light(basis, look)
    light = found.light / strength(found, look)
    np.testing.assert_allclose(shading(normals(), light).mean(axis=0), 1.0, atol=1e-3)
    assert light[2].mean() > 0.1
