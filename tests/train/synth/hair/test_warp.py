"""Bent hair keeps its roots, stays out of the head, and is changed in the way that each number says."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import cache

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.harmonics import CONSTANT, SH_TERMS
from train.synth.assets import load_assets
from train.synth.collision import SKULL_MM, sample_sphere
from train.synth.hair import cut as cuts
from train.synth.hair import grow_hair, sample_hair
from train.synth.hair.hairdo import plain
from train.synth.hair.warp import SHORTEST_MM, Warp, sample_warp, warped
from train.synth.head import HeadShape, build_head, sample_head
from train.synth.person import Who, stream

COUNT = 240
SOMEBODY = Who(age=45.0, masculinity=0.5, melanin=0.3)


@cache
def _head() -> HeadShape:
    return build_head([sample_head(stream(0, "head"), SOMEBODY)], load_assets())


@cache
def _strands(kind: str) -> torch.Tensor:
    hair = sample_hair(stream(0, "hair"), SOMEBODY)
    cut = plain(getattr(cuts, kind)(stream(0, "cut")))
    return grow_hair([replace(hair, cut=cut, mesh=None)], _head(), COUNT).strands.points


def _off_skull(points: torch.Tensor) -> torch.Tensor:
    """(N,K) mm outside the skull."""
    arm = points[0] - torch.tensor(SKULL_MM)
    distance = arm.norm(dim=-1)
    directions = (arm / distance[..., None]).reshape(1, -1, 3)
    return distance - sample_sphere(_head().collision.skull, directions).reshape(distance.shape)


def _thinner(share: float) -> Warp:
    return Warp(bulge=(math.log(share) / CONSTANT,) + (0.0,) * (SH_TERMS - 1))


def test_whoever_has_no_warp_keeps_their_hair() -> None:
    strands = _strands("bob")
    assert warped([None], strands, _head()) is strands
    both = warped([None, Warp(out_mm=20.0)], strands.repeat(2, 1, 1, 1), _two())
    assert torch.equal(both[0], strands[0])
    assert not torch.equal(both[1], strands[0])


def _two() -> HeadShape:
    person = sample_head(stream(0, "head"), SOMEBODY)
    return build_head([person, person], load_assets())


def test_a_warp_of_zeros_moves_only_what_was_inside() -> None:
    strands = _strands("pixie")
    moved = (warped([Warp()], strands, _head()) - strands)[0].norm(dim=-1)
    assert moved[_off_skull(strands) > 1].median() < 1e-3


@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 2**31), kind=st.sampled_from(("buzz", "pixie", "bob", "long", "afro", "tied")))
def test_roots_stay_and_hair_stays_outside(seed: int, kind: str) -> None:
    strands = _strands(kind)
    bent = warped([sample_warp(stream(seed, "warp"))], strands, _head())
    assert torch.isfinite(bent).all()
    torch.testing.assert_close(bent[:, :, 0], strands[:, :, 0])
    inside = (_off_skull(bent)[:, 1:] < -2).float().mean()
    assert inside <= (_off_skull(strands)[:, 1:] < -2).float().mean() + 1e-3


@pytest.mark.parametrize(("share", "low", "high"), [(0.3, 0.2, 0.6), (1.6, 1.1, 1.7)])
def test_hair_lies_nearer_or_farther(share: float, low: float, high: float) -> None:
    strands = _strands("men_short")
    before, after = (
        _off_skull(points)[:, 8:].median()
        for points in (strands, warped([_thinner(share)], strands, _head()))
    )
    assert low < after / before < high


def test_the_hem_cuts_all_that_hangs_below_it() -> None:
    strands = _strands("long")
    hem = -60.0
    cut = warped([Warp(hem_mm=hem)], strands, _head())[0]
    assert strands[0, ..., 1].min() < hem - 50
    roots_above = cut[:, 0, 1] > hem + SHORTEST_MM
    # A knot beyond the hem is where a strand ends, at most.
    step = (strands[0, :, 1:] - strands[0, :, :-1]).norm(dim=-1).amax(dim=1)
    assert (cut[roots_above][..., 1].amin(dim=1) > hem - step[roots_above] - 1).all()


def test_the_front_opens_to_both_sides() -> None:
    strands = _strands("bob")
    opened = warped([Warp(open_deg=20.0)], strands, _head())
    before, after = strands[0], opened[0]
    front = (before[..., 2] > 60) & (before[..., 0].abs() > 20) & (before[..., 1] > 0)
    assert (after[front][:, 0].abs() - before[front][:, 0].abs()).mean() > 1


def test_what_hangs_moves_on_its_own_side() -> None:
    strands = _strands("long")
    moved = warped([Warp(hang_mm=(30.0, -30.0))], strands, _head())
    change = (moved - strands)[0, ..., 2]
    low = strands[0, ..., 1] < -110
    left, right = (low & (side > 30) for side in (strands[0, ..., 0], -strands[0, ..., 0]))
    assert change[left].median() > 10
    assert change[right].median() < -10


def test_hair_thrown_back_hangs_behind_the_shoulders_but_not_in_the_air() -> None:
    strands = _strands("long")
    before, after = strands[0], warped([Warp(hang_mm=(-90.0, -90.0))], strands, _head())[0]
    beside = (before[..., 1] < -110) & (before[..., 0].abs() > 50) & (before[..., 2] > 0)
    assert (after[beside][:, 2] - before[beside][:, 2]).median() < -60
    back = (before[..., 1] < -40) & (before[..., 2] < -110)
    assert (after[back][:, 2] - before[back][:, 2]).median() > -30


def test_hair_begins_to_fall_where_it_should() -> None:
    strands = _strands("long")
    high, low = (
        (warped([Warp(hang_mm=(-60.0, -60.0), falls_mm=falls)], strands, _head()) - strands)[0, ..., 2]
        for falls in ((30.0, -60.0), (-60.0, -160.0))
    )
    cheek = (strands[0, ..., 1].abs() < 40) & (strands[0, ..., 2] > 0) & (strands[0, ..., 0].abs() > 60)
    assert high[cheek].mean() < -5
    assert low[cheek].abs().mean() < 1


def test_most_people_wear_hair_over_their_shoulders_some_on_one_side() -> None:
    worn = [sample_warp(stream(seed, "warp")).hang_mm for seed in range(200)]
    both = sum(max(pair) < -10 for pair in worn)
    one = sum(min(pair) < -10 < max(pair) for pair in worn)
    assert 60 < both < 140
    assert one > 20


def test_warps_are_the_same_for_a_seed() -> None:
    assert sample_warp(stream(5, "warp")) == sample_warp(stream(5, "warp"))
    assert sample_warp(stream(5, "warp")) != sample_warp(stream(6, "warp"))
