"""Paint a mesh's texture with the photo's own pixels, and fill what the photo does not show.

A texel is trusted as far as its surface is visible, faces the camera and lies on a pixel of the
right kind (skin on skin, never background on a cheek). Unseen texels take their mirror image,
matched in tone, then the push-pull of their surroundings.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from .normals import vertex_normals
from .push_pull import push_pull
from .raster import rasterize_uv_arrays, triangulate
from .sight import Seen, Sight

Image = NDArray[np.float32]

FACING = (0.12, 0.45)
"""Cosine between normal and view ray at which trust begins and is complete: beyond 83 degrees a
photo pixel is stretched over more than eight texels."""


@dataclass(frozen=True)
class Atlas:
    """The texels of one texture image: which triangle of the model each belongs to.

    Geometry is kept at ``grid`` texels a side and scaled up; a photo seldom has more. Values per
    texel are flat arrays over the M texels that belong to some triangle.
    """

    polygons: NDArray[np.int32]
    """(P,4) the model's polygons that use this image."""
    uvs: NDArray[np.float32]
    """(P,4,2)"""
    grid: int
    size: int

    @cached_property
    def triangles(self) -> NDArray[np.int64]:
        """(T,3) model vertices of each triangle."""
        return triangulate(self.polygons).vertices

    @cached_property
    def _texels(self) -> tuple[NDArray[np.int64], NDArray[np.int64], csr_array]:
        """Flat texel index (M,), triangle (M,) and share of each vertex (M,N): barycentrics."""
        corner_uvs = triangulate(self.polygons).of_corners(self.uvs).reshape(-1, 2)
        corners = np.arange(len(corner_uvs)).reshape(-1, 3)
        fragments = rasterize_uv_arrays(corner_uvs, corners, self.grid)
        at = np.flatnonzero(fragments.covered)
        triangle, weights = fragments.face.ravel()[at], fragments.barycentric.reshape(-1, 3)[at]
        vertices = self.triangles.astype(np.int32)[triangle].ravel()
        ends = 3 * np.arange(len(at) + 1, dtype=np.int32)
        return at, triangle, csr_array((weights.ravel(), vertices, ends), (len(at), self.triangles.max() + 1))

    @property
    def count(self) -> int:
        """M."""
        return len(self._texels[0])

    def spread(self, per_vertex: NDArray[np.floating]) -> Image:
        """Values (N,C) at the model's vertices to texels (M,C)."""
        shares = self._texels[2]
        return shares @ per_vertex[: shares.shape[1]].astype(np.float32)

    def choose(self, vertex_mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """(M,) texels of triangles with most corners in the mask (N,)."""
        return (vertex_mask[self.triangles].sum(1) >= 2)[self._texels[1]]

    def to_grid(self, per_texel: NDArray, outside: float = 0.0) -> NDArray:
        """Values (M,) or (M,C) laid out as (G,G) or (G,G,C)."""
        flat = np.full((self.grid**2, *per_texel.shape[1:]), outside, per_texel.dtype)
        flat[self._texels[0]] = per_texel
        return flat.reshape(self.grid, self.grid, *per_texel.shape[1:])

    def from_grid(self, grid: NDArray) -> NDArray:
        """Inverse of :meth:`to_grid`."""
        return grid.reshape(self.grid**2, *grid.shape[2:])[self._texels[0]]

    @cached_property
    def covered(self) -> NDArray[np.bool_]:
        """(G,G) texels that belong to some polygon."""
        return self.to_grid(np.ones(self.count, bool))


@dataclass(frozen=True)
class Painting:
    """Photo pixels laid out in an atlas."""

    colour: NDArray[np.uint8]
    """(size,size,3) sRGB, photo pixels wherever the projection lands in the photo."""
    trust: Image
    """(G,G) 0 unseen .. 1 a true photo pixel."""


def paint(
    atlas: Atlas,
    vertices_cam: NDArray[np.floating],
    sight: Sight,
    seen: Seen,
    allowed: NDArray[np.bool_],
    through: NDArray[np.bool_] | None = None,
) -> Painting:
    """Project the photo onto an atlas.

    Args:
        atlas: texels of one image.
        vertices_cam: (N,3) the model's vertices in camera space, mm.
        sight: the photo.
        seen: its view of the atlas's texels.
        allowed: (M,) whether the pixel class there suits the surface.
        through: (M,) texels painted even where they are hidden or averted (teeth behind teeth: all of
            them show the pixels between the lips).
    """
    clear = atlas.to_grid((seen.visible & allowed).astype(np.uint8))
    # One texel is given up along every border of what is seen: there the z-buffer is a guess.
    trust = cv2.erode(clear, np.ones((3, 3), np.uint8)) * atlas.to_grid(_facing(atlas, vertices_cam))
    if through is not None:
        trust = np.maximum(trust, atlas.to_grid(through.astype(np.float32)))
    trust = np.minimum(trust, cv2.GaussianBlur(trust, (0, 0), 2.0) * 1.3).clip(0, 1)
    at = push_pull(atlas.to_grid(seen.photo_px), atlas.covered)
    at = cv2.resize(at, (atlas.size, atlas.size), interpolation=cv2.INTER_LINEAR)
    colour = cv2.remap(sight.pixels, at, None, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    return Painting(colour, trust)


def _facing(atlas: Atlas, vertices_cam: NDArray[np.floating]) -> Image:
    """(M,) 1 where the surface faces the camera, falling to 0 at grazing angles."""
    towards = -vertices_cam / np.linalg.norm(vertices_cam, axis=1, keepdims=True)
    cosine = (vertex_normals(vertices_cam, atlas.triangles) * towards).sum(1, keepdims=True)
    return smoothstep(atlas.spread(cosine)[:, 0], *FACING)


def fill_by_symmetry(atlas: Atlas, painting: Painting, base: Image, base_trust: Image) -> NDArray[np.uint8]:
    """Complete a painting of an atlas that is symmetric about u = 0.5.

    Args:
        atlas: its grid and size.
        painting: what the photo shows.
        base: (G,G,3) colours for texels that have no mirror image either (hair tone, mouth).
        base_trust: (G,G) how firmly that base holds against its surroundings.

    Returns:
        (size,size,3) uint8 sRGB.
    """
    colour, trust = shrunk(painting, atlas), painting.trust
    mirrored, mirrored_trust = colour[:, ::-1], trust[:, ::-1]
    both = np.minimum(trust, mirrored_trust)
    # Light differs between the halves: carry over the slowly varying part of that difference.
    tone = _slow_part(colour - mirrored, (both > 0.7).astype(np.float32))
    helper = (1 - trust) * mirrored_trust
    known = trust + helper
    mixed = (trust[..., None] * colour + helper[..., None] * (mirrored + tone)) / known[..., None].clip(1e-6)
    rest = (1 - known.clip(0, 1)) * base_trust
    total = known + rest
    mixed = (known[..., None] * mixed + rest[..., None] * base) / total[..., None].clip(1e-6)
    filled = push_pull(mixed, (total * atlas.covered).clip(0, 1))
    return composite(painting, filled)


TONE_SIZE = 128
"""Light varies slowly over a head: this many texels a side carry its difference."""


def _slow_part(difference: Image, trust: Image) -> Image:
    """(G,G,3) the slowly varying part of a difference known where ``trust`` (G,G) is."""
    size = (TONE_SIZE, TONE_SIZE)
    weight = cv2.resize(trust, size, interpolation=cv2.INTER_AREA)
    weighted = cv2.resize(difference * trust[..., None], size, interpolation=cv2.INTER_AREA)
    small = push_pull(weighted / weight[..., None].clip(1e-6), weight)
    small = cv2.GaussianBlur(small, (0, 0), TONE_SIZE / 40)
    return cv2.resize(small, trust.shape[::-1], interpolation=cv2.INTER_LINEAR)


def shrunk(painting: Painting, atlas: Atlas) -> Image:
    """(G,G,3) the painting's colours at the grid's resolution."""
    small = cv2.resize(painting.colour, (atlas.grid, atlas.grid), interpolation=cv2.INTER_AREA)
    return small.astype(np.float32)


def composite(painting: Painting, below: Image) -> NDArray[np.uint8]:
    """Photo pixels over a complete picture ``below`` (G,G,3); (size,size,3) uint8 sRGB."""
    size = painting.colour.shape[1::-1]
    under = cv2.resize(_to_uint8(below), size, interpolation=cv2.INTER_LINEAR)
    trust = cv2.resize(painting.trust, size, interpolation=cv2.INTER_LINEAR)
    return cv2.blendLinear(painting.colour, under, trust, 1 - trust)


def _to_uint8(values: NDArray[np.floating]) -> NDArray[np.uint8]:
    return np.rint(values.clip(0, 255)).astype(np.uint8)


def smoothstep(x: NDArray[np.floating], low: float, high: float) -> Image:
    """0 below ``low``, 1 above ``high``, cubic between."""
    t = ((x - low) / (high - low)).clip(0, 1)
    return (t * t * (3 - 2 * t)).astype(np.float32)
