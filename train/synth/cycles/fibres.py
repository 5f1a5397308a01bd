"""Few thick strands become many thin hairs: around each strand grows a loose lock."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

SCALP_MM2 = 60_000.0
"""Skin that bears hair on an adult head, about 600 cm2."""
LOCK_MM = 2.2
"""Locks stay narrower than this, however few strands there are."""
TIP_SPREAD = 0.55
"""Hairs of a lock draw together towards their tips."""
SHORTEST = 0.8
"""The shortest hair of a lock against its strand."""
SHADE = 0.16
"""Standard deviation of a hair's brightness within its lock, as a power of e."""
FINEST_MM = 0.07
"""Width of a hair of a human head."""


def comb_out(
    points: Floats, colour: Floats, width: Floats, hairs: int, rng: np.random.Generator
) -> tuple[Floats, Floats, Floats]:
    """About ``hairs`` hairs instead of strands (N,K,3) in mm with colour (N,3) and width (N,) at the root.

    Together they cover what the strands covered, as far as no hair gets finer than :data:`FINEST_MM`.
    """
    count = len(points)
    each = max(hairs // max(count, 1), 1)
    if each == 1:
        return points, colour, width
    lock = min(0.7 * np.sqrt(SCALP_MM2 / count), LOCK_MM)
    grown = _shortened(points, each, rng)
    tangents = np.gradient(grown, axis=1)
    tangents /= np.linalg.norm(tangents, axis=-1, keepdims=True).clip(1e-6)
    aside = rng.standard_normal((len(grown), 1, 3)).astype(np.float32)
    aside *= (
        lock
        * rng.random((len(grown), 1, 1), np.float32) ** (1 / 3)
        / np.linalg.norm(aside, axis=-1, keepdims=True)
    )
    aside = aside - tangents * (aside * tangents).sum(-1, keepdims=True)
    along = np.linspace(0, 1, points.shape[1], dtype=np.float32)[:, None]
    shade = np.exp(SHADE * rng.standard_normal((len(grown), 1))).astype(np.float32)
    finer = np.maximum(np.repeat(width, each) / each**0.75, FINEST_MM)
    return (
        (grown + aside * (1 + (TIP_SPREAD - 1) * along)).astype(np.float32),
        (np.repeat(colour, each, axis=0) * shade).clip(0, 1).astype(np.float32),
        finer.astype(np.float32),
    )


def _shortened(points: Floats, each: int, rng: np.random.Generator) -> Floats:
    """(N*each,K,3) copies of strands (N,K,3), cut at random lengths and spaced anew."""
    copies = np.repeat(points, each, axis=0)
    last = points.shape[1] - 1
    reach = 1 - (1 - SHORTEST) * rng.random((len(copies), 1), np.float32) ** 2
    place = reach * np.arange(last + 1, dtype=np.float32)
    lower = np.minimum(place.astype(np.int64), last - 1)
    rest = (place - lower)[..., None]
    row = np.arange(len(copies))[:, None]
    return copies[row, lower] * (1 - rest) + copies[row, lower + 1] * rest
