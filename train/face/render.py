"""Draws B faces differentiably: albedo times spherical harmonics light, through a z-buffer.

Colours are linear until :func:`displayed`. Gradients reach vertices, albedo and light; they do not reach
the silhouette, where another triangle or none comes to be seen.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import normalize

from backend.harmonics import sh_basis
from backend.nets.face_crop import WindowCameras
from backend.raster.fragments import NEAR_MM
from backend.raster.zbuffer import rasterize_pictures

LINEAR_BELOW, SLOPE, EXPONENT, LIFT = 0.0031308, 12.92, 2.4, 0.055
"""Of the sRGB curve (IEC 61966-2-1)."""


@dataclass(frozen=True)
class FacePictures:
    """What the B windows show of the faces."""

    colour: Tensor
    """(B,S,S,3) linear, 0 where no face is."""
    depth: Tensor
    """(B,S,S) mm along the optical axis, infinite where no face is."""

    @property
    def covered(self) -> Tensor:
        """(B,S,S) bool, True where a face is."""
        return torch.isfinite(self.depth)


def render_faces(
    vertices_cam: Tensor, triangles: Tensor, albedo: Tensor, light: Tensor, cameras: WindowCameras
) -> FacePictures:
    """Draw meshes of one topology.

    Args:
        vertices_cam: (B,N,3) mm, camera space; triangles with a corner behind the camera are left out.
        triangles: (T,3) int64.
        albedo: (B,N,3) or (N,3), linear.
        light: (B,9,3) as in :class:`backend.nets.face_net.FaceCoefficients`.
        cameras: of the B windows.
    """
    count, size = len(vertices_cam), cameras.side
    in_front = vertices_cam[..., 2] > NEAR_MM
    safe = torch.cat([vertices_cam[..., :2], vertices_cam[..., 2:].clamp(min=NEAR_MM)], dim=2)
    hits = rasterize_pictures(
        cameras.project(safe), safe[..., 2], triangles, in_front[:, triangles].all(dim=2), size, size
    )
    picture = hits.pixel.div(size * size, rounding_mode="floor")
    corners = triangles[hits.triangle]
    normals = _interpolated(vertex_normals(vertices_cam, triangles), picture, corners, hits.barycentric)
    painted = _interpolated(albedo.expand(count, -1, -1), picture, corners, hits.barycentric.to(albedo.dtype))
    colour = painted * shading(normals, light[picture])
    flat = colour.new_zeros(count * size * size, 3).index_put((hits.pixel,), colour)
    depth = hits.depth.new_full((count * size * size,), torch.inf).index_put((hits.pixel,), hits.depth)
    return FacePictures(flat.view(count, size, size, 3), depth.view(count, size, size))


def shading(normals_cam: Tensor, light: Tensor) -> Tensor:
    """Light (P,3) that normals (P,3), camera axes and of any length, send out at an albedo of 1.

    ``light`` (P,9,3). Not clamped at 0, so that light which is too dark can still grow.
    """
    upright = normalize(normals_cam, dim=1) * normals_cam.new_tensor([1.0, -1.0, -1.0])
    return torch.einsum("pk,pkc->pc", sh_basis(upright), light)


def vertex_normals(vertices: Tensor, triangles: Tensor) -> Tensor:
    """Outward unit normals (B,N,3) of meshes, averaged over triangles by area; differentiable."""
    a, b, c = (vertices[:, triangles[:, k]] for k in range(3))
    faces = torch.linalg.cross(b - a, c - a, dim=-1)
    sums = torch.zeros_like(vertices)
    for k in range(3):
        sums = sums.index_add(1, triangles[:, k], faces)
    return normalize(sums, dim=-1)


def displayed(linear: Tensor) -> Tensor:
    """Linear colours as sRGB; above 1 the curve goes on, for a gradient."""
    bright = linear.clamp(min=LINEAR_BELOW) ** (1 / EXPONENT) * (1 + LIFT) - LIFT
    return torch.where(linear <= LINEAR_BELOW, linear * SLOPE, bright)


def _interpolated(values: Tensor, picture: Tensor, corners: Tensor, weights: Tensor) -> Tensor:
    """Vertex ``values`` (B,N,3) at P pixels: (P,3)."""
    return torch.einsum("pk,pkc->pc", weights, values[picture[:, None], corners])
