"""What a rasteriser returns, and the one shape that every rasteriser has."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from ..camera import Camera

NEAR_MM = 1.0
"""Triangles with a corner closer than this to the camera's plane are dropped whole. Heads stand at
hundreds of millimetres, so clipping them would only add code that never runs on a real photo."""


@dataclass(frozen=True)
class Fragments:
    """The nearest triangle behind every pixel centre."""

    face: Tensor
    """(H,W) int64 triangle index, -1 where nothing was hit."""
    barycentric: Tensor
    """(H,W,3) perspective-correct weights of the triangle's corners, 0 where nothing was hit."""
    depth: Tensor
    """(H,W) mm along the optical axis, infinite where nothing was hit."""

    @property
    def covered(self) -> Tensor:
        """(H,W) bool, True where a triangle was hit."""
        return self.face >= 0


class Rasterizer(Protocol):
    """Finds the nearest triangle of each pixel; both sides of a triangle are visible."""

    def rasterize(self, vertices_cam: Tensor, triangles: Tensor, camera: Camera) -> Fragments:
        """Rasterise ``vertices_cam`` (N,3) float, camera space in mm, with ``triangles`` (T,3) int64.

        Pixel centres lie at integer coordinates. Barycentrics and depth carry gradients to the
        vertices; the choice of the triangle does not.
        """
        ...


def interpolate(fragments: Fragments, triangles: Tensor, attributes: Tensor) -> Tensor:
    """Vertex ``attributes`` (N,C) at every pixel: (H,W,C), 0 where nothing was hit."""
    corners = attributes[triangles[fragments.face.clamp(min=0)]]
    return torch.einsum("hwk,hwkc->hwc", fragments.barycentric.to(attributes.dtype), corners)
