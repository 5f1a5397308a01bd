"""The shipped albedo basis, and the form in which it is stored."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from backend import morphable
from backend.albedo import ALBEDO_ASSET, DARKEST, LIGHTEST, AlbedoBasis, packed, read_albedo
from backend.colour import LUMINANCE
from backend.errors import AssetBroken
from backend.morphable import HEAD_ASSET, MorphableModel, load_head_model, load_model, save_model

MB = 1_000_000


@pytest.fixture(scope="module")
def head() -> MorphableModel:
    return load_head_model()


@pytest.fixture(scope="module")
def basis(head: MorphableModel) -> AlbedoBasis:
    assert head.albedo is not None
    return head.albedo


def cheeks(head: MorphableModel) -> np.ndarray:
    x, y, z = head.mean.T
    return head.regions["face"] & (np.abs(np.abs(x) - 42) < 14) & (np.abs(y + 18) < 14) & (z > 0)


def test_the_asset_is_small_and_says_where_it_comes_from() -> None:
    assert ALBEDO_ASSET.stat().st_size < 4 * MB
    card = ALBEDO_ASSET.with_name("albedo.LICENSE.md").read_text()
    assert "CC0" in card
    assert "public domain" in card


def test_there_are_eighty_components_for_every_vertex(head: MorphableModel, basis: AlbedoBasis) -> None:
    assert len(basis) == 80
    assert basis.fits(len(head.mean))


def test_the_mean_is_a_skin(head: MorphableModel, basis: AlbedoBasis) -> None:
    face = basis.mean[head.regions["face"]]
    red, green, blue = face.mean(axis=0)
    assert red > green > blue
    assert 0.1 < float(np.median(face @ LUMINANCE)) < 0.45


def test_the_first_component_is_tone_and_spans_that_of_people(
    head: MorphableModel, basis: AlbedoBasis
) -> None:
    at = cheeks(head)
    assert at.sum() > 20
    first = np.zeros(80)
    levels = []
    for amount in (-1.4, 0.0, 1.8):
        first[0] = amount
        levels.append(float((basis.of(first)[at] @ LUMINANCE).mean()))
    assert levels[0] < 0.12
    assert levels[2] > 0.38
    assert levels == sorted(levels)


def test_both_halves_are_alike(head: MorphableModel, basis: AlbedoBasis) -> None:
    skin = np.flatnonzero(head.regions["face"])
    other = head.mirror[skin]
    np.testing.assert_allclose(basis.mean[skin], basis.mean[other], atol=2e-3)
    np.testing.assert_allclose(basis.components[:, skin], basis.components[:, other], atol=2e-3)


def test_lips_are_redder_than_cheeks(head: MorphableModel, basis: AlbedoBasis) -> None:
    x, y, _ = head.mean.T
    lips = head.regions["lips"] & (((x / 24) ** 2 + ((y + 50.5) / 7) ** 2) < 1)
    ratio = [basis.mean[at][:, 0].mean() / basis.mean[at][:, 1].mean() for at in (lips, cheeks(head))]
    assert ratio[0] > 1.2 * ratio[1]


def test_what_is_no_skin_is_the_same_in_everyone(head: MorphableModel, basis: AlbedoBasis) -> None:
    for part in ("eye_left", "teeth", "tongue", "lashes"):
        assert not basis.components[:, head.regions[part]].any()


def small(vertices: int = 4) -> AlbedoBasis:
    rng = np.random.default_rng(0)
    mean = rng.uniform(0.2, 0.5, (vertices, 3))
    return AlbedoBasis(mean.astype(np.float32), rng.normal(0, 0.02, (3, vertices, 3)).astype(np.float32))


def test_coefficients_add_up() -> None:
    basis, weights = small(), np.array([0.5, -1.0, 2.0])
    naive = basis.mean.astype(np.float64)
    for weight, component in zip(weights, basis.components, strict=True):
        naive = naive + weight * component
    np.testing.assert_allclose(basis.of(weights), naive, atol=1e-6)


def test_wild_coefficients_stay_colours() -> None:
    wild = small().of(np.array([1e3, -1e3, 0.0]))
    assert wild.min() >= np.float32(DARKEST)
    assert wild.max() <= np.float32(LIGHTEST)


def test_a_basis_of_other_vertices_does_not_fit() -> None:
    assert small(4).fits(4)
    assert not small(4).fits(5)
    assert not replace(small(4), mean=np.full((4, 3), np.nan, np.float32)).fits(4)


def test_a_model_keeps_its_basis_in_its_file(head: MorphableModel, tmp_path: Path) -> None:
    save_model(head, tmp_path / "with.npz")
    loaded = load_model(tmp_path / "with.npz").albedo
    assert loaded is not None
    assert head.albedo is not None
    np.testing.assert_array_equal(loaded.components, head.albedo.components)
    save_model(replace(head, albedo=None), tmp_path / "without.npz")
    assert load_model(tmp_path / "without.npz").albedo is None


def test_a_model_with_anothers_basis_is_refused(head: MorphableModel, tmp_path: Path) -> None:
    save_model(replace(head, albedo=small()), tmp_path / "model.npz")
    with pytest.raises(AssetBroken):
        load_model(tmp_path / "model.npz")


@pytest.mark.parametrize("content", [b"", b"no archive", b"PK\x03\x04cut off"])
def test_a_damaged_file_of_the_shipped_basis_is_named(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "albedo.npz"
    path.write_bytes(content)
    assert read_albedo(path) is None
    with pytest.raises(AssetBroken, match=r"albedo\.npz"):
        morphable._load_shipped(HEAD_ASSET, path)


def test_a_file_of_another_head_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "albedo.npz"
    np.savez(path, **packed(small()))
    with pytest.raises(AssetBroken, match=r"albedo\.npz"):
        morphable._load_shipped(HEAD_ASSET, path)


def test_the_head_can_be_had_before_its_albedo_is_built(tmp_path: Path) -> None:
    assert morphable._load_shipped(HEAD_ASSET, tmp_path / "albedo.npz").albedo is None
