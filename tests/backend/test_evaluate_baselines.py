"""The face's depth continued over the head, against the energy that it minimises."""

from __future__ import annotations

import numpy as np
import pytest

from backend.evaluate.baselines import continued

SIZE = 24
ROWS, COLUMNS = np.mgrid[:SIZE, :SIZE].astype(float)
INSIDE = np.hypot(ROWS - 11.5, COLUMNS - 11.5) < 11
FACE = np.hypot(ROWS - 13, COLUMNS - 11) < 5
PLANE = 700 + 2.0 * ROWS - 1.5 * COLUMNS


def energy(values: np.ndarray, levelling: float) -> float:
    """The same sum by loops over pixels."""
    total = 0.0
    for y, x in zip(*np.nonzero(INSIDE), strict=True):
        around = [(y + dy, x + dx) for dy, dx in ((0, 1), (1, 0), (0, -1), (-1, 0))]
        for near in around[:2]:
            if INSIDE[near]:
                total += (values[y, x] - values[near]) ** 2
        if all(INSIDE[near] for near in around):
            total += (levelling * (sum(values[near] for near in around) - 4 * values[y, x])) ** 2
    return total


@pytest.mark.parametrize("levelling", [0.5, 6.0])
def test_no_other_continuation_has_less_energy(levelling):
    known = np.where(FACE, PLANE + np.sin(ROWS), np.nan)
    found = continued(known, INSIDE, levelling, 700.0)
    assert (np.isfinite(found) == INSIDE).all()
    np.testing.assert_allclose(found[FACE], known[FACE])
    least = energy(found, levelling)
    random = np.random.default_rng(0)
    for size in (1e-3, 0.1, 3.0):
        other = found + size * random.normal(size=found.shape) * (INSIDE & ~FACE)
        assert energy(other, levelling) > least


def test_the_slope_goes_on_and_levels_off():
    known = np.where(FACE, PLANE, np.nan)
    stiff, slack = (continued(known, INSIDE, levelling, 700.0) for levelling in (1000.0, 0.01))
    # Bending says nothing of the outline's own pixels.
    core = np.hypot(ROWS - 11.5, COLUMNS - 11.5) < 9
    np.testing.assert_allclose(stiff[core], PLANE[core], atol=0.1)
    assert np.ptp(slack[INSIDE]) <= np.ptp(PLANE[FACE]) + 1e-6


def test_what_no_face_reaches_lies_at_the_centre():
    apart = INSIDE & (np.abs(COLUMNS - 4) > 1)
    found = continued(np.where(FACE & apart, PLANE, np.nan), apart, 3.0, 650.0)
    left = apart & (COLUMNS < 3)
    assert left.sum() > 5
    np.testing.assert_allclose(found[left], 650.0, atol=1e-6)
