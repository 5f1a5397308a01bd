"""How long the rasterisers take, side by side in one run."""

from __future__ import annotations

import time
from statistics import median

import numpy as np
import torch

from ..camera import Camera
from .fragments import Rasterizer
from .p3d import Pytorch3dRasterizer, pytorch3d_available
from .zbuffer import TorchRasterizer

SIZE = 256
"""Side of the picture, pixels."""
RINGS, SEGMENTS = 66, 66
"""A head-sized ball of 8,448 triangles: about as many as the face mesh."""


def ball(rings: int, segments: int, radius_mm: float = 100.0) -> tuple[np.ndarray, np.ndarray]:
    """A ball (N,3) float32 mm around the origin with its triangles (T,3), outward counter-clockwise."""
    latitude = np.linspace(0, np.pi, rings)[:, None]
    longitude = np.linspace(0, 2 * np.pi, segments, endpoint=False)[None]
    points = np.stack(
        [
            np.sin(latitude) * np.cos(longitude),
            np.cos(latitude) + 0 * longitude,
            -np.sin(latitude) * np.sin(longitude),
        ],
        axis=-1,
    )
    index = np.arange(rings * segments).reshape(rings, segments)
    right = np.roll(index, -1, axis=1)
    upper = np.stack([index[:-1], index[1:], right[1:]], axis=-1)
    lower = np.stack([index[:-1], right[1:], right[:-1]], axis=-1)
    # The poles' rings are single points: half of their triangles have no area and are left out.
    triangles = np.concatenate([upper[:-1].reshape(-1, 3), lower[1:].reshape(-1, 3)])
    return (points.reshape(-1, 3) * radius_mm).astype(np.float32), triangles


def measure(repeats: int = 10) -> dict[str, object]:
    """Median milliseconds for one CPU rasterisation by each rasteriser that is installed.

    ``{"size", "triangles", "threads", "torch_ms", "pytorch3d_ms", "speedup"}``; the last two are None
    where pytorch3d is not installed.
    """
    vertices, triangles = ball(RINGS, SEGMENTS)
    vertices_cam = torch.from_numpy(vertices + np.float32([0, 0, 600]))
    indices = torch.from_numpy(triangles)
    camera = Camera.centred(3.0 * SIZE, SIZE, SIZE)

    def time_ms(rasterizer: Rasterizer, runs: int) -> float:
        rasterizer.rasterize(vertices_cam, indices, camera)
        taken = []
        for _ in range(runs):
            start = time.perf_counter()
            rasterizer.rasterize(vertices_cam, indices, camera)
            taken.append(1000 * (time.perf_counter() - start))
        return median(taken)

    ours = time_ms(TorchRasterizer(), repeats)
    theirs = time_ms(Pytorch3dRasterizer(), max(3, repeats // 3)) if pytorch3d_available() else None
    return {
        "size": SIZE,
        "triangles": len(triangles),
        "threads": torch.get_num_threads(),
        "torch_ms": ours,
        "pytorch3d_ms": theirs,
        "speedup": theirs / ours if theirs else None,
    }
