"""Spherical harmonics of irradiance become a picture of the sky that would have caused them."""

from __future__ import annotations

import math

import numpy as np
import torch
from numpy.typing import NDArray

from backend.harmonics import LOBE, sh_basis

ROWS = 32
ROUNDS = 200
"""Nine numbers are met to within a few thousandths by then."""


def environment(sky: NDArray[np.floating], rows: int = ROWS) -> NDArray[np.float32]:
    """Radiance (rows,2*rows,3), nowhere negative, whose convolved harmonics are ``sky`` (9,3), view frame.

    Undoing the convolution alone rings below zero opposite every window. So the picture takes alternating
    steps (projected Landweber iterations): towards the wanted harmonics, and back to what light can be.
    """
    wanted = np.asarray(sky, np.float64) / LOBE[:, None]
    basis, share = _grid(rows)
    radiance = np.maximum(basis @ wanted, 0.0)
    for _ in range(ROUNDS):
        radiance = np.maximum(radiance + basis @ (wanted - basis.T @ (share[:, None] * radiance)), 0.0)
    return radiance.reshape(rows, 2 * rows, 3).astype(np.float32)


def irradiance(radiance: NDArray[np.floating]) -> NDArray[np.float64]:
    """The convolved harmonics (9,3) of a picture (rows,2*rows,3) of the sky: undoes :func:`environment`."""
    basis, share = _grid(len(radiance))
    return LOBE[:, None] * (basis.T @ (share[:, None] * radiance.reshape(-1, 3)))


def directions(rows: int) -> NDArray[np.float64]:
    """View-frame unit vectors (rows,2*rows,3) of the pixels of Blender's equirectangular pictures.

    Its middle column looks along +x of Blender's axes, columns go on towards -y, row 0 is the zenith.
    """
    height = math.pi * (0.5 - (np.arange(rows) + 0.5) / rows)
    around = 2 * math.pi * (0.5 - (np.arange(2 * rows) + 0.5) / (2 * rows))
    level = np.cos(height)[:, None]
    x, y = level * np.cos(around), level * np.sin(around)
    return np.stack([x, np.broadcast_to(np.sin(height)[:, None], x.shape), -y], axis=-1)


def _grid(rows: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Harmonics (P,9) and solid angle (P,) of every pixel."""
    looks = directions(rows).reshape(-1, 3)
    level = np.sqrt(np.maximum(1 - looks[:, 1] ** 2, 0))
    return sh_basis(torch.from_numpy(looks)).numpy(), level * 4 * math.pi / level.sum()
