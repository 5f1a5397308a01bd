"""Normals of meshes that share their triangles."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import normalize

FIXED_POINT = 1 << 16
"""Sums of whole numbers do not depend on their order: a GPU repeats them exactly."""


def face_normals(vertices: Tensor, triangles: Tensor) -> Tensor:
    """(B,T,3) outward normals of meshes (B,N,3) with triangles (T,3), as long as twice the area."""
    a, b, c = (vertices[:, triangles[:, k]] for k in range(3))
    return torch.linalg.cross(b - a, c - a, dim=-1)


def smooth_normals(faces: Tensor, triangles: Tensor, count: int) -> Tensor:
    """Unit normals (B,count,3) of vertices: the faces' (B,T,3) averaged by area; 0 off the mesh."""
    # A CPU adds in the order of the triangles anyway.
    summands = faces if faces.device.type == "cpu" else (faces * FIXED_POINT).long()
    start = torch.arange(len(faces), device=faces.device)[:, None] * count
    normals = summands.new_zeros((len(faces) * count, 3))
    for k in range(3):
        # Along the first axis: along the second, index_add_ takes seven times as long.
        normals.index_add_(0, (start + triangles[:, k]).flatten(), summands.flatten(0, 1))
    return normalize(normals.float(), dim=-1).unflatten(0, (len(faces), count))
