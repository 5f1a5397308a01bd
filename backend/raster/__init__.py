"""Triangles and a camera become a z-buffer, a triangle index and barycentrics per pixel."""

from __future__ import annotations

import torch

from .arrays import (
    FragmentArrays,
    Triangles,
    rasterize_arrays,
    rasterize_uv_arrays,
    triangulate,
)
from .fragments import NEAR_MM, Fragments, Rasterizer, interpolate
from .p3d import Pytorch3dRasterizer, pytorch3d_available
from .uv import rasterize_uv
from .zbuffer import TorchRasterizer

__all__ = [
    "NEAR_MM",
    "FragmentArrays",
    "Fragments",
    "Pytorch3dRasterizer",
    "Rasterizer",
    "TorchRasterizer",
    "Triangles",
    "default_rasterizer",
    "interpolate",
    "pytorch3d_available",
    "rasterize_arrays",
    "rasterize_uv",
    "rasterize_uv_arrays",
    "triangulate",
]


def default_rasterizer(device: str | torch.device) -> Rasterizer:
    """pytorch3d on CUDA where it is installed, the torch z-buffer everywhere else."""
    if torch.device(device).type == "cuda" and pytorch3d_available():
        return Pytorch3dRasterizer()
    return TorchRasterizer()
