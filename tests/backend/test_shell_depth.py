"""Depth maps are calmed where outlines jitter, and jumps in them are jumps."""

from __future__ import annotations

import numpy as np
import pytest

from backend.shell_depth import ShellOptions, combed, stepped

SIZE = 96
MIDDLE = (SIZE - 1) / 2
COLUMNS, ROWS = np.meshgrid(np.arange(SIZE, dtype=np.float32), np.arange(SIZE, dtype=np.float32))


def cylinder(jitter_px: float) -> np.ndarray:
    """(S,S) an upright cylinder whose outline is off by some pixels in every row."""
    off = np.random.default_rng(0).normal(0, jitter_px, (SIZE, 1))
    share = ((COLUMNS - MIDDLE + off) / 44).clip(-0.999, 0.999)
    return (600 - 60 * np.sqrt(1 - share**2)).astype(np.float32)


def test_ridges_of_a_jittering_outline_are_combed_out() -> None:
    rough, clean = cylinder(1.0), cylinder(0.0)
    steep = np.abs(COLUMNS - MIDDLE) > 34
    before, after = (
        np.abs(np.diff(depth, axis=0))[steep[1:]].mean() for depth in (rough, rough + combed(rough, 1.0, 2.5))
    )
    assert after < 0.4 * before
    assert np.abs(combed(clean, 1.0, 2.5)).max() < 1e-3


def test_combing_keeps_round_forms_and_flat_detail() -> None:
    radius = np.hypot(COLUMNS - MIDDLE, ROWS - MIDDLE)
    dome = (600 - np.sqrt(np.maximum(60**2 - radius**2, 1))).astype(np.float32)
    assert np.abs(combed(dome, 1.0, 2.5))[radius < 44].max() < 0.5
    waves = (600 + 0.05 * np.sin(COLUMNS) * np.sin(ROWS)).astype(np.float32)
    assert np.abs(combed(waves, 1.0, 2.5)).max() < 0.02


def ramp(low: float, high: float, width: float) -> np.ndarray:
    """(S,S) a slope ``width`` pixels wide in the middle of two planes."""
    share = ((COLUMNS - MIDDLE) / width + 0.5).clip(0, 1)
    return (low + (high - low) * share).astype(np.float32)


def test_no_surface_is_left_between_near_and_far() -> None:
    depth, options = ramp(560, 640, 3.0), ShellOptions()
    inside = np.ones_like(depth, bool)
    jumps = np.abs(COLUMNS - MIDDLE) < 2
    between = (depth > 570) & (depth < 630)
    assert between.any()
    cut = stepped(stepped(depth, jumps, inside, 2, options), jumps, inside, 2, options)
    assert set(np.unique(cut.round(2))) <= {560.0, 640.0}
    np.testing.assert_array_equal(
        cut[~jumps & (np.abs(COLUMNS - MIDDLE) > 5)], depth[~jumps & (np.abs(COLUMNS - MIDDLE) > 5)]
    )


@pytest.mark.parametrize("what", ["small", "calm", "outside"])
def test_other_slopes_stay(what: str) -> None:
    depth, options = ramp(600, 620 if what == "small" else 680, 3.0), ShellOptions()
    jumps = np.zeros_like(depth, bool) if what == "calm" else np.abs(COLUMNS - MIDDLE) < 2
    inside = np.full_like(depth, what != "outside", bool)
    np.testing.assert_array_equal(stepped(depth, jumps, inside, 2, options), depth)
