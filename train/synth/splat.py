"""Draws strands as points one pixel apart: the nearest wins the pixel, all together give its coverage.

Points that lie behind a surface are dropped before they count. Each point carries the area of its piece of
hair, so a hair thinner than a pixel covers its share of it, and many of them add up as fog does.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import torch
from torch import Tensor
from torch.nn.functional import max_pool2d, normalize

from backend.head_parse import HAIR

from .person import Strands
from .view import NEAREST_MM, Views, pick

TILE_PX, SIGHT_STEP = 8, 2
"""Side of the tiles, and every how many-th knot of a strand is looked at, to tell whether it can be seen."""
STEPS = (3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256)
"""Points along a strand; each strand takes the smallest number that leaves no gap of over a pixel."""
IN_FRONT_MM = 1.5
"""Roots lie in the skin, and the skin's triangles are flat: so much deeper a hair is still seen."""
TIP_FROM, TIP_WIDTH = 0.6, 0.35
"""Hairs taper from this part of their length on, down to this share of their width."""
THICKNESS = 1.25
"""Fog of independent hairs leaves gaps that combed hair, which lies side by side, does not."""
ALONG_BITS = 8
FIXED_POINT = 1 << 10
INDEX_BITS = 32


@dataclass(frozen=True)
class StrandFragments:
    """The Q pixels of B pictures that a strand wins, and how much strands cover everywhere."""

    pixel: Tensor
    """(Q,) flat index over all pictures."""
    picture: Tensor
    depth: Tensor
    """(Q,) mm."""
    place: Tensor
    """(Q,3) view frame."""
    tangent: Tensor
    """(Q,3) unit, from root to tip."""
    along: Tensor
    """(Q,) 0 at the root, 1 at the tip."""
    colour: Tensor
    """(Q,3) linear albedo."""
    specular: Tensor
    """(Q,)."""
    cover: Tensor
    """(B*S*S,) share of each pixel that strands of any kind cover."""
    hair_cover: Tensor
    """(B*S*S,) the part of it that is scalp hair."""
    nearest: Tensor
    """(B*S*S,) mm depth of the winner, infinite without."""


def splat(
    strands: tuple[Strands, ...], places: list[Tensor], views: Views, solid_depth: Tensor
) -> StrandFragments:
    """Draw all strands before surfaces of ``solid_depth`` (B*S*S,).

    ``places`` are the strands' points in the view frame, (B,N,K,3) each.
    """
    device, count = solid_depth.device, len(solid_depth)
    best = torch.zeros(count, dtype=torch.int64, device=device)
    thickness = torch.zeros((2, count), dtype=torch.int32, device=device)
    first = 0
    for kind, place in zip(strands, places, strict=True):
        optical = thickness[0 if kind.region == HAIR else 1]
        _draw(kind, place, views, solid_depth, first, best, optical)
        first += place.shape[0] * place.shape[1]
    hair, other = thickness.float() / FIXED_POINT * THICKNESS
    cover = 1 - torch.exp(-hair - other)
    hair_cover = cover * hair / (hair + other).clamp(min=1e-6)
    return _winners(strands, places, best, cover, hair_cover, count // len(views.centre))


def _draw(
    kind: Strands,
    place: Tensor,
    views: Views,
    solid_depth: Tensor,
    first: int,
    best: Tensor,
    optical: Tensor,
) -> None:
    """Scatter one kind of strands into ``best`` and ``optical``."""
    n, k = place.shape[1:3]
    rows = _in_sight(kind, place, views, solid_depth)
    picture = rows.div(n, rounding_mode="floor")
    knots = place.flatten(0, 1).index_select(0, rows).permute(2, 0, 1).contiguous()
    line = _projected(knots, views, picture)
    across = line[:2, :, 1:] - line[:2, :, :-1]
    length = (across * across).sum(0).sqrt_().sum(1)
    focal = views.focal[:, 0].index_select(0, picture)
    width_px = kind.width_mm.flatten().index_select(0, rows) * focal * line[2, :, 0]
    steps = torch.tensor(STEPS, device=place.device)
    bucket = torch.bucketize(length + 1, steps).clamp(max=len(STEPS) - 1)
    order = bucket.argsort(stable=True)
    ends = torch.bincount(bucket + 1, minlength=len(STEPS) + 1).cumsum(0).tolist()
    nearly = solid_depth + IN_FRONT_MM
    for i, count in enumerate(STEPS):
        mine = order[ends[i] : ends[i + 1]]
        if len(mine):
            spacing = length.index_select(0, mine) / (count - 1)
            _scatter(
                (line.index_select(1, mine) @ _interpolation(k, count, place.device)).unbind(0),
                first + rows.index_select(0, mine),
                (width_px.index_select(0, mine) * spacing).clamp(max=1.0),
                picture.index_select(0, mine),
                views.size,
                nearly,
                best,
                optical,
            )


def _projected(points: Tensor, views: Views, picture: Tensor) -> Tensor:
    """Pixels x, y and inverse depth (3,R,K) of view points (3,R,K) of pictures (R,)."""
    centre, focal, principal = (
        pick(t, picture).T[..., None] for t in (views.centre, views.focal, views.principal)
    )
    inverse = 1 / (centre[2] - points[2]).clamp(min=NEAREST_MM)
    x = (points[0] + centre[0]) * inverse * focal[0] + principal[0]
    y = (centre[1] - points[1]) * inverse * focal[1] + principal[1]
    return torch.stack([x, y, inverse])


def _in_sight(kind: Strands, place: Tensor, views: Views, solid_depth: Tensor) -> Tensor:
    """(R,) strands of B*N that are there, and not wholly outside the picture or behind surfaces.

    A strand counts as behind where the farthest surface of the tiles around each of its points is nearer.
    """
    people, n = place.shape[:2]
    side = -(-views.size // TILE_PX)
    far = max_pool2d(solid_depth.view(people, 1, views.size, -1), TILE_PX, ceil_mode=True)
    far = max_pool2d(far, 3, stride=1, padding=1).flatten() + IN_FRONT_MM
    rows = torch.nonzero(kind.width_mm.flatten() > 0).squeeze(1)
    picture = rows.div(n, rounding_mode="floor")
    knots = place[:, :, ::SIGHT_STEP].flatten(0, 1).index_select(0, rows).permute(2, 0, 1).contiguous()
    x, y, inverse = _projected(knots, views, picture)
    inside = (x > -TILE_PX) & (y > -TILE_PX) & (x < views.size + TILE_PX) & (y < views.size + TILE_PX)
    # What is no number lies nowhere: comparisons with it fail.
    column, line = ((t.nan_to_num() * (1 / TILE_PX)).clamp(0, side - 1).int() for t in (x, y))
    tile = (picture.int()[:, None] * side + line) * side + column
    before = far.index_select(0, tile.flatten()).view_as(inverse) * inverse > 1
    return rows.index_select(0, torch.nonzero((inside & before).any(1)).squeeze(1))


def _scatter(
    points: tuple[Tensor, ...],
    names: Tensor,
    area: Tensor,
    picture: Tensor,
    size: int,
    nearly: Tensor,
    best: Tensor,
    optical: Tensor,
) -> None:
    """Scatter points x, y, inverse depth (R,M) of strands ``names`` (R,) unless farther than ``nearly``."""
    x, y, inverse = points
    count = x.shape[1]
    column, row = x.round().int(), y.round().int()
    inside = (column >= 0) & (column < size) & (row >= 0) & (row < size)
    pixel = torch.add(column, row, alpha=size)
    if len(nearly) > size * size:
        pixel += (picture * size * size).int()[:, None]
    pixel = pixel.clamp_(0, len(nearly) - 1).flatten()
    front = inverse.flatten() * nearly.index_select(0, pixel) > 1
    # A list of survivors: indexing with booleans costs ten times as much as index_select.
    kept = torch.nonzero(front & inside.flatten()).squeeze(1)
    along = torch.arange(count, dtype=torch.int32, device=x.device)
    name = (names.int()[:, None] << ALONG_BITS) + along * ((1 << ALONG_BITS) - 1) // (count - 1)
    amount = (area[:, None] * (_taper(along / (count - 1)) * FIXED_POINT)).int()
    pixel, name, amount = (t.flatten().index_select(0, kept) for t in (pixel, name, amount))
    depth_bits = inverse.flatten().index_select(0, kept).view(torch.int32).long()
    pixel = pixel.long()
    best.scatter_reduce_(0, pixel, (depth_bits << INDEX_BITS) | name, "amax")
    optical.scatter_add_(0, pixel, amount)


@cache
def _interpolation(knots: int, count: int, device: torch.device) -> Tensor:
    """(knots,count) weights of a Catmull-Rom spline through a strand's points."""
    at = torch.linspace(0, knots - 1, count)
    left = at.floor().clamp(max=knots - 2)
    t = at - left
    weights = torch.zeros(knots, count)
    cubic = (
        -0.5 * t + t**2 - 0.5 * t**3,
        1 - 2.5 * t**2 + 1.5 * t**3,
        0.5 * t + 2 * t**2 - 1.5 * t**3,
        -0.5 * t**2 + 0.5 * t**3,
    )
    columns = torch.arange(count)
    for offset, share in zip((-1, 0, 1, 2), cubic, strict=True):
        weights.index_put_(((left.long() + offset).clamp(0, knots - 1), columns), share, accumulate=True)
    return weights.to(device)


def _taper(along: Tensor) -> Tensor:
    """Width at a place along the strand, as a share of the root's."""
    return 1 - (1 - TIP_WIDTH) * ((along - TIP_FROM) / (1 - TIP_FROM)).clamp(min=0)


def _winners(
    strands: tuple[Strands, ...],
    places: list[Tensor],
    best: Tensor,
    cover: Tensor,
    hair_cover: Tensor,
    per_picture: int,
) -> StrandFragments:
    pixel = torch.nonzero(best).squeeze(1)
    key = best.index_select(0, pixel)
    depth = 1 / (key >> INDEX_BITS).int().view(torch.float32)
    name = key & ((1 << INDEX_BITS) - 1)
    along = (name & ((1 << ALONG_BITS) - 1)) / ((1 << ALONG_BITS) - 1)
    strand = name >> ALONG_BITS
    parts, order, first = [], [], 0
    for kind, points in zip(strands, places, strict=True):
        mine = torch.nonzero(
            (strand >= first) & (strand < first + points.shape[0] * points.shape[1])
        ).squeeze(1)
        order.append(mine)
        parts.append(
            _looked_up(kind, points, strand.index_select(0, mine) - first, along.index_select(0, mine))
        )
        first += points.shape[0] * points.shape[1]
    order = torch.cat(order)
    pixel, depth, along = (t.index_select(0, order) for t in (pixel, depth, along))
    place, tangent, colour, specular = (torch.cat(column) for column in zip(*parts, strict=True))
    nearest = torch.full_like(cover, torch.inf).index_copy_(0, pixel, depth)
    picture = pixel.div(per_picture, rounding_mode="floor")
    tangent = normalize(tangent, dim=-1)
    return StrandFragments(
        pixel, picture, depth, place, tangent, along, colour, specular, cover, hair_cover, nearest
    )


def _looked_up(kind: Strands, points: Tensor, row: Tensor, along: Tensor) -> tuple[Tensor, ...]:
    """Place, tangent, colour (M,3) and specular (M,) of strands ``row`` (M,) at ``along`` (M,)."""
    n, k = points.shape[1:3]
    at = along * (k - 1)
    left = at.long().clamp(max=k - 2)
    start, knots = row * k, points.reshape(-1, 3)
    before, here, there, after = (
        knots.index_select(0, start + (left + step).clamp(0, k - 1)) for step in (-1, 0, 1, 2)
    )
    share = (at - left)[:, None]
    tangent = torch.lerp(there - before, after - here, share)
    colour = kind.colour.reshape(-1, 3).index_select(0, row)
    return torch.lerp(here, there, share), tangent, colour, kind.specular.index_select(0, row // n)
