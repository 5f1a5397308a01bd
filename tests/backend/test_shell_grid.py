"""Topology of the grid: what snapping, cutting and choosing cells promise."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.shell_grid import cells_of, compacted, cut_at_jumps, reached, snapped_grid, without_specks


def areas(pixels: np.ndarray, cells: np.ndarray) -> np.ndarray:
    """Signed area of every cell, positive counter-clockwise as seen (y down)."""
    corner = np.where(cells >= 0, cells, cells[:, 2:3])
    x, y = pixels.reshape(-1, 2)[corner].transpose(2, 0, 1)
    return -0.5 * (x * np.roll(y, -1, 1) - y * np.roll(x, -1, 1)).sum(1)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([1, 2, 4]))
def test_snapping_separates_inside_from_outside(seed, step):
    """After snapping no grid edge joins inside to outside, and no vertex moved by more than half a cell."""
    level = np.random.default_rng(seed).standard_normal((32, 32)).astype(np.float32)
    pixels, side = snapped_grid(level, step)
    for first, second in ((side[1:], side[:-1]), (side[:, 1:], side[:, :-1])):
        assert (first.astype(int) * second >= 0).all()
    home = np.stack(np.meshgrid(*[np.arange(side.shape[0]) * step] * 2), -1)
    moved = np.abs(pixels - home)
    assert moved.max() <= step / 2 + 1e-5
    assert (moved[side != 0] == 0).all()
    assert (np.sign(level[::step, ::step])[side != 0] == side[side != 0]).all()


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000))
def test_inside_and_outside_cells_fill_the_grid_once(seed):
    level = np.random.default_rng(seed).standard_normal((20, 20)).astype(np.float32)
    pixels, side = snapped_grid(level, 1)
    inner, outer = cells_of(side, reached(side, level)), cells_of(-side, reached(-side, -level))
    total = areas(pixels, inner).sum() + areas(pixels, outer).sum()
    border = np.concatenate([pixels[:, 0], pixels[-1], pixels[::-1, -1], pixels[0, ::-1]])
    x, y = border.T
    np.testing.assert_allclose(total, -0.5 * (x * np.roll(y, -1) - y * np.roll(x, -1)).sum(), rtol=1e-4)


def test_a_disc_has_the_area_of_a_disc():
    y, x = np.mgrid[:64, :64]
    level = (20.3 - np.hypot(x - 31.2, y - 30.7)).astype(np.float32)
    pixels, side = snapped_grid(level, 2)
    found = areas(pixels, cells_of(side, reached(side, level[::2, ::2])))
    assert (found > -1e-4).all()
    np.testing.assert_allclose(found.sum(), np.pi * 20.3**2, rtol=0.01)


def test_torn_cells_get_twins_at_the_far_depth():
    cells = np.array([[0, 3, 4, 1], [1, 4, 5, 2]], np.int32)
    depth = np.array([500.0, 500, 560, 502, 500, 564])
    cut, original, twin_depth = cut_at_jumps(cells, depth, np.array([False, True]))
    np.testing.assert_array_equal(cut, [[0, 3, 4, 1], [6, 7, 5, 2]])
    np.testing.assert_array_equal(original, [1, 4])
    np.testing.assert_allclose(twin_depth, [562, 562])
    same, none, _ = cut_at_jumps(cells, depth, np.zeros(2, bool))
    np.testing.assert_array_equal(same, cells)
    assert len(none) == 0


def test_small_pieces_go_and_numbers_close_up():
    side = np.ones((6, 6), np.int8)
    wanted = np.zeros((5, 5), bool)
    wanted[:3, :3] = wanted[4, 4] = True
    cells = cells_of(side, wanted)
    kept = without_specks(cells, side.ravel() > 0, smallest_share=0.2)
    assert (len(cells), len(kept)) == (10, 9)
    used, renumbered = compacted(kept)
    np.testing.assert_array_equal(used[renumbered], kept)
    np.testing.assert_array_equal(np.unique(renumbered), np.arange(16))
