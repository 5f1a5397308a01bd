"""Roots lie where hair grows, families stay together, and hairlines move as their numbers say."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from train.synth.hair.roots import (
    EACH,
    HAIRLINE_DEG,
    Hairline,
    hair_left,
    knot_weights,
    plan_roots,
)

FULL = Hairline(
    height_mm=0.0,
    peak_mm=0.0,
    temples_mm=0.0,
    sideburns_mm=0.0,
    nape_mm=0.0,
    crown_mm=0.0,
    rim_mm=400.0,
    density=1.0,
)


def test_families_are_neighbours_and_each_strand_has_its_own_root() -> None:
    plan = plan_roots("cpu", 2000)
    families = plan.mean.unflatten(0, (-1, EACH))
    assert (families - families[:, :1]).norm(dim=-1).max() < 25
    assert len(plan.mean.unique(dim=0)) == 2000


def test_roots_are_on_the_outside_of_the_head() -> None:
    mean = plan_roots("cpu", 2000).mean
    assert mean[:, 1].min() > -65
    assert (mean - torch.tensor([0.0, 20.0, 0.0])).norm(dim=1).min() > 55


def test_knots_of_the_hairline_are_interpolated() -> None:
    degrees = torch.tensor([0.0, 6.0, 76.0, -100.0, 180.0])
    radians = torch.deg2rad(degrees)
    places = torch.stack([radians.sin() * 80, torch.zeros(5), 5 + radians.cos() * 80], dim=1)
    read = knot_weights(places) @ torch.tensor(HAIRLINE_DEG)
    torch.testing.assert_close(read, degrees.abs(), atol=1e-3, rtol=0)


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"height_mm": 20.0}, (0.0, 100.0, 80.0)),
        ({"temples_mm": 40.0}, (50.0, 95.0, 66.0)),
        ({"crown_mm": 35.0}, (0.0, 115.0, -70.0)),
        ({"rim_mm": 80.0}, (0.0, 140.0, 0.0)),
        ({"nape_mm": 30.0}, (0.0, -30.0, -75.0)),
        ({"sideburns_mm": -25.0}, (74.0, 12.0, 24.0)),
    ],
)
def test_what_recedes_bares_its_place(change: dict[str, float], place: tuple[float, float, float]) -> None:
    mean = torch.tensor([place, (0.0, 60.0, -95.0)])
    noise = torch.zeros(1, 1)
    before = hair_left([FULL], mean, knot_weights(mean), noise)
    after = hair_left([replace(FULL, **change)], mean, knot_weights(mean), noise)
    assert before[0, 0] > 0.9
    assert after[0, 0] < 0.1
    assert after[0, 1] == 1
