"""The generator's files: whole, consistent, and named when they are not."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from backend.errors import AssetBroken
from backend.head_parse import BODY, EAR, FACE, OTHER_HEAD
from train.synth import assets as module
from train.synth.assets import load_assets


def test_a_missing_or_damaged_file_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "ASSETS", tmp_path)
    with pytest.raises(AssetBroken, match="directions"):
        module._read("directions")
    (tmp_path / "mesh.npz").write_bytes(b"no archive")
    with pytest.raises(AssetBroken, match="mesh"):
        module._read("mesh")


def test_the_skin_is_one_welded_surface() -> None:
    assets = load_assets()
    edges = torch.cat([assets.skin.triangles[:, pair] for pair in ([0, 1], [1, 2], [2, 0])])
    known = {tuple(edge) for edge in edges.tolist()}
    assert len(known) == len(edges)  # no edge twice in one direction: oriented and without folds
    border = {a for a, b in known if (b, a) not in known}
    head = len(assets.mean)
    everything = torch.cat([assets.mean, assets.bust.mean])
    assert all(v >= head for v in border)  # only arms and waist are open; the neck is not
    assert everything[list(border), 1].max() < -450


def test_borders_of_the_regions_lie_on_the_mean_skin() -> None:
    assets = load_assets()
    whole = assets.skin.complete(torch.cat([assets.mean, assets.bust.mean])[None])[0]
    cut = whole[len(assets.mean) + len(assets.bust.mean) :]
    torch.testing.assert_close(assets.skin.cut_weights.sum(dim=1), torch.ones(len(cut)))
    assert set(assets.skin.region.unique().tolist()) == {FACE, EAR, BODY, OTHER_HEAD}
    corners = whole[assets.skin.triangles]
    middle = corners.mean(dim=1)
    assert (middle[assets.skin.region == FACE][:, 1] > -110).all()
    assert (middle[assets.skin.region == EAR][:, 0].abs() > 60).all()


def test_hair_meshes_follow_a_head_that_moves() -> None:
    assets = load_assets()
    shift = torch.tensor([3.0, -2.0, 1.0])
    for mesh in assets.hair.values():
        moved = mesh.on(shift.expand(1, len(assets.mean), 3))[0]
        torch.testing.assert_close(moved, mesh.vertices + shift, atol=1e-3, rtol=0)
        assert mesh.vertices[:, 1].max() > 120
        assert mesh.vertices[:, 1].max() < 200


def test_occlusion_is_darkest_in_the_mouth() -> None:
    assets = load_assets()
    occlusion = assets.skin.occlusion
    assert 0 <= occlusion.min() <= occlusion.max() <= 1
    inside = occlusion[: len(assets.mean)][assets.mask("mouth_inside")].mean()
    assert inside < 0.3 * occlusion[: len(assets.mean)][assets.mask("scalp")].mean()
