"""People, cameras and light become pictures with everything that is known about every pixel."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import normalize

from backend.harmonics import sh_basis
from backend.head_parse import BACKGROUND, HAIR, HEAD_CLASSES

from .light import Lights
from .mesh import Fragments, Mesh, draw, join
from .person import Person
from .shade import SKULL_CENTRE_MM, finish_of, light_strands, light_surfaces
from .shadow import Shadows, cast
from .splat import StrandFragments, splat
from .view import Views, pick

UP, DOWN = 3, 2
"""Drawn on 3/2 times as many pixels along each side, then brought down."""
NEAR_TAP = 0.75
"""Weight of the nearer of two fine pixels along each axis: the picture's pixel centres lie a quarter of a
fine pixel off the nearer one."""
SOLID_HAIR = 0.25
"""Cover from which a strand's depth counts as the hair's."""
KNOT_STEP = 2
"""Every so many points along a hair are enough for shadows and for how far out the hair reaches."""
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
    seen, face_depth = draw(mesh, fine, _attributes(mesh, lights))
    eyes = torch.stack([-fine.centre[:, 0], fine.centre[:, 1], fine.centre[:, 2]], dim=1)
    colour = light_surfaces(seen, finish_of(mesh.surfaces), lights, shadows, eyes)
    solid = seen.depth.new_full((len(eyes) * fine.size**2,), torch.inf).index_copy_(0, seen.pixel, seen.depth)
    strands = splat(person.strands, places, fine, solid) if person.strands else None
    canvas = _Canvas(seen, colour, solid, fine.size)
    if strands is not None:
        skull = (fine.rotation @ fine.rotation.new_tensor(SKULL_CENTRE_MM)).contiguous()
        within = _depth_in_hair(strands, skull, places[0][:, :, ::KNOT_STEP])
        canvas.lay_over(strands, light_strands(strands, lights, shadows, eyes, skull, within))
    return canvas.brought_down(face_depth)


def _attributes(mesh: Mesh, lights: Lights) -> Tensor:
    """(B,N,7) normal, sky light and occlusion of the vertices."""
    sky = (sh_basis(mesh.normals) @ lights.sky).clamp(min=0) * mesh.occlusion[..., None]
    return torch.cat([mesh.normals, sky, mesh.occlusion[..., None]], dim=-1)


def _shadows(mesh: Mesh, person: Person, places: list[Tensor], lights: Lights) -> Shadows:
    shown = torch.stack([s.shown for s in mesh.surfaces], dim=1)
    middles = sum(mesh.vertices[:, mesh.triangles[:, k]] for k in range(3)) / 3
    counts = torch.tensor([s.vertices.shape[1] for s in mesh.surfaces], device=middles.device)
    of_vertex = torch.arange(len(counts), device=middles.device).repeat_interleave(counts)
    solid = torch.cat([middles, mesh.vertices], dim=1)
    solid = solid.where(shown[:, torch.cat([mesh.owner, of_vertex])][..., None], torch.inf)
    hair, area = [], []
    for kind, place in zip(person.strands, places, strict=True):
        if kind.region == HAIR:
            knots = place[:, :, ::KNOT_STEP]
            steps = (knots[:, :, 1:] - knots[:, :, :-1]).norm(dim=-1)
            hair.append(((knots[:, :, 1:] + knots[:, :, :-1]) / 2).flatten(1, 2))
            area.append((steps * kind.width_mm[..., None]).flatten(1))
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
        count = len(solid)
        self.size = size
        self.colour = colour.new_zeros((count, 3)).index_copy_(0, seen.pixel, colour)
        self.normal = colour.new_zeros((count, 3)).index_copy_(
            0, seen.pixel, normalize(seen.attributes[:, :3], dim=1)
        )
        self.region = torch.zeros(count, dtype=torch.uint8, device=colour.device).index_copy_(
            0, seen.pixel, seen.region
        )
        self.depth = solid
        self.person = (self.region != BACKGROUND).float()
        heads = torch.tensor([c in HEAD_CLASSES for c in range(8)], device=colour.device).float()
        self.matte = heads.index_select(0, self.region.int())
        self.hair = torch.zeros_like(self.person)
        self.hair_depth = torch.full_like(solid, torch.inf)

    def lay_over(self, strands: StrandFragments, colour: Tensor) -> None:
        """Blend strands over what has been painted."""
        cover = strands.cover.index_select(0, strands.pixel)[:, None]
        under = self.colour.index_select(0, strands.pixel)
        self.colour.index_copy_(0, strands.pixel, torch.lerp(under, colour, cover))
        self.person = strands.cover + (1 - strands.cover) * self.person
        self.matte = strands.cover + (1 - strands.cover) * self.matte
        self.hair, self.hair_depth = strands.hair_cover, strands.nearest

    def brought_down(self, face_depth: Tensor) -> Rendering:
        """The pictures at their own size."""
        hair_depth = self.hair_depth.where(self.hair > SOLID_HAIR, torch.inf)
        known = (
            self.person,
            self.matte,
            self.hair,
            self.depth,
            hair_depth,
            face_depth.flatten(),
            self.region,
        )
        # One plane for each quantity: whole planes are added and compared at the speed of memory.
        planes = torch.cat([self.colour.T, torch.stack([plane.float() for plane in known])])
        pictures = planes.shape[1] // self.size**2
        places = _taps(self.size, pictures, planes.device)
        taps = [(planes.index_select(1, place), weight) for place, weight in places]
        soft = sum(tap[:6] * weight for tap, weight in taps)
        of_class = _mean([(tap[6], tap[9] == taps[0][0][9], weight) for tap, weight in taps])
        of_hair, of_face = (_mean([(tap[i], None, weight) for tap, weight in taps]) for i in (7, 8))
        region, is_hair = taps[0][0][9].byte(), soft[5] > 0.5
        regions = torch.where(is_hair, HAIR, region)
        depth = torch.where(is_hair, of_hair, of_class).where(regions != BACKGROUND, torch.nan)
        normals = self.normal.index_select(0, places[0][0])
        side = self.size * DOWN // UP

        def square(flat: Tensor) -> Tensor:
            return flat.reshape(pictures, side, side, *flat.shape[1:])

        return Rendering(
            colour=square(soft[:3].T),
            person=square(soft[3].clamp(0, 1)),
            matte=square(soft[4].clamp(0, 1)),
            hair_alpha=square(soft[5].clamp(0, 1)),
            regions=square(regions),
            depth=square(depth),
            face_depth=square(of_face),
            normals=square(normals),
        )


def _taps(size: int, pictures: int, device: torch.device) -> list[tuple[Tensor, float]]:
    """The four fine pixels around the centre of every pixel, as flat places, and their weights.

    The nearest one comes first. Two of every three fine pixels along an axis are the nearer ones of two
    pixels, and the third, between them, is the farther one of both.
    """
    middle = torch.arange(1, size, UP, device=device).repeat_interleave(DOWN)
    near = torch.stack([middle[::DOWN] - 1, middle[::DOWN] + 1], dim=1).flatten()
    start = torch.arange(pictures, device=device)[:, None, None] * size**2
    sides = ((near, NEAR_TAP), (middle, 1 - NEAR_TAP))
    return [
        ((start + rows[:, None] * size + columns).flatten(), a * b)
        for rows, a in sides
        for columns, b in sides
    ]


def _mean(taps: list[tuple[Tensor, Tensor | None, float]]) -> Tensor:
    """Mean of the finite values of taps (value, whether it counts, weight); NaN where none counts."""
    total, share = torch.zeros_like(taps[0][0]), torch.zeros_like(taps[0][0])
    for value, counts, weight in taps:
        good = value.isfinite() if counts is None else counts & value.isfinite()
        total.add_(value.where(good, 0.0), alpha=weight)
        share.add_(good, alpha=weight)
    return torch.where(share > 0, total / share, torch.nan)
