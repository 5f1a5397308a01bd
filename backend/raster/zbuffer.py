"""A z-buffer in plain torch: runs on CPU, CUDA and Apple GPUs with nothing to compile.

Every triangle is spread over its rows and every row over its pixel centres, all triangles at once.
The nearest one per pixel is found by a scatter without gradients; the winners' barycentrics are then
computed once per pixel, with gradients. Many pictures of one topology are drawn in one go.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from ..camera import Camera
from .fragments import NEAR_MM, Fragments

CANDIDATES_PER_PASS = 1 << 18
"""Triangle-pixel pairs held at once (about 100 bytes each). Fastest of 2^15 to 2^20 on a CPU, where
smaller passes pay for their number and larger ones leave the cache."""
CANDIDATES_PER_PASS_GPU = 1 << 24
"""The same on other devices, where every pass waits for the host: 1.6 GB at most."""
INDEX_BITS = 32
INDEX_MASK = (1 << INDEX_BITS) - 1

SPAN_MARGIN_PX, SPAN_MARGIN_SHARE = 0.05, 1e-6
"""Widens each row of a triangle before the exact test by more than float32 rounding can lose: pixels,
and a share of the edge's width."""


class TorchRasterizer:
    """Vectorised z-buffer; implements :class:`backend.raster.Rasterizer`.

    Exact ties in depth go to the triangle with the lower index, so results are deterministic.
    Triangles that share an edge leave no gap along it.
    """

    def rasterize(self, vertices_cam: Tensor, triangles: Tensor, camera: Camera) -> Fragments:
        """See :meth:`backend.raster.Rasterizer.rasterize`."""
        in_front = (vertices_cam[:, 2] > NEAR_MM) & torch.isfinite(vertices_cam).all(1)
        z = vertices_cam[:, 2].where(in_front, torch.ones_like(vertices_cam[:, 2]))
        focal = vertices_cam.new_tensor([camera.fx, camera.fy])
        centre = vertices_cam.new_tensor([camera.cx, camera.cy])
        pixels = vertices_cam[:, :2] / z[:, None] * focal + centre
        drawable = in_front[triangles].all(1)
        return rasterize_projected(pixels, z, triangles, drawable, camera.height, camera.width)


@dataclass(frozen=True)
class Hits:
    """What B pictures of one topology show, as a list of the P pixels that show anything."""

    pixel: Tensor
    """(P,) int64 ``(picture * height + row) * width + column``, ascending."""
    triangle: Tensor
    """(P,) int64 index of the nearest triangle."""
    barycentric: Tensor
    """(P,3) perspective-correct weights of its corners."""
    depth: Tensor
    """(P,) mm along the optical axis."""


def rasterize_pictures(
    pixels: Tensor, depth: Tensor, triangles: Tensor, drawable: Tensor, height: int, width: int
) -> Hits:
    """Draw B pictures at once: ``pixels`` (B,N,2), ``depth`` (B,N) > 0, ``triangles`` (T,3) where
    ``drawable`` (B,T) bool allows. Ties and edges as :class:`TorchRasterizer`.
    """
    with torch.no_grad():
        # Most triangles look away or are hidden: only the others are gathered.
        chosen = torch.nonzero(drawable.flatten()).squeeze(1)
        picture = chosen.div(max(len(triangles), 1), rounding_mode="floor")
        triangle = chosen - picture * len(triangles)
        of_chosen = triangles.index_select(0, triangle) + picture[:, None] * pixels.shape[1]
        flat = of_chosen.T.flatten()
        corners = pixels.detach().flatten(0, 1).index_select(0, flat).unflatten(0, (3, -1)).mT.contiguous()
        inverse_depth = (1.0 / depth.detach()).flatten().index_select(0, flat).unflatten(0, (3, -1))
        face = _nearest_triangle(corners, inverse_depth, picture, height, width, len(pixels))
    pixel = torch.nonzero(face >= 0).squeeze(1)
    winner = face.index_select(0, pixel)
    corner_index = of_chosen.index_select(0, winner)
    weights, inverse = _weights_at(
        pixels.flatten(0, 1), depth.flatten(), corner_index, pixel % width, pixel // width % height
    )
    return Hits(pixel, triangle.index_select(0, winner), weights, 1.0 / inverse)


def rasterize_projected(
    pixels: Tensor, depth: Tensor, triangles: Tensor, drawable: Tensor, height: int, width: int
) -> Fragments:
    """Rasterise ``pixels`` (N,2) with ``depth`` (N,) > 0 where ``drawable`` (T,) bool allows."""
    hits = rasterize_pictures(pixels[None], depth[None], triangles, drawable[None], height, width)
    face = hits.triangle.new_full((height * width,), -1).index_put((hits.pixel,), hits.triangle)
    barycentric = hits.barycentric.new_zeros((height * width, 3)).index_put((hits.pixel,), hits.barycentric)
    buffer = hits.depth.new_full((height * width,), torch.inf).index_put((hits.pixel,), hits.depth)
    size = (height, width)
    return Fragments(face.reshape(size), barycentric.reshape(*size, 3), buffer.reshape(size))


def _weights_at(
    pixels: Tensor, depth: Tensor, corner_index: Tensor, columns: Tensor, rows: Tensor
) -> tuple[Tensor, Tensor]:
    """Perspective-correct weights (M,3) and inverse depth (M,) of triangles (M,3) at M pixels."""
    corners = pixels.index_select(0, corner_index.T.flatten()).unflatten(0, (3, -1)).transpose(1, 2)
    edges = _edge_functions(corners, columns.to(pixels.dtype), rows.to(pixels.dtype))
    areas = torch.stack(edges, dim=1)
    scaled = areas / areas.sum(1, keepdim=True) / depth.index_select(0, corner_index.flatten()).view_as(areas)
    inverse = scaled.sum(1)
    return scaled / inverse[:, None], inverse


def _edge_functions(corners: Tensor, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Twice the signed areas that (x, y) spans with the edges of triangles ``corners`` (3,2,M).

    Taken relative to the pixel, so that the two triangles of an edge compute bit-equal values of
    opposite sign and no pixel centre can fall between them.
    """
    (ax, ay), (bx, by), (cx, cy) = ((corner[0] - x, corner[1] - y) for corner in corners)
    return bx * cy - by * cx, cx * ay - cy * ax, ax * by - ay * bx


def _nearest_triangle(
    corners: Tensor, inverse_depth: Tensor, picture: Tensor, height: int, width: int, pictures: int
) -> Tensor:
    """(pictures*H*W,) int64 index of the nearest of the triangles ``corners`` (3,2,M) of ``picture`` (M,),
    or -1."""
    # One integer holds inverse depth (linear in the picture; positive floats sort like their bits) above
    # the counted-down index: the largest is the nearest triangle, and of equal ones the first.
    nearest = torch.zeros(pictures * height * width, dtype=torch.int64, device=corners.device)
    for triangle, start, x, y in _candidates(corners, picture, height, width):
        a, b, c = _edge_functions(_pick(corners, triangle), x, y)
        # A flat triangle has three zero edges and no inside; either winding counts as seen.
        smallest, largest = torch.minimum(torch.minimum(a, b), c), torch.maximum(torch.maximum(a, b), c)
        inside = torch.nonzero((smallest >= 0) != (largest <= 0)).squeeze(1)
        a, b, c, x, triangle, start = (t.index_select(0, inside) for t in (a, b, c, x, triangle, start))
        za, zb, zc = _pick(inverse_depth, triangle)
        inverse = ((a * za + b * zb + c * zc) / (a + b + c)).float()
        key = (inverse.view(torch.int32).long() << INDEX_BITS) | (INDEX_MASK - triangle)
        nearest.scatter_reduce_(0, start + x.long(), key, "amax")
    return torch.where(nearest > 0, INDEX_MASK - (nearest & INDEX_MASK), -1)


def _pick(table: Tensor, index: Tensor) -> Tensor:
    """``table[..., index]``, the faster way: indexing with brackets takes five times as long."""
    return table.flatten(0, -2).index_select(1, index).unflatten(0, table.shape[:-1])


def _candidates(
    corners: Tensor, picture: Tensor, height: int, width: int
) -> Iterator[tuple[Tensor, Tensor, Tensor, Tensor]]:
    """Triangle index (M,), place of the pixel row's start (M,), and pixel centre x (M,), y (M,).

    In the order of the triangles; a little wider than the triangles, so that rounding loses nothing.
    """
    low, high = corners.amin(0), corners.amax(0)
    top = low[1].ceil().clamp(0, height)
    rows = (high[1].floor().clamp(-1, height - 1) - top + 1).clamp(min=0)
    # Triangles between two columns of pixel centres show nowhere, as those outside do not.
    beside = (high[0] + SPAN_MARGIN_PX).floor().clamp(max=width - 1) < (low[0] - SPAN_MARGIN_PX).ceil().clamp(
        min=0
    )
    visible = torch.nonzero((rows > 0) & ~beside).squeeze(1)
    top, rows = top.index_select(0, visible), rows.index_select(0, visible).long()
    first_row = picture.index_select(0, visible) * height
    for part in _passes(rows):
        owner, offset = _spread(rows[part])
        triangle = visible[part].index_select(0, owner)
        y = top[part].index_select(0, owner) + offset
        start = (first_row[part].index_select(0, owner) + y.long()) * width
        left, right = _span(_pick(corners, triangle), y)
        left = left.ceil().clamp(0, width)
        columns = (right.floor().clamp(-1, width - 1) - left + 1).clamp(min=0).long()
        for piece in _passes(columns):
            owner, offset = _spread(columns[piece])
            yield (
                triangle[piece].index_select(0, owner),
                start[piece].index_select(0, owner),
                left[piece].index_select(0, owner) + offset,
                y[piece].index_select(0, owner),
            )


def _span(corners: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """From where to where (M,) triangles ``corners`` (3,2,M) reach on rows ``y`` (M,), a little widened."""
    left, right = torch.full_like(y, torch.inf), torch.full_like(y, -torch.inf)
    for (ax, ay), (bx, by) in ((corners[i], corners[i - 1]) for i in range(3)):
        share = (y - ay) / (by - ay)
        crossed = (share >= 0) & (share <= 1)  # never for a level edge: its neighbours end where it does
        x = ax + share * (bx - ax)
        margin = SPAN_MARGIN_PX + SPAN_MARGIN_SHARE * (bx - ax).abs()
        left = torch.where(crossed, torch.minimum(left, x - margin), left)
        right = torch.where(crossed, torch.maximum(right, x + margin), right)
    return left, right


def _passes(counts: Tensor) -> Iterator[slice]:
    """Slices of ``counts`` whose sums stay below the bound, or hold one entry."""
    limit = CANDIDATES_PER_PASS if counts.device.type == "cpu" else CANDIDATES_PER_PASS_GPU
    ends = counts.cumsum(0)
    start, done = 0, 0
    while start < len(counts):
        stop = int(torch.searchsorted(ends, done + limit, right=True))
        part = slice(start, max(stop, start + 1))
        yield part
        start, done = part.stop, int(ends[part.stop - 1])


def _spread(counts: Tensor) -> tuple[Tensor, Tensor]:
    """Every index as often as ``counts`` (N,) says, and a running number within each; int32."""
    owner = torch.repeat_interleave(counts.int())
    first = (counts.cumsum(0) - counts).int()
    running = torch.arange(len(owner), dtype=torch.int32, device=counts.device)
    return owner, running - first.index_select(0, owner)
