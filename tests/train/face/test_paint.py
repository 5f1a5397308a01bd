"""Paint on bald heads: where it sits, how strong it is, and what is said of it."""

from __future__ import annotations

import numpy as np
import pytest

from backend.albedo import DARKEST, LIGHTEST
from backend.morphable import load_head_model
from train.face import paint
from train.face.paint import STAIN, painted, stain

MODEL = load_head_model()
SKIN = np.full((len(MODEL.mean), 3), 0.3, np.float32)


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_equal_numbers_paint_alike_and_others_do_not() -> None:
    np.testing.assert_array_equal(painted(SKIN, rng(1)), painted(SKIN, rng(1)))
    assert np.abs(painted(SKIN, rng(1)) - painted(SKIN, rng(2))).max() > 0.01


def test_paint_is_a_colour_that_surfaces_have() -> None:
    for seed in range(20):
        colours = painted(SKIN, rng(seed))
        assert colours.dtype == np.float32 and colours.shape == SKIN.shape
        assert colours.min() >= np.float32(DARKEST) and colours.max() <= np.float32(LIGHTEST)


def test_stains_are_smooth_and_of_the_spread_that_is_said() -> None:
    spread = []
    for seed in range(200):
        here = stain(MODEL.mean, rng(seed))
        near = stain(MODEL.mean + np.float32([0.5, 0, 0]), rng(seed))
        assert np.abs(near - here).max() < 0.5 * max(float(np.abs(here).max()), 0.01)
        spread.append(here.mean(axis=1))
    # A uniform factor has a mean square of 1/3, and the common part of the colours one of 1 + 1/27.
    assert np.std(spread) == pytest.approx(STAIN * np.sqrt((1 + 1 / 27) / 3), rel=0.15)


@pytest.mark.parametrize("name", ["brows", "lips"])
def test_each_part_is_painted_where_it_is(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paint, "SHARES", {name: 1.0})
    monkeypatch.setattr(paint, "STAIN", 0.0)
    changed = np.abs(painted(SKIN, rng(3)) - SKIN).max(axis=1) > 1e-4
    np.testing.assert_array_equal(changed, MODEL.regions[name])


def test_hair_grows_above_and_beards_below(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paint, "STAIN", 0.0)
    skin = np.flatnonzero(MODEL.regions["skin"] & ~MODEL.regions["neck"])
    crown, chin = skin[np.argmax(MODEL.mean[skin, 1])], np.flatnonzero(MODEL.regions["jaw"])
    nose = np.flatnonzero(MODEL.regions["nose"])
    for name, where, bare in (("hair", [crown], chin), ("beard", chin, [crown])):
        monkeypatch.setattr(paint, "SHARES", {name: 1.0})
        change = np.mean([np.abs(painted(SKIN, rng(seed)) - SKIN).max(axis=1) for seed in range(20)], axis=0)
        assert np.median(change[where]) > 0.05
        assert change[bare].max() < 0.01 and np.median(change[nose]) < 0.01
