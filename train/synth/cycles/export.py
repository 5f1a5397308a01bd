"""People, views and lights of the generator become parcels for Blender, one for each scene."""

from __future__ import annotations

import numpy as np
from torch import Tensor

from backend.frames import MM_PER_M, head_to_blender
from backend.head_parse import HAIR
from train.synth.light import Lights
from train.synth.person import Person, Strands, Surface, stream
from train.synth.view import Views

from .fibres import Floats, comb_out
from .parcel import (
    Fibres,
    FinishHeader,
    LampHeader,
    LensHeader,
    Mesh,
    Parcel,
    SceneHeader,
    StrandsHeader,
)
from .sky import environment

SENSOR_MM = 36.0
"""Width of the film of Blender's cameras here (docs/conventions.md)."""
LAMP_DISTANCE_MM = 60.0
"""How far shadows fall on a head (a nose, a fringe): relates a shadow's blur to the lamp's size."""


def export(person: Person, views: Views, lights: Lights, row: int, *, hairs: int, seed: int) -> Parcel:
    """Scene number ``row`` of a batch; ``hairs`` is how many hairs grow out of the scalp's strands."""
    views_row = Views(*(field[row : row + 1].cpu() for field in _tensors(views)), views.size)
    surfaces = [surface for surface in person.surfaces if bool(surface.shown[row])]
    rng = stream(seed, "cycles fibres")
    fibres = [_fibres(kind, row, views_row, hairs, rng) for kind in person.strands]
    grown = [(kind, hair) for kind, hair in zip(person.strands, fibres, strict=True) if len(hair.points)]
    header = SceneHeader(
        lens=_lens(views_row),
        lamps=_lamps(lights, row),
        finishes=tuple(_finish(surface, row) for surface in surfaces),
        strands=tuple(StrandsHeader(kind.region, float(kind.specular[row])) for kind, _ in grown),
        seed=seed,
    )
    sky = environment(_array(lights.sky[row]))
    meshes = tuple(_mesh(surface, row, views_row) for surface in surfaces)
    return Parcel(header, sky, meshes, tuple(hair for _, hair in grown))


def _tensors(views: Views) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    return views.rotation, views.centre, views.focal, views.principal


def _lens(views: Views) -> LensHeader:
    """Blender measures from the picture's corner, in shares of its width, with y up."""
    size = float(views.size)
    (fx, _), (cx, cy) = views.focal[0].tolist(), views.principal[0].tolist()
    x, y, z = (views.centre[0] / MM_PER_M).tolist()
    return LensHeader(
        size=views.size,
        focal_mm=fx * SENSOR_MM / size,
        shift_x=(size / 2 - (cx + 0.5)) / size,
        shift_y=((cy + 0.5) - size / 2) / size,
        location=(-x, -z, y),
    )


def _lamps(lights: Lights, row: int) -> tuple[LampHeader, ...]:
    """Lamps that shine, in Blender's axes."""
    lamps = []
    for lamp in range(lights.colour.shape[1]):
        red, green, blue = lights.colour[row, lamp].tolist()
        x, y, z = lights.direction[row, lamp].tolist()
        blur = float(lights.softness_mm[row, lamp])
        angle = 2 * float(np.rad2deg(np.arctan(blur / LAMP_DISTANCE_MM)))
        if max(red, green, blue) > 0:
            lamps.append(LampHeader((x, -z, y), (red, green, blue), angle))
    return tuple(lamps)


def _finish(surface: Surface, row: int) -> FinishHeader:
    return FinishHeader(float(surface.specular[row]), float(surface.roughness[row]), surface.translucent)


def _mesh(surface: Surface, row: int, views: Views) -> Mesh:
    return Mesh(
        vertices=_staged(surface.vertices[row : row + 1], views),
        triangles=_array(surface.triangles).astype(np.int32),
        uvs=_array(surface.uvs),
        texture=_array(surface.texture[row]),
        region=_array(surface.region),
    )


def _fibres(kind: Strands, row: int, views: Views, hairs: int, rng: np.random.Generator) -> Fibres:
    """The strands that this person has; those of the scalp as many finer hairs."""
    width = _array(kind.width_mm[row])
    there = width > 0
    points, colour = _array(kind.points[row])[there], _array(kind.colour[row])[there]
    width = width[there]
    if kind.region == HAIR:
        points, colour, width = comb_out(points, colour, width, hairs, rng)
    turned = points @ views.rotation[0].numpy().T
    return Fibres(head_to_blender(turned), colour, width / np.float32(MM_PER_M))


def _staged(points_head: Tensor, views: Views) -> Floats:
    """Points (1,N,3) of the head frame on the stage, (N,3) m."""
    return head_to_blender(_array(views.to_view(points_head.cpu())[0]))


def _array(tensor: Tensor) -> Floats:
    return np.ascontiguousarray(tensor.detach().cpu().numpy())
