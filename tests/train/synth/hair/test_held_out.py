"""Hair that is kept away from training."""

from itertools import islice

import pytest

from train.synth.__main__ import _seeds
from train.synth.hair.cut import MEN, WOMEN
from train.synth.hair.hairdo import MESHES as WORN
from train.synth.hair.held_out import KINDS, MESHES, is_held_out
from train.synth.scene import Recipe, sample_scene

FIRST, ENOUGH = 100, 60


def test_what_is_held_out_exists() -> None:
    assert {cut.__name__ for cut in MEN | WOMEN} > KINDS
    assert {name for names in WORN.values() for name in names} > MESHES


@pytest.mark.parametrize("hair", ["known", "new"])
def test_seeds_of_each_side_show_nothing_of_the_other(hair: str) -> None:
    for seed in islice(_seeds(FIRST, Recipe(), hair), ENOUGH):
        worn = sample_scene(seed).person.hair
        named = worn.kind in KINDS or (worn.mesh is not None and worn.mesh.name in MESHES)
        assert named == is_held_out(worn) == (hair == "new")


def test_both_sides_together_are_all_seeds() -> None:
    span = range(FIRST, FIRST + ENOUGH)
    sides = [
        [s for s in islice(_seeds(FIRST, Recipe(), hair), ENOUGH) if s in span] for hair in ("known", "new")
    ]
    assert sorted(sides[0] + sides[1]) == list(span)
    assert all(sides)
