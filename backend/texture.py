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

from .normals import vertex_normals
from .push_pull import push_pull
from .raster import FragmentArrays, rasterize_uv_arrays, triangulate
from .sight import Sight

Image = NDArray[np.float32]

FACING = (0.12, 0.45)
"""Cosine between normal and view ray at which trust begins and is complete: beyond 83 degrees a
photo pixel is stretched over more than eight texels."""
CHART_MARGIN_PX = 6
"""Texels painted beyond a chart's border, so that filtering never picks up empty texels."""


@dataclass(frozen=True)
class Atlas:
    """The texels of one texture image: which triangle of the model each belongs to.

    Geometry is kept at ``grid`` texels a side and scaled up; a photo seldom has more.
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
    def fragments(self) -> FragmentArrays:
        """Triangle and barycentrics per texel of the grid."""
        corner_uvs = triangulate(self.polygons).of_corners(self.uvs).reshape(-1, 2)
        return rasterize_uv_arrays(corner_uvs, np.arange(len(corner_uvs)).reshape(-1, 3), self.grid)

    @property
    def covered(self) -> NDArray[np.bool_]:
        """(G,G) texels that belong to some polygon."""
        return self.fragments.covered

    def spread(self, per_vertex: NDArray[np.floating]) -> Image:
        """Values (N,C) at the model's vertices to texels (G,G,C), 0 outside the charts."""
        fragments = self.fragments
        return FragmentArrays(
            fragments.face, fragments.barycentric, fragments.depth, self.triangles
        ).interpolate(per_vertex.astype(np.float32))

    def choose(self, vertex_mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """(G,G) texels of triangles with most corners in the mask (N,)."""
        inside = vertex_mask[self.triangles].sum(1) >= 2
        return self.covered & inside[self.fragments.face.clip(0)]


@dataclass(frozen=True)
class Painting:
    """Photo pixels laid out in an atlas."""

    colour: Image
    """(size,size,3) sRGB 0..255, photo pixels wherever the projection lands in the photo."""
    trust: Image
    """(size,size) 0 unseen .. 1 a true photo pixel."""


def paint(
    atlas: Atlas,
    vertices_cam: NDArray[np.floating],
    sight: Sight,
    allowed: NDArray[np.bool_],
    facing: tuple[float, float] = FACING,
) -> Painting:
    """Project the photo onto an atlas.

    Args:
        atlas: texels of one image.
        vertices_cam: (N,3) the model's vertices in camera space, mm.
        sight: the photo, its camera and what hides what.
        allowed: (G,G) per texel of the grid, whether the pixel class there suits the surface;
            computed by the caller from :meth:`Sight.labels_at`.
        facing: cosines at which trust begins and is complete.
    """
    normals = vertex_normals(vertices_cam, atlas.triangles)
    points = atlas.spread(vertices_cam)
    facing_cosine = -(atlas.spread(normals) * points).sum(-1)
    facing_cosine /= np.linalg.norm(points, axis=-1).clip(1e-6)
    seen = atlas.covered & sight.visible(points) & allowed
    # One texel is given up along every border of what is seen: there the z-buffer is a guess.
    seen = cv2.erode(seen.astype(np.uint8), np.ones((3, 3), np.uint8))
    trust = seen * smoothstep(facing_cosine, *facing)
    trust = np.minimum(trust, cv2.GaussianBlur(trust.astype(np.float32), (0, 0), 1.5) * 1.5).clip(0, 1)
    pixels = sight.camera.project(np.where(atlas.covered[..., None], points, (0.0, 0.0, 1.0)))
    pixels = push_pull(pixels, atlas.covered)
    size = (atlas.size, atlas.size)
    at = cv2.resize(pixels.astype(np.float32), size, interpolation=cv2.INTER_LINEAR)
    colour = cv2.remap(sight.pixels, at, None, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    return Painting(
        colour.astype(np.float32),
        cv2.resize(trust.astype(np.float32), size, interpolation=cv2.INTER_LINEAR),
    )


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
    grid = (atlas.grid, atlas.grid)
    colour = cv2.resize(painting.colour, grid, interpolation=cv2.INTER_AREA)
    trust = cv2.resize(painting.trust, grid, interpolation=cv2.INTER_AREA)
    mirrored, mirrored_trust = colour[:, ::-1], trust[:, ::-1]
    both = np.minimum(trust, mirrored_trust)
    # Light differs between the halves: carry over the slowly varying part of that difference.
    tone = push_pull(colour - mirrored, (both > 0.7).astype(np.float32))
    tone = cv2.GaussianBlur(tone, (0, 0), atlas.grid / 40)
    helper = (1 - trust) * mirrored_trust
    known = trust + helper
    mixed = (trust[..., None] * colour + helper[..., None] * (mirrored + tone)) / known[..., None].clip(1e-6)
    rest = (1 - known.clip(0, 1)) * base_trust
    total = known + rest
    mixed = (known[..., None] * mixed + rest[..., None] * base) / total[..., None].clip(1e-6)
    filled = push_pull(mixed, (total * atlas.covered).clip(0, 1))
    return composite(painting, filled)


def composite(painting: Painting, below: Image) -> NDArray[np.uint8]:
    """Photo pixels over a complete picture ``below`` (G,G,3) or (size,size,3); uint8 sRGB."""
    height, width = painting.trust.shape
    under = cv2.resize(below, (width, height), interpolation=cv2.INTER_LINEAR)
    trust = painting.trust[..., None]
    return np.rint((trust * painting.colour + (1 - trust) * under).clip(0, 255)).astype(np.uint8)


def smoothstep(x: NDArray[np.floating], low: float, high: float) -> Image:
    """0 below ``low``, 1 above ``high``, cubic between."""
    t = ((x - low) / (high - low)).clip(0, 1)
    return (t * t * (3 - 2 * t)).astype(np.float32)
