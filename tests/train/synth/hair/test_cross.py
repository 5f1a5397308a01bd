"""Crossed haircuts lie between their two kinds, and never resemble what is held out on purpose."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from train.synth.hair.cross import GROUPS, crossed, crossed_hair
from train.synth.hair.cut import Cut, buzz, long
from train.synth.hair.held_out import KINDS
from train.synth.scene import sample_scene


def test_every_number_of_a_cut_belongs_to_one_group() -> None:
    grouped = [name for group in GROUPS for name in group]
    assert sorted(grouped) == sorted(field.name for field in fields(Cut))


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**31))
def test_numbers_lie_between_and_words_come_from_one_of_both(seed: int) -> None:
    rng = np.random.default_rng(seed)
    one, other = buzz(rng), long(rng)
    mixed = crossed(rng, one, other)
    for field in fields(Cut):
        a, b, found = (getattr(cut, field.name) for cut in (one, other, mixed))
        if isinstance(a, float) and isinstance(b, float):
            assert min(a, b) - 1e-9 <= found <= max(a, b) + 1e-9, field.name
        else:
            assert found in (a, b), field.name


def test_lengths_meet_halfway_by_their_logarithms() -> None:
    class Half:
        def uniform(self, low: float, high: float) -> float:
            return (low + high) / 2

    mixed = crossed(Half(), Cut(top=4.0), Cut(top=400.0))  # type: ignore[arg-type]
    assert np.isclose(mixed.top, 40.0)


def test_hair_is_the_same_for_a_seed_and_never_a_held_out_kind() -> None:
    kinds = set()
    for seed in range(60):
        hair = sample_scene(seed).person.hair
        if hair.kind in KINDS:
            continue
        mixed = crossed_hair(seed, hair)
        assert mixed == crossed_hair(seed, hair)
        assert mixed.mesh is None
        assert mixed.colour == hair.colour
        first, second = mixed.kind.split(" and ")
        assert first == hair.kind != second
        kinds |= {first, second}
    assert not kinds & KINDS
    assert len(kinds) > 5
