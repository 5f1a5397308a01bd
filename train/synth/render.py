"""People, cameras and light become pictures with everything that is known about every pixel."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import torch
from torch import Tensor
from torch.nn.functional import interpolate, normalize

from backend.head_parse import BACKGROUND, HAIR, HEAD_CLASSES

from .light import Lights
from .mesh import Fragments, Mesh, draw, join
from .person import Person
from .shade import SKULL_CENTRE_MM, light_strands, light_surfaces
from .shadow import Shadows, cast
from .splat import StrandFragments, splat
from .view import Views, pick

UP, DOWN = 5, 4
"""Drawn on 5/4 times as many pixels along each side, then brought down."""
SOLID_HAIR = 0.25
"""Cover from which a strand's depth counts as the hair's."""
KNOT_STEP = 2
"""Every so many points along a hair are enough for shadows and for how far out the hair reaches."""
SHADOW_STRANDS = 2
"""Every so many strands are enough, too."""
SHELLS = 16
"""Rows of the map of directions that remembers how far out the hair reaches."""


@dataclass(frozen=True)
class Rendering:
    """B pictures of S x S pixels. Everything that is not there is 0, NaN in depths."""

    colour: Tensor
    """(B,S,S,3) linear, premultiplied with ``person``: background is added later."""
    person: Tensor
    """(B,S,S) share of each pixel that shows the person."""
    matte: Tensor
    """(B,S,S) share that shows the head (every class but background, neck and body)."""
    hair_alpha: Tensor
    """(B,S,S) share that shows scalp hair."""
    regions: Tensor
    """(B,S,S) uint8 class of the evaluation format at the pixel's centre."""
    depth: Tensor
    """(B,S,S) mm, mean over what belongs to the pixel's class."""
    face_depth: Tensor
    """(B,S,S) mm, d_f: the face of the bare head, without anything on or before it."""
    normals: Tensor
    """(B,S,S,3) unit, camera axes turned y-up."""


def render(person: Person, views: Views, lights: Lights) -> Rendering:
    """Draw B people."""
    fine = views.finer(UP, DOWN)
    mesh = join(person.surfaces, fine)
    places = [fine.to_view(kind.points) for kind in person.strands]
    shadows = _shadows(mesh, person, places, lights)
    eyes = torch.stack([-fine.centre[:, 0], fine.centre[:, 1], fine.centre[:, 2]], dim=1)
    light = light_surfaces(mesh, lights, shadows, eyes)
    seen, face_depth = draw(mesh, fine, torch.cat([light, mesh.normals], dim=-1))
    colour = seen.albedo * seen.attributes[:, :3] + seen.attributes[:, 3:6]
    solid = seen.depth.new_full((len(eyes) * fine.size**2,), torch.inf).index_copy_(0, seen.pixel, seen.depth)
    strands = splat(person.strands, places, fine, solid) if person.strands else None
    canvas = _Canvas(seen, colour, solid, fine.size)
    if strands is not None:
        skull = (fine.rotation @ fine.rotation.new_tensor(SKULL_CENTRE_MM)).contiguous()
        within = _depth_in_hair(strands, skull, places[0][:, ::SHADOW_STRANDS, ::KNOT_STEP])
        canvas.lay_over(strands, light_strands(strands, lights, shadows, eyes, skull, within))
    return canvas.brought_down(face_depth)


def _shadows(mesh: Mesh, person: Person, places: list[Tensor], lights: Lights) -> Shadows:
    device = mesh.vertices.device
    counts = torch.tensor([s.vertices.shape[1] for s in mesh.surfaces], device=device)
    shown = torch.stack([s.shown for s in mesh.surfaces], dim=1).repeat_interleave(counts, dim=1)
    solid = mesh.vertices.where(shown[..., None], torch.inf)
    hair, area = [], []
    for kind, place in zip(person.strands, places, strict=True):
        if kind.region == HAIR:
            knots = place[:, ::SHADOW_STRANDS, ::KNOT_STEP]
            steps = (knots[:, :, 1:] - knots[:, :, :-1]).square().sum(-1).sqrt()
            hair.append(((knots[:, :, 1:] + knots[:, :, :-1]) / 2).flatten(1, 2))
            width = SHADOW_STRANDS * kind.width_mm[:, ::SHADOW_STRANDS]
            area.append((steps * width[..., None]).flatten(1))
    if not hair:
        return cast(lights, solid, solid[:, :1] * 0, solid.new_zeros((len(solid), 1)))
    return cast(lights, solid, torch.cat(hair, dim=1), torch.cat(area, dim=1))


def _depth_in_hair(strands: StrandFragments, skull: Tensor, hair: Tensor) -> Tensor:
    """(Q,) mm that the hair reaches further out than each strand pixel, seen from the middle of the skull."""
    rows, columns = SHELLS, 2 * SHELLS

    def cell_of(arm: Tensor, length: Tensor, picture: Tensor) -> Tensor:
        up = ((arm[..., 1] / length).clamp(-1, 1).asin() / torch.pi + 0.5) * rows
        around = (torch.atan2(arm[..., 0], arm[..., 2]) / (2 * torch.pi) + 0.5) * columns
        row, column = up.long().clamp(0, rows - 1), around.long().clamp(0, columns - 1)
        return (picture * rows + row) * columns + column

    arm = (hair - skull[:, None, None]).flatten(1, 2)
    length = arm.norm(dim=-1).clamp(min=1.0)
    picture = torch.arange(len(skull), device=skull.device)[:, None]
    outer = torch.zeros(len(skull) * rows * columns, device=skull.device)
    outer.scatter_reduce_(0, cell_of(arm, length, picture).flatten(), length.flatten(), "amax")
    mine = strands.place - pick(skull, strands.picture)
    own = mine.norm(dim=-1).clamp(min=1.0)
    return (outer.index_select(0, cell_of(mine, own, strands.picture)) - own).clamp(min=0)


class _Canvas:
    """The fine pictures while they are painted, as flat lists over all pixels."""

    def __init__(self, seen: Fragments, colour: Tensor, solid: Tensor, size: int) -> None:
        count, device = len(solid), solid.device
        self.size, self.seen = size, seen
        self.region = torch.zeros(count, dtype=torch.uint8, device=device)
        self.region.index_copy_(0, seen.pixel, seen.region)
        self.depth = solid
        person = (self.region != BACKGROUND).float()
        heads = torch.tensor([c in HEAD_CLASSES for c in range(8)], device=device).float()
        matte = heads.index_select(0, self.region.int())
        self.soft = torch.zeros((6, count), device=device)
        """Colour, person, matte and hair."""
        self.soft[:3].index_copy_(1, seen.pixel, colour.T)
        self.soft[3], self.soft[4] = person, matte
        self.hair_depth: Tensor | None = None

    def lay_over(self, strands: StrandFragments, colour: Tensor) -> None:
        """Blend strands over what has been painted."""
        above = torch.zeros_like(self.soft[:5])
        above[:3].index_copy_(1, strands.pixel, colour.T)
        above[3:] = 1.0
        self.soft[:5] = torch.lerp(self.soft[:5], above, strands.cover)
        self.soft[5] = strands.hair_cover
        self.hair_depth = strands.nearest.where(strands.hair_cover > SOLID_HAIR, torch.inf)

    def brought_down(self, face_depth: Tensor) -> Rendering:
        """The pictures at their own size."""
        pictures, side = len(face_depth), self.size * DOWN // UP
        soft = _brought_down(self.soft, pictures, self.size)
        taps = _taps(self.size, self.region.device).of(pictures)
        region = self.region.index_select(0, taps.index[:, 0])
        is_hair = soft[5].flatten() > 0.5
        depth = self._depth_of(region, taps)
        if self.hair_depth is not None:
            depth = torch.where(is_hair, _finite_mean(self.hair_depth, pictures, self.size).flatten(), depth)

        def square(flat: Tensor) -> Tensor:
            return flat.reshape(pictures, side, side, *flat.shape[1:])

        return Rendering(
            colour=soft[:3].permute(1, 2, 3, 0),
            person=soft[3].clamp(0, 1),
            matte=soft[4].clamp(0, 1),
            hair_alpha=soft[5].clamp(0, 1),
            regions=square(torch.where(is_hair, HAIR, region)),
            depth=square(depth),
            face_depth=_finite_mean(face_depth.flatten(), pictures, self.size),
            normals=square(self._normals(taps.index[:, 0])),
        )

    def _depth_of(self, region: Tensor, taps: _Taps) -> Tensor:
        """(M,) mean depth of those taps that show the same class as the nearest, ``region`` (M,)."""
        solid = torch.nonzero(region != BACKGROUND).squeeze(1)
        index, weight = taps.index.index_select(0, solid), taps.weight.index_select(0, solid)
        around = self.region.index_select(0, index.flatten()).view_as(index)
        mine = around == region.index_select(0, solid)[:, None]
        depth = self.depth.index_select(0, index.flatten()).view_as(index).where(mine, 0.0)
        share = weight * mine
        mean = (depth * share).sum(1) / share.sum(1)
        return depth.new_full(region.shape, torch.nan).index_copy_(0, solid, mean)

    def _normals(self, nearest: Tensor) -> Tensor:
        """(M,3) of the surfaces at fine pixels, 0 where there is none."""
        place = torch.full_like(self.region, -1, dtype=torch.int32)
        shown = torch.arange(len(self.seen.pixel), dtype=torch.int32, device=place.device)
        place = place.index_copy_(0, self.seen.pixel, shown).index_select(0, nearest)
        normal = self.seen.attributes[:, 6:].index_select(0, place.clamp(min=0))
        return normalize(normal, dim=1) * (place >= 0)[:, None]


def _brought_down(planes: Tensor, pictures: int, size: int) -> Tensor:
    """Planes (C,B*F*F) of fine pictures, bilinear at the centres of the pixels: (C,B,S,S)."""
    fine = planes.view(-1, pictures, size, size)
    return interpolate(fine, (size * DOWN // UP,) * 2, mode="bilinear", align_corners=False)


def _finite_mean(values: Tensor, pictures: int, size: int) -> Tensor:
    """(B,S,S) mean of the finite ones of the fine pixels (B*F*F,) around each pixel; NaN where none is."""
    there = values.isfinite()
    total, share = _brought_down(torch.stack([values.where(there, 0.0), there.float()]), pictures, size)
    return torch.where(share > 0, total / share, torch.nan)


@dataclass(frozen=True)
class _Taps:
    """The four fine pixels around the centre of every pixel, the nearest first."""

    index: Tensor
    """(M,4) flat places."""
    weight: Tensor
    """(M,4) bilinear weights."""
    step: int
    """Fine pixels of a picture."""

    def of(self, pictures: int) -> _Taps:
        """Those of several pictures, one after the other."""
        if pictures == 1:
            return self
        start = torch.arange(pictures, device=self.index.device)[:, None, None] * self.step
        return _Taps((start + self.index).flatten(0, 1), self.weight.repeat(pictures, 1), self.step)


@cache
def _taps(size: int, device: torch.device) -> _Taps:
    """Of one picture whose sides have ``size`` fine pixels."""
    centre = (torch.arange(size * DOWN // UP, device=device) + 0.5) * (UP / DOWN) - 0.5
    near = centre.round()
    far, share = near + torch.sign(centre - near), (centre - near).abs()
    sides = ((near.long(), 1 - share), (far.long(), share))
    both = [(y, x) for y in sides for x in sides]
    index = [(rows[:, None] * size + columns).flatten() for (rows, _), (columns, _) in both]
    weight = [(a[:, None] * b).flatten() for (_, a), (_, b) in both]
    return _Taps(torch.stack(index, dim=1), torch.stack(weight, dim=1), size**2)
