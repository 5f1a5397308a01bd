"""A head seen from where another picture was taken: depth map to mesh to the other camera.

The mesh is the naive triangulation of the pixel grid (section 4.2). Gradients reach the depths through the
places of the mesh's corners in the other picture; they do not reach its outline.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor

from backend.raster.fragments import NEAR_MM
from backend.raster.zbuffer import rasterize_pictures


@dataclass(frozen=True)
class HeadCameras:
    """Cameras of B square pictures, and where the head is before each (docs/conventions.md)."""

    focal: Tensor
    """(B,2) fx, fy in pixels."""
    principal: Tensor
    """(B,2) cx, cy in pixels."""
    rotation: Tensor
    """(B,3,3) head axes to camera axes."""
    translation: Tensor
    """(B,3) head centre in camera space, mm."""

    @property
    def centre_mm(self) -> Tensor:
        """(B,) depth of the head centre."""
        return self.translation[:, 2]

    def lift(self, depth_mm: Tensor) -> Tensor:
        """Points (B,S*S,3) in camera space of the pixels of depth maps (B,S,S), row by row."""
        side = depth_mm.shape[-1]
        line = torch.arange(side, device=depth_mm.device, dtype=depth_mm.dtype)
        y, x = torch.meshgrid(line, line, indexing="ij")
        across = (torch.stack([x, y], dim=-1).view(1, -1, 2) - self.principal[:, None]) / self.focal[:, None]
        z = depth_mm.flatten(1)[..., None]
        return torch.cat([across * z, z], dim=-1)

    def moved_to(self, other: HeadCameras, points: Tensor) -> Tensor:
        """Points (B,N,3) of the head before these cameras, where they are before the other ones.

        The rigid motion (R2 R1^-1, -R2 R1^-1 t1 + t2) of section 4.2.
        """
        turn = other.rotation @ self.rotation.mT
        return (points - self.translation[:, None]) @ turn.mT + other.translation[:, None]

    def project(self, points: Tensor) -> Tensor:
        """Pixels (B,N,2) of points (B,N,3) with z > 0."""
        return points[..., :2] / points[..., 2:] * self.focal[:, None] + self.principal[:, None]


@dataclass(frozen=True)
class Reprojection:
    """What B other pictures would show of the region."""

    values: Tensor
    """(B,C,S,S), 0 where nothing of it is seen."""
    depth_mm: Tensor
    """(B,S,S) along the other camera's axis, infinite where nothing of it is seen."""

    @property
    def covered(self) -> Tensor:
        """(B,S,S) bool: H', the region in the other picture."""
        return self.depth_mm.isfinite()


def reproject(
    values: Tensor, depth_mm: Tensor, region: Tensor, here: HeadCameras, there: HeadCameras
) -> Reprojection:
    """Move a region of B pictures into the pictures of other cameras.

    Args:
        values: (B,C,S,S) what the pixels carry, colours for instance.
        depth_mm: (B,S,S); what lies outside the region may be anything.
        region: (B,S,S) bool; triangles need all corners in it.
        here, there: cameras of the pictures, and of those to move into.
    """
    count, channels, side = values.shape[:3]
    # Outside the region there may be no numbers, and these would spoil every gradient.
    depth_mm = depth_mm.where(region, here.centre_mm[:, None, None])
    points = here.moved_to(there, here.lift(depth_mm))
    in_front = (points[..., 2] > NEAR_MM) & region.flatten(1)
    safe = torch.cat([points[..., :2], points[..., 2:].clamp(min=NEAR_MM)], dim=2)
    triangles = grid_triangles(side, values.device)
    drawable = in_front[:, triangles].all(dim=2)
    hits = rasterize_pictures(there.project(safe), safe[..., 2], triangles, drawable, side, side)
    picture = hits.pixel.div(side * side, rounding_mode="floor")
    corners = values.flatten(2).mT[picture[:, None], triangles[hits.triangle]]
    seen = torch.einsum("pk,pkc->pc", hits.barycentric.to(values.dtype), corners)
    flat = seen.new_zeros(count * side * side, channels).index_put((hits.pixel,), seen)
    depth = hits.depth.new_full((count * side * side,), torch.inf).index_put((hits.pixel,), hits.depth)
    return Reprojection(flat.view(count, side, side, channels).movedim(-1, 1), depth.view(count, side, side))


@lru_cache(maxsize=4)
def grid_triangles(side: int, device: torch.device) -> Tensor:
    """(T,3) int64 corners of the pixel grid's triangles, two to a cell, cut as everywhere from 0 to 2."""
    index = torch.arange(side * side, device=device).view(side, side)
    a, b, c, d = (
        part.reshape(-1) for part in (index[:-1, :-1], index[:-1, 1:], index[1:, 1:], index[1:, :-1])
    )
    return torch.stack([torch.stack([a, b, c], 1), torch.stack([a, c, d], 1)], dim=1).view(-1, 3)
