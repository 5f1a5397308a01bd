"""Synthetic skins at the head's vertices, and their coefficients."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from backend.albedo import AlbedoBasis
from backend.morphable import load_head_model
from train.face.albedo import (
    albedo_truth,
    albedo_truths,
    projector_of,
    skin_of,
    vertex_albedo,
)
from train.synth.assets import load_assets
from train.synth.scene import sample_scene
from train.synth.skin import tone


@pytest.fixture(scope="module")
def scenes() -> list[dict]:
    """Scenes as a manifest holds them."""
    return [json.loads(json.dumps(sample_scene(seed).to_json())) for seed in range(6)]


def painted(scenes: list[dict], **changed: object) -> np.ndarray:
    skins = [skin_of({**scene["person"]["skin"], **changed}) for scene in scenes]
    return vertex_albedo(skins, [scene["person"]["facial"] for scene in scenes]).numpy()


def test_coefficients_give_back_the_skin(scenes: list[dict]) -> None:
    model = load_head_model()
    assert model.albedo is not None
    face = model.regions["face"]
    truth, found = painted(scenes), albedo_truths(scenes)
    shown = np.stack([model.albedo.of(row) for row in found])
    error = np.sqrt(((shown - truth)[:, face] ** 2).mean())
    assert error < 0.3 * np.sqrt(((model.albedo.mean - truth)[:, face] ** 2).mean())
    assert np.abs(found).max() < 6


def test_many_at_once_are_as_one_by_one(scenes: list[dict]) -> None:
    single = np.stack([albedo_truth(scene) for scene in scenes])
    np.testing.assert_allclose(albedo_truths(scenes), single, atol=1e-3)


def test_hair_on_the_scalp_is_no_skin(scenes: list[dict]) -> None:
    shaven = painted(scenes[:1], scalp_tint=[0.01, 0.01, 0.01, 0.9])
    np.testing.assert_array_equal(shaven, painted(scenes[:1]))


def test_the_neck_has_the_plain_tone(scenes: list[dict]) -> None:
    assets = load_assets()
    neck = assets.model.regions["neck"] & (assets.model.mean[:, 1] < -125)
    skins = [skin_of(scene["person"]["skin"]) for scene in scenes]
    plain = tone(skins, assets.device).numpy()
    np.testing.assert_allclose(np.median(painted(scenes)[:, neck], axis=1), plain, rtol=0.3)


def test_dark_brows_darken_where_brows_are_and_nowhere_else(scenes: list[dict]) -> None:
    skin, model = skin_of(scenes[0]["person"]["skin"]), load_head_model()
    bare, hairy = (
        vertex_albedo([skin], [{"brow_density": density, "brow_colour": [0.01, 0.01, 0.01]}])[0]
        for density in (0.0, 1.0)
    )
    changed = ((bare - hairy).abs().amax(dim=1) > 1e-3).numpy()
    brows = model.regions["brows"]
    assert (hairy[torch.from_numpy(brows)] < bare[torch.from_numpy(brows)]).all()
    assert not changed[~brows & model.regions["lips"]].any()
    assert changed.sum() < 6 * brows.sum()


def test_the_projection_is_the_regularised_least_squares_fit() -> None:
    rng = np.random.default_rng(0)
    basis = AlbedoBasis(np.zeros((20, 3), np.float32), rng.normal(0, 0.05, (4, 20, 3)).astype(np.float32))
    trust = rng.random(20).astype(np.float32)
    trust[3] = 0.0
    wanted = rng.normal(size=4)
    target = np.tensordot(wanted, basis.components, 1)
    target[3] = 7.0
    found = projector_of(basis, trust) @ target.reshape(-1)
    np.testing.assert_allclose(found, wanted, atol=0.35)
    # Its normal equations, written down plainly.
    weight = len(basis) / (np.repeat(trust, 3).sum() * 0.02**2)
    matrix = np.eye(4)
    right = np.zeros(4)
    for vertex in range(20):
        for channel in range(3):
            row = basis.components[:, vertex, channel].astype(float)
            matrix += weight * trust[vertex] * np.outer(row, row)
            right += weight * trust[vertex] * row * target[vertex, channel]
    np.testing.assert_allclose(found, np.linalg.solve(matrix, right), rtol=1e-3)
