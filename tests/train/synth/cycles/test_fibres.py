"""Locks of fine hairs stay around the strands that they grow from."""

from __future__ import annotations

import numpy as np

from train.synth.cycles.fibres import FINEST_MM, LOCK_MM, comb_out

STRANDS, POINTS, EACH = 40, 9, 12


def strands() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(1)
    roots = rng.uniform(-80, 80, (STRANDS, 1, 3))
    points = roots + np.linspace(0, 1, POINTS)[:, None] * np.array([0.0, -100.0, 20.0])
    colour = rng.random((STRANDS, 3)) * 0.5
    return points.astype(np.float32), colour.astype(np.float32), np.full(STRANDS, 1.5, np.float32)


def combed() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return comb_out(*strands(), STRANDS * EACH, np.random.default_rng(2))


def test_every_hair_stays_near_its_strand_and_no_hair_is_longer():
    points, colour, width = combed()
    assert points.shape == (STRANDS * EACH, POINTS, 3)
    assert colour.shape == (STRANDS * EACH, 3)
    original = np.repeat(strands()[0], EACH, axis=0)
    start = original[:, :1]
    axis = original[:, -1:] - start
    length = np.linalg.norm(axis, axis=-1, keepdims=True)
    arm = points - start
    along = (arm * axis / length).sum(-1, keepdims=True)
    apart = np.linalg.norm(arm - along * axis / length, axis=-1)
    assert apart.max() <= LOCK_MM + 1e-3
    assert apart.mean() > 0.2
    assert along.max() <= length.max() + 1e-3
    assert apart[:, -1].mean() < apart[:, 0].mean()
    assert (width >= FINEST_MM).all()
    assert (width < 1.5).all()
    assert (colour >= 0).all()


def test_the_same_numbers_give_the_same_hairs():
    for first, second in zip(combed(), combed(), strict=True):
        np.testing.assert_array_equal(first, second)


def test_as_many_hairs_as_strands_are_the_strands():
    for before, after in zip(strands(), comb_out(*strands(), STRANDS, np.random.default_rng(0)), strict=True):
        np.testing.assert_array_equal(before, after)
