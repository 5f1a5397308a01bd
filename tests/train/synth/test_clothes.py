"""Clothes cover what they should: above the skin below the neckline, under it above."""

from __future__ import annotations

import json
from dataclasses import asdict, replace

import numpy as np
import pytest
import torch

from backend.head_parse import BODY
from train.synth.assets import load_assets
from train.synth.cloth import PATTERNS, Cloth, paint
from train.synth.clothes import MEN, WOMEN, ClothesParams, build_clothes, sample_clothes
from train.synth.collar import COLLARS
from train.synth.head import HeadShape, build_head, sample_head, vertex_normals
from train.synth.person import Who, stream

SOMEBODY = Who(40.0, 0.5, 0.4)


def head(count: int = 1) -> HeadShape:
    return build_head([sample_head(stream(s, "head"), SOMEBODY) for s in range(count)], load_assets())


def clothes(kind: str) -> ClothesParams:
    wardrobe = 1.0 if kind in MEN else 0.0
    drawn = (sample_clothes(stream(s, "clothes"), Who(40.0, wardrobe, 0.4)) for s in range(2000))
    return next(c for c in drawn if c.kind == kind)


@pytest.mark.parametrize("kind", sorted({*MEN, *WOMEN}))
def test_everything_in_the_wardrobe_can_be_worn(kind: str) -> None:
    params = clothes(kind)
    json.dumps(asdict(params))
    surfaces = build_clothes([params], head())
    for surface in surfaces:
        assert torch.isfinite(surface.vertices).all()
        assert torch.isfinite(surface.texture).all()
        assert 0 < surface.texture.min() <= surface.texture.max() < 1
        assert surface.triangles.max() < surface.vertices.shape[1]
        assert (surface.region == BODY).all()
    assert surfaces[1].shown.item() == (params.collar != "none")
    assert surfaces[2].shown.item() == params.jacket


def test_cloth_lies_over_the_skin_below_the_neckline_and_under_it_above() -> None:
    shape, params = head(), replace(clothes("tee"), neckline_mm=20.0, v_depth_mm=0.0)
    garment = shape.assets.garment
    body = torch.cat([shape.vertices, shape.bust], dim=1)
    skin = body[:, garment.ends].mean(dim=2)
    normals = vertex_normals(skin, garment.triangles)
    above = ((build_clothes([params], shape)[0].vertices - skin) * normals).sum(dim=2)[0]
    assert above[garment.drop > 40].min() > 3.0
    assert above[garment.drop < 0].max() < -2.0


def test_a_v_goes_down_at_the_throat_alone() -> None:
    shape = head()
    high = replace(clothes("tee"), neckline_mm=10.0, v_depth_mm=0.0)
    deep = replace(high, v_depth_mm=80.0, v_width_mm=50.0)
    flat, v = (build_clothes([p], shape)[0].vertices[0] for p in (high, deep))
    moved = (flat - v).norm(dim=1) > 0.1
    rest = shape.assets.garment.rest[moved]
    assert moved.any()
    assert (rest[:, 0].abs() < 50).all()
    assert (rest[:, 2] > -10).all()


def test_a_batch_equals_its_people_one_by_one() -> None:
    shape = head(3)
    params = [sample_clothes(stream(s, "clothes"), SOMEBODY) for s in range(3)]
    together = build_clothes(params, shape)
    for number, person in enumerate(params):
        alone = build_clothes([person], build_head([shape.params[number]], shape.assets))
        for one, many in zip(alone, together, strict=True):
            torch.testing.assert_close(many.vertices[number], one.vertices[0], atol=0.02, rtol=0)
            torch.testing.assert_close(many.texture[number], one.texture[0])


@pytest.mark.parametrize("pattern", [*PATTERNS, "slanted"])
def test_a_cloth_keeps_between_its_two_colours(pattern: str) -> None:
    y, x = torch.meshgrid(torch.arange(64.0), torch.arange(64.0), indexing="ij")
    cloth = Cloth((0.2, 0.2, 0.2), (0.6, 0.1, 0.1), pattern, 12.0, 0.0)
    painted = paint(cloth, x, y, (0.3, 0.7))
    assert painted[..., 0].mean() >= 0.19
    assert painted[..., 0].mean() < 0.6
    assert (pattern == "plain") == bool((painted.mean(dim=(0, 1)) - 0.2).abs().max() < 0.004)


def test_men_mostly_wear_suits() -> None:
    kinds = [sample_clothes(stream(s, "clothes"), Who(50.0, 1.0, 0.2)).kind for s in range(200)]
    assert np.isclose(kinds.count("suit") / 200, MEN["suit"], atol=0.1)


def test_every_profile_has_seven_points() -> None:
    assert {len(profile) for profile in COLLARS.values()} == {7}
