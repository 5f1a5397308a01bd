"""Skins stay within what skins are, and each parameter does what it says where it says."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from itertools import pairwise

import pytest
import torch

from train.synth.assets import load_assets
from train.synth.person import Who, stream
from train.synth.skin import SkinParams, paint_skin, sample_skin

SIZE = 128


def plain() -> SkinParams:
    params = sample_skin(stream(0, "skin"), Who(30.0, 1.0, 0.2))
    nothing = dict.fromkeys(("wrinkles", "freckles", "lips", "blush", "under_eye", "stubble", "lashes"), 0.0)
    return replace(
        params, **nothing, skins=(0, 0), lipstick=(0.3, 0.1, 0.1, 0.0), eye_shadow=(0.1, 0.1, 0.1, 0.0)
    )


def painted(params: SkinParams) -> torch.Tensor:
    return paint_skin([params], load_assets(), SIZE)[0]


def test_albedo_is_finite_and_plausible() -> None:
    people = [sample_skin(stream(s, "skin"), Who(20.0 + 6 * s, s % 2, s / 9)) for s in range(10)]
    texture = paint_skin(people, load_assets(), SIZE)
    assert texture.shape == (10, SIZE, SIZE, 3)
    assert torch.isfinite(texture).all()
    assert texture.min() > 0
    assert texture.max() < 0.95
    red, green, blue = texture.mean(dim=(1, 2)).unbind(dim=1)
    assert ((red > green) & (green > blue)).all()


def test_melanin_darkens() -> None:
    tones = [painted(replace(plain(), melanin=m)).mean() for m in (0.0, 0.3, 0.6, 1.0)]
    assert all(darker < 0.85 * lighter for lighter, darker in pairwise(tones))


@pytest.mark.parametrize(
    ("name", "mask"),
    [
        ("stubble", "beard"),
        ("lips", "lips"),
        ("under_eye", "under_eye"),
        ("lashes", "lash_line"),
    ],
)
def test_a_mark_shows_where_it_belongs_and_nowhere_else(name: str, mask: str) -> None:
    change = (painted(replace(plain(), **{name: 1.0})) - painted(plain())).abs().sum(dim=2)
    where = torch.nn.functional.interpolate(load_assets().masks[mask][None, None], SIZE, mode="area")[0, 0]
    assert change[where > 0.8].mean() > 0.02
    assert change[where == 0].max() < 1e-6


def test_a_full_scalp_tint_has_the_hairs_colour() -> None:
    colour = (0.02, 0.015, 0.01)
    texture = painted(replace(plain(), scalp_tint=(*colour, 1.0)))
    scalp = load_assets().masks["scalp"]
    inside = torch.nn.functional.interpolate(scalp[None, None], SIZE, mode="area")[0, 0] > 0.99
    assert texture[inside].median(dim=0).values.tolist() == pytest.approx(colour, abs=0.03)


def test_params_travel_as_json() -> None:
    json.dumps(asdict(plain()))
