"""The rasteriser for callers that hold numpy arrays."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from ..camera import Camera
from .fragments import Fragments, Rasterizer
from .uv import rasterize_uv
from .zbuffer import TorchRasterizer


@dataclass(frozen=True)
class FragmentArrays:
    """:class:`Fragments` as numpy arrays, together with the triangles they index."""

    face: NDArray[np.int64]
    """(H,W) triangle index, -1 where nothing was hit."""
    barycentric: NDArray[np.float32]
    """(H,W,3) weights of the triangle's corners, 0 where nothing was hit."""
    depth: NDArray[np.float32]
    """(H,W) mm along the optical axis, infinite where nothing was hit."""
    triangles: NDArray[np.int64]
    """(T,3) vertex indices."""

    @property
    def covered(self) -> NDArray[np.bool_]:
        """(H,W) True where a triangle was hit."""
        return self.face >= 0

    def interpolate(self, attributes: NDArray[np.floating]) -> NDArray[np.floating]:
        """Vertex ``attributes`` (N,C) at every pixel: (H,W,C), 0 where nothing was hit."""
        covered = self.covered
        out = np.zeros((*self.face.shape, attributes.shape[1]), attributes.dtype)
        corners = attributes[self.triangles[self.face[covered]]]
        out[covered] = np.einsum("nk,nkc->nc", self.barycentric[covered], corners)
        return out


@dataclass(frozen=True)
class Triangles:
    """Triangles cut from polygons, which remember where they come from."""

    vertices: NDArray[np.int64]
    """(T,3) vertex indices."""
    polygon: NDArray[np.int64]
    """(T,) the polygon each triangle was cut from."""
    corner: NDArray[np.int64]
    """(T,3) the polygon's corner (0..3) at each corner of the triangle."""

    def of_corners(self, values: NDArray) -> NDArray:
        """Per-corner ``values`` (P,4,C) of the polygons as (T,3,C), for instance UVs."""
        return values[self.polygon[:, None], self.corner]


def triangulate(polygons: NDArray[np.integer]) -> Triangles:
    """Cut ``polygons`` (P,4), -1 in the last column of a triangle, along the first diagonal.

    The first P triangles are the polygons' first halves in order; second halves of the quads follow.
    """
    quads = np.flatnonzero(polygons[:, 3] >= 0)
    polygon = np.concatenate([np.arange(len(polygons)), quads])
    corner = np.repeat([[0, 1, 2], [0, 2, 3]], [len(polygons), len(quads)], axis=0)
    return Triangles(polygons[polygon[:, None], corner].astype(np.int64), polygon, corner)


def rasterize_arrays(
    vertices_cam: NDArray[np.floating],
    triangles: NDArray[np.integer],
    camera: Camera,
    rasterizer: Rasterizer | None = None,
) -> FragmentArrays:
    """Rasterise ``vertices_cam`` (N,3) mm, camera space, with ``triangles`` (T,3), on the CPU by default."""
    indices = np.ascontiguousarray(triangles, np.int64)
    vertices = torch.from_numpy(np.ascontiguousarray(vertices_cam, np.float32))
    with torch.no_grad():
        fragments = (rasterizer or TorchRasterizer()).rasterize(vertices, torch.from_numpy(indices), camera)
    return _to_arrays(fragments, indices)


def rasterize_uv_arrays(
    uvs: NDArray[np.floating], triangles: NDArray[np.integer], size: int
) -> FragmentArrays:
    """:func:`rasterize_uv` for ``uvs`` (N,2) and ``triangles`` (T,3) as numpy arrays."""
    indices = np.ascontiguousarray(triangles, np.int64)
    with torch.no_grad():
        fragments = rasterize_uv(
            torch.from_numpy(np.ascontiguousarray(uvs, np.float32)), torch.from_numpy(indices), size
        )
    return _to_arrays(fragments, indices)


def _to_arrays(fragments: Fragments, triangles: NDArray[np.int64]) -> FragmentArrays:
    return FragmentArrays(
        fragments.face.cpu().numpy(),
        fragments.barycentric.cpu().numpy(),
        fragments.depth.cpu().numpy(),
        triangles,
    )
