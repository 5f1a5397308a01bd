"""Expressions are weights that faces can bear."""

from __future__ import annotations

import numpy as np

from backend.morphable import load_head_model
from train.synth.expression import MOODS, sample_expression

NAMES = load_head_model().expression_names
DRAWN = np.stack([sample_expression(np.random.default_rng(seed), NAMES) for seed in range(300)])


def weights(name: str) -> np.ndarray:
    return DRAWN[:, NAMES.index(name)]


def test_weights_are_weights() -> None:
    assert DRAWN.min() >= 0
    assert DRAWN.max() <= 1
    assert np.isclose(sum(MOODS.values()), 1.0)


def test_both_sides_do_much_the_same() -> None:
    for stem in ("mouthSmile", "eyeBlink", "browOuterUp"):
        left, right = weights(f"{stem}Left"), weights(f"{stem}Right")
        assert np.corrcoef(left, right)[0, 1] > 0.7


def test_most_mouths_are_closed_and_nobody_sticks_out_the_tongue() -> None:
    assert (weights("jawOpen") < 0.05).mean() > 0.5
    assert (weights("tongueOut") == 0).all()


def test_who_smiles_broadly_narrows_the_eyes() -> None:
    smile = weights("mouthSmileLeft")
    squint = weights("cheekSquintLeft")
    assert squint[smile > 0.55].mean() > 3 * squint[smile < 0.2].mean()
