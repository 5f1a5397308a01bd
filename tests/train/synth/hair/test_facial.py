"""Brows, lashes and beards: where they grow, on whom, and that they repeat."""

from __future__ import annotations

import json
from dataclasses import asdict, replace

import numpy as np
import pytest
import torch
from scipy.spatial import cKDTree

from backend.head_parse import FACE
from train.synth.assets import load_assets
from train.synth.hair.facial import (
    BEARDS,
    BROW_HAIRS,
    LASHES,
    MOUTH_MM,
    FacialParams,
    grow_facial,
    sample_facial,
)
from train.synth.head import HeadShape, build_head, sample_head
from train.synth.person import Strands, Who, stream

BROWN = (0.06, 0.035, 0.02)
MAN, WOMAN = Who(40.0, 1.0, 0.2), Who(40.0, 0.0, 0.2)


def shape_of(count: int) -> HeadShape:
    return build_head([sample_head(stream(k, "head"), MAN) for k in range(count)], load_assets())


def skin_points(head: HeadShape, count: int) -> np.ndarray:
    """(count,3) spread evenly over the skin of the first head."""
    corners = head.vertices[0, head.assets.head_triangles]
    area = torch.linalg.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]).norm(dim=1)
    generator = torch.Generator().manual_seed(0)
    chosen = torch.multinomial(area, count, replacement=True, generator=generator)
    u, v = torch.rand(2, count, generator=generator).sort(dim=0).values
    weights = torch.stack([u, v - u, 1 - v], dim=1)
    return (weights[..., None] * corners[chosen]).sum(dim=1).numpy()


def params_of(seed: int, who: Who = MAN) -> FacialParams:
    return sample_facial(stream(seed, "facial"), who, BROWN)


def bearded(kind: str) -> FacialParams:
    return next(p for p in map(params_of, range(400)) if p.beard == kind)


def beard_of(strands: Strands, person: int = 0) -> torch.Tensor:
    """(M,8,3) the hairs of the beard that are there."""
    there = strands.width_mm[person] > 0
    there[: BROW_HAIRS + LASHES] = False
    return strands.points[person, there]


def test_parameters_are_plain_data_and_repeat() -> None:
    assert json.loads(json.dumps(asdict(params_of(3)))) == json.loads(json.dumps(asdict(params_of(3))))
    assert params_of(3) != params_of(4)


def test_everybody_has_brows_and_lashes_near_the_eyes() -> None:
    head = shape_of(2)
    hair = grow_facial([params_of(0), params_of(1, WOMAN)], head)
    eyes = torch.stack([head.vertices[:, head.assets.mask(f"eye_{s}")].mean(1) for s in ("left", "right")], 1)
    upper = hair.points[:, : BROW_HAIRS + LASHES]
    reach = (upper[:, :, 0, None] - eyes[:, None]).norm(dim=-1).amin(dim=-1)
    assert hair.region == FACE
    assert torch.isfinite(hair.points).all()
    assert reach.max() < 50
    assert ((hair.width_mm[:, :BROW_HAIRS] > 0).float().mean(dim=1) > 0.2).all()
    assert (hair.width_mm[:, BROW_HAIRS : BROW_HAIRS + LASHES] > 0).all()


def test_roots_lie_on_the_skin_and_hairs_stay_out_of_it() -> None:
    head = shape_of(1)
    hair = grow_facial([bearded("full")], head)
    shown = hair.points[0, hair.width_mm[0] > 0]
    distance, _ = cKDTree(skin_points(head, 150_000)).query(shown[:, 0])
    assert distance.max() < 3  # no farther than the points of the skin lie apart
    beard = beard_of(hair)
    depth = (head.push_out(beard[None])[0] - beard).norm(dim=-1)
    # Under the jaw the collision jumps from skull to neck, so a few hairs may seem to lie deep.
    assert (depth[:, -1] - depth[:, 0] > 2).float().mean() < 0.01


def test_women_and_shaven_men_have_no_beard() -> None:
    params = [params_of(seed, WOMAN) for seed in range(3)] + [bearded("shaven")]
    hair = grow_facial(params, shape_of(4))
    assert not hair.width_mm[:, BROW_HAIRS + LASHES :].any()


@pytest.mark.parametrize("kind", [kind for kind in BEARDS if kind != "shaven"])
def test_every_beard_grows(kind: str) -> None:
    beard = beard_of(grow_facial([bearded(kind)], shape_of(1)))
    assert len(beard) > 100


def test_a_moustache_leaves_the_chin_bare() -> None:
    beard = beard_of(grow_facial([bearded("moustache")], shape_of(1)))
    assert beard[:, 0, 1].min() > MOUTH_MM - 20


def test_long_beards_hang() -> None:
    params = replace(bearded("long"), chin_mm=100.0, cheek_mm=50.0)
    beard = beard_of(grow_facial([params], shape_of(1)))
    assert (beard[:, 0, 1] - beard[:, -1, 1]).max() > 70


def test_a_person_is_the_same_alone_and_in_company() -> None:
    params, head = [params_of(5), params_of(6)], shape_of(2)
    alone = build_head([head.params[1]], load_assets())
    together, single = grow_facial(params, head), grow_facial(params[1:], alone)
    torch.testing.assert_close(together.colour[1], single.colour[0])
    torch.testing.assert_close(together.width_mm[1], single.width_mm[0])


def test_colours_are_albedos_and_grey_beards_are_lighter() -> None:
    dark, grey = (replace(bearded("full"), beard_grey=g) for g in (0.0, 1.0))
    hair = grow_facial([dark, grey], shape_of(2))
    beard = hair.colour[:, BROW_HAIRS + LASHES :].mean(dim=(1, 2))
    assert hair.colour.min() > 0
    assert hair.colour.max() < 1
    assert beard[1] > 3 * beard[0]
    assert np.isfinite(beard.numpy()).all()


def test_a_batch_without_beards_leaves_brows_as_they_are() -> None:
    head = shape_of(2)
    params = [params_of(7, WOMAN), bearded("full")]
    mixed = grow_facial(params, head)
    bare = grow_facial(params[:1], build_head([head.params[0]], load_assets()))
    shown = bare.width_mm[0] > 0
    assert bare.points.shape[1:] == mixed.points.shape[1:]
    torch.testing.assert_close(bare.points[0, shown], mixed.points[0, shown], atol=1e-3, rtol=0)
