"""Noise in space, for colours and bumps that stick to a surface without texture coordinates."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import map_coordinates

LATTICE = 32


@cache
def _lattice(seed: tuple[int, ...]) -> NDArray[np.float32]:
    return np.random.default_rng(seed).random((LATTICE,) * 3, np.float32)


def solid_noise(places: NDArray[np.floating], seed: tuple[int, ...], octaves: int = 1) -> NDArray[np.float32]:
    """Value noise (M,) in [0,1] at ``places`` (M,3), whose unit is one cell (Perlin 1985, without gradients).

    Every further octave is half as large and half as strong.
    """
    # One lattice serves all seeds: a seed is a place in it.
    start = np.random.default_rng(seed).uniform(0, LATTICE, 3)
    total, weight = np.zeros(len(places), np.float32), 0.0
    for octave in range(octaves):
        at = (places * 2.0**octave + start * (octave + 1)).T
        total += map_coordinates(_lattice((0,)), at, order=1, mode="grid-wrap") * 0.5**octave
        weight += 0.5**octave
    return total / np.float32(weight)


def vector_noise(places: NDArray[np.floating], seed: tuple[int, ...]) -> NDArray[np.float32]:
    """Three independent noises (M,3) in [-1,1]: by so much a bumpy surface's normal is tilted."""
    columns = [solid_noise(places, (*seed, axis)) for axis in range(3)]
    return 2 * np.stack(columns, axis=1) - 1
