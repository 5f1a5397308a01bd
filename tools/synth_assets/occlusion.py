"""How much of the sky every vertex of the mean person sees."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from backend.camera import Camera
from backend.raster import rasterize_arrays

Array = NDArray[np.floating]

VIEWS = 160
SIZE = 512
FAR_MM, REACH_MM = 2e5, 420.0
"""A camera so far away that its rays are parallel, and half the side of what it sees."""

BIAS_MM = 3.0
"""Coarser than the depth differs within a pixel."""


def sky_share(vertices: Array, triangles: NDArray[np.integer], normals: Array, centre: Array) -> Array:
    """(N,) cosine-weighted share of directions from which each vertex is seen; 1 on a lone sphere."""
    seen, possible = np.zeros(len(vertices)), np.full(len(vertices), 1e-6)
    camera = Camera.centred(FAR_MM * SIZE / 2 / REACH_MM, SIZE, SIZE)
    for direction in fibonacci(VIEWS):
        axes = _axes(direction)
        at = (vertices - centre) @ axes.T + [0.0, 0.0, FAR_MM]
        depth = rasterize_arrays(at.astype(np.float32), triangles, camera).depth
        column, row = np.rint(camera.project(at)).astype(int).T.clip(0, SIZE - 1)
        facing = np.clip(normals @ direction, 0, None)
        seen += facing * (at[:, 2] < depth[row, column] + BIAS_MM)
        possible += facing
    return seen / possible


def fibonacci(count: int) -> Array:
    """(count,3) unit vectors spread evenly over the sphere."""
    k = np.arange(count) + 0.5
    y, azimuth = 1 - 2 * k / count, np.pi * (1 + 5**0.5) * k
    around = np.sqrt(1 - y**2)
    return np.stack([around * np.cos(azimuth), y, around * np.sin(azimuth)], axis=1)


def _axes(direction: Array) -> Array:
    """(3,3) camera axes that look against ``direction``."""
    forward = -direction
    right = np.cross(forward, [0.3, 0.9, 0.1])
    right /= np.linalg.norm(right)
    return np.stack([right, np.cross(forward, right), forward])
