"""Rasterisation in texture space: which triangle owns which texel."""

from __future__ import annotations

import torch
from torch import Tensor

from .fragments import Fragments
from .zbuffer import rasterize_projected


def rasterize_uv(uvs: Tensor, triangles: Tensor, size: int) -> Fragments:
    """The triangle and barycentrics of every texel of a square texture.

    ``uvs`` (N,2) float in [0,1], v up; ``triangles`` (T,3) int64 into ``uvs``. Row 0 of the result
    is the top of the texture (v = 1) and the texel (row i, column j) is seen at its centre,
    u = (j + 0.5) / size, v = 1 - (i + 0.5) / size. Where charts overlap the lower index wins.
    ``depth`` is 1 where a triangle was hit and infinite elsewhere.
    """
    texels = torch.stack([uvs[:, 0] * size - 0.5, (1 - uvs[:, 1]) * size - 0.5], dim=1)
    drawable = torch.isfinite(texels).all(1)[triangles].all(1)
    return rasterize_projected(texels, torch.ones_like(uvs[:, 0]), triangles, drawable, size, size)
