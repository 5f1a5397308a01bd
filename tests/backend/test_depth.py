"""The geometric prior's inflation against shapes whose height is known."""

from __future__ import annotations

import numpy as np
import pytest

from backend.depth import SOLVE_SIZE, _inflate, _Small

SIZE = SOLVE_SIZE


def _small(region: np.ndarray, body: np.ndarray | None = None) -> _Small:
    none = np.zeros_like(region)
    nothing = np.full(region.shape, np.nan)
    return _Small(region, none if body is None else body, *[none] * 5, nothing, nothing)


def test_a_strip_becomes_a_cylinder() -> None:
    region = np.zeros((SIZE, SIZE), bool)
    region[:, 100:141] = True  # touches top and bottom, which are no silhouette
    none = np.zeros_like(region)
    height = np.sqrt(_inflate(_small(region), np.zeros(region.shape), none, 2.0, 1.0))
    x = np.arange(100, 141) - 120.0
    expected = np.sqrt(21.0**2 - x**2)
    assert height[SIZE // 2, 100:141] == pytest.approx(expected, rel=2e-3)


def test_a_disc_becomes_a_ball() -> None:
    y, x = np.mgrid[:SIZE, :SIZE] - SIZE // 2
    region = np.hypot(x, y) < 60
    none = np.zeros_like(region)
    height = np.sqrt(_inflate(_small(region), np.zeros(region.shape), none, 4.0, 0.5))
    inner = np.hypot(x, y) < 50
    expected = 0.5 * np.sqrt(60.0**2 - x**2 - y**2, where=inner, out=np.zeros(region.shape))
    assert height[inner] == pytest.approx(expected[inner], rel=0.03)


def test_known_heights_are_kept_and_met_without_a_step() -> None:
    region = np.zeros((SIZE, SIZE), bool)
    region[60:200, 60:200] = True
    known = np.zeros_like(region)
    known[110:150, 110:150] = True
    height = np.sqrt(_inflate(_small(region), np.where(known, 1600.0, 0.0), known, 2.0, 1.0))
    assert (height[known] == 40.0).all()
    assert abs(height[130, 150] - 40.0) < 2.0


def test_a_border_with_the_body_is_no_silhouette() -> None:
    region = np.zeros((SIZE, SIZE), bool)
    region[40:160, 100:141] = True
    body = np.zeros_like(region)
    body[160:, :] = True
    none = np.zeros_like(region)
    closed = np.sqrt(_inflate(_small(region), np.zeros(region.shape), none, 2.0, 1.0))
    hanging = np.sqrt(_inflate(_small(region, body), np.zeros(region.shape), none, 2.0, 1.0))
    assert closed[159, 120] < 8.0
    assert hanging[159, 120] > 18.0
