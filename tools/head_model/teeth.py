"""Gives the head a normal bite: two smooth arches of teeth in place of hm08's few pointed quads.

hm08's lower teeth stand before its upper ones and stop short of the corners of the mouth. Each arch here is
one sheet, wrapped from the gum over the outer face and the biting edge to the inner face, swept along a
horizontal curve that lies behind the lips of the mean head.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline
from scipy.spatial.transform import Rotation

from backend.morphable import LandmarkEmbedding, MorphableModel

from .uv import MARGIN

Array = NDArray[np.floating]

OUTLINE_MM = np.array([[0, 100], [9, 98.5], [17, 94.8], [23.5, 88], [28, 79], [31, 65], [32, 45]])
"""(x, z) of the upper arch's outer face: 2 to 5 mm behind the inside of the resting lips and cheeks."""

UPPER_WIDTHS_MM = (8.5, 6.5, 7.5, 7.0, 7.0, 10.0, 9.0)
LOWER_WIDTHS_MM = (5.0, 5.5, 7.0, 7.0, 7.0, 11.0, 10.5)
"""Crowns from the middle out: incisors, canine, premolars, molars (Wheeler's Dental Anatomy, table 1)."""

UPPER_EDGE_MM, LOWER_EDGE_MM = -51.6, -49.0
"""Height of the biting edges: the upper ends 3 mm below the resting upper lip, 2.6 mm before the lower."""

LOWER_SETBACK_MM = np.array([2.4, 4.6])
"""(x, z) from the upper arch's outer face inwards to the lower's: an incisor's edge and the overjet behind
it in front, half a cusp at the sides."""

SPEE_MM = 2.5
"""The biting edges rise by this towards the last molar."""

EDGE_LIFT_MM = (0.0, 0.4, 0.0, 0.4, 0.5, 0.5, 0.5)
"""How much shorter than the first incisor each crown is."""

CROWN_MM, GUM_MM = 10.5, 12.0
"""Height of a crown, and of the gum above it (a gummy smile shows no more)."""

ACROSS = np.array([0.0, 0.16, 0.5, 0.84])
BULGE = np.array([0.0, 0.75, 1.0, 0.75])
"""Columns of vertices over one tooth as shares of its width, and how far each stands out of the groove."""

GROOVE_MM, NOTCH_MM, PAPILLA_MM = 0.5, 0.5, 1.8
"""Between two teeth the crowns fall back, the edges open, and the gum reaches down."""

PROFILE = (
    (1.0, 1.0, -2.2, 0.0),
    (1.0, 0.55, -0.9, 0.0),
    (1.0, 0.15, 0.0, 0.0),
    (1.0, 0.0, 0.1, 0.3),
    (0.96, 0.0, -0.45, 0.8),
    (0.7, 0.0, -0.1, 1.0),
    (0.4, 0.0, 0.0, 1.0),
    (0.12, 0.0, -0.35, 1.0),
    (0.0, 0.0, -0.9, 0.9),
    (0.02, 0.0, -1.9, 0.3),
    (0.35, 0.0, -3.2, 0.0),
    (0.8, 0.0, -5.2, 0.0),
    (1.0, 0.3, -6.2, 0.0),
    (1.0, 0.8, -6.8, 0.0),
)
"""Rows of vertices from the outer gum over the edge to the inner: height as shares of crown and gum, mm out
of the outer face, and how much of the groove between teeth shows."""

GUM_ROWS = (0, 1, 2, 3, 12, 13)

TONGUE_SCALE, TONGUE_BACK_MM = np.array([0.9, 1.0, 1.0], np.float32), 2.0
"""hm08's tongue would touch the arch from within."""

BOXES = ((0.0, 0.25, 1.0, 0.5), (0.0, 0.0, 1.0, 0.25))
"""Upper and lower arch in the image of the mouth: left, bottom, right, top."""

FOLLOWED_BEHIND_MM = 60.0
"""Lips and mouth lining farther forward than this (z) say how a person's teeth differ from the mean's."""


@dataclass(frozen=True)
class Arch:
    """A grid of vertices: rows from outer gum to inner (lower: inner to outer), columns right to left."""

    vertices: NDArray[np.float32]
    """(R,C,3) mm, head frame."""
    uvs: NDArray[np.float32]
    """(R,C,2) within the unit square, v up."""
    gum: NDArray[np.bool_]
    """(R,) rows that are gum."""

    def quads(self) -> NDArray[np.int32]:
        """(Q,4) counter-clockwise from outside, over the flattened grid."""
        number = np.arange(self.gum.size * self.vertices.shape[1], dtype=np.int32).reshape(self.gum.size, -1)
        corners = number[:-1, :-1], number[1:, :-1], number[1:, 1:], number[:-1, 1:]
        return np.stack(corners, axis=-1).reshape(-1, 4)

    def mirror(self) -> NDArray[np.int32]:
        """(R*C,) the vertex on the other side."""
        number = np.arange(self.gum.size * self.vertices.shape[1], dtype=np.int32).reshape(self.gum.size, -1)
        return number[:, ::-1].ravel()


def upper_arch() -> Arch:
    """The arch that stays with the skull."""
    return _arch(UPPER_WIDTHS_MM, UPPER_EDGE_MM, np.zeros(2), 1)


def lower_arch() -> Arch:
    """The arch that goes with the jaw: behind the upper one and upside down."""
    return _arch(LOWER_WIDTHS_MM, LOWER_EDGE_MM, LOWER_SETBACK_MM, -1)


def _arch(widths: tuple[float, ...], edge_mm: float, setback_mm: Array, upwards: int) -> Arch:
    """Sweep the profile along the outline; ``upwards`` is the way from the edge to the gum."""
    along, tooth, bulge = _columns(widths)
    place, outwards = _outline(along, setback_mm)
    share, gum, out, groove = np.array(PROFILE).T[..., None]
    hollow = 1.0 - bulge
    lift = np.array(EDGE_LIFT_MM)[tooth] + NOTCH_MM * hollow
    crown = CROWN_MM - PAPILLA_MM * hollow
    height = lift * (1.0 - share) + share * crown + gum * (CROWN_MM + GUM_MM - crown)
    offset = out - GROOVE_MM * hollow * groove
    rise = edge_mm + SPEE_MM * (along / along.max()) ** 2
    vertices = np.empty((*height.shape, 3))
    vertices[..., 0::2] = place + offset[..., None] * outwards
    vertices[..., 1] = rise + upwards * height
    uvs = _sheet_layout(along, np.array(PROFILE)[:, :3])
    gum_rows = np.isin(np.arange(len(PROFILE)), GUM_ROWS)
    if upwards < 0:
        vertices, gum_rows = vertices[::-1], gum_rows[::-1]
    return Arch(vertices.astype(np.float32), uvs.astype(np.float32), gum_rows)


def _columns(widths: tuple[float, ...]) -> tuple[Array, NDArray[np.int64], Array]:
    """Signed mm along the arch (C,), tooth (C,) from the middle out, and bulge (C,) of every column."""
    starts = np.concatenate([[0.0], np.cumsum(widths)])
    along = (starts[:-1, None] + np.array(widths)[:, None] * ACROSS).ravel()
    along = np.append(along, starts[-1])
    tooth = np.append(np.repeat(np.arange(len(widths)), len(ACROSS)), len(widths) - 1)
    bulge = np.append(np.tile(BULGE, len(widths)), 0.0)
    mirrored = [np.concatenate([half[:0:-1], half]) for half in (tooth, bulge)]
    return np.concatenate([-along[:0:-1], along]), mirrored[0], mirrored[1]


def _outline(along: Array, setback_mm: Array) -> tuple[Array, Array]:
    """Places (C,2) as (x, z) and outward directions (C,2), by signed mm along the curve set back."""
    knots = np.concatenate([OUTLINE_MM[:0:-1] * [-1, 1], OUTLINE_MM])
    chord = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(knots, axis=0), axis=1))])
    curve = CubicSpline(chord - chord[-1] / 2, knots)
    steps = np.linspace(-chord[-1] / 2, chord[-1] / 2, 2001)
    tangent = curve(steps, 1) / np.linalg.norm(curve(steps, 1), axis=1, keepdims=True)
    outwards = np.stack([-tangent[:, 1], tangent[:, 0]], axis=1)
    places = curve(steps) - setback_mm * outwards
    length = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(places, axis=0), axis=1))])
    length -= length[-1] / 2
    if along[-1] > length[-1]:
        raise ValueError("the teeth are wider than the arch they stand on")
    place, direction = (
        np.stack([np.interp(along, length, values[:, k]) for k in (0, 1)], axis=1)
        for values in (places, outwards)
    )
    return place, direction / np.linalg.norm(direction, axis=1, keepdims=True)


def _sheet_layout(along: Array, profile: Array) -> Array:
    """(R,C,2) the sheet rolled flat: mm along the arch across, mm along the profile down."""
    share, gum, out = profile.T
    height = share * CROWN_MM + gum * GUM_MM
    step = np.hypot(np.diff(height), np.diff(out))
    down = np.concatenate([[0.0], np.cumsum(step)])
    u = (along - along[0]) / (along[-1] - along[0])
    return np.stack(np.broadcast_arrays(u[None], 1.0 - down[:, None] / down[-1]), axis=-1)


def with_new_teeth(model: MorphableModel) -> MorphableModel:
    """Replace the part ``teeth`` of a model made from hm08, and make room for it behind the tongue.

    The new vertices stand at the end, with -1 as ``source_vertex``; all others keep their order. The upper
    arch stays with the skull, the lower goes with the jaw as one rigid piece.
    """
    arches = upper_arch(), lower_arch()
    fresh = np.concatenate([arch.vertices.reshape(-1, 3) for arch in arches])
    identity = _follow(model, fresh)
    expression = np.zeros((len(model.expression), *fresh.shape), np.float32)
    upper_count = arches[0].gum.size * arches[0].vertices.shape[1]
    expression[:, upper_count:] = _with_jaw(model, fresh[upper_count:])
    return _exchange(_tongue_drawn_in(model), arches, fresh, identity, expression)


def _follow(model: MorphableModel, points: NDArray[np.float32]) -> NDArray[np.float32]:
    """(K,P,3) each component's displacement of the lips and the lining before them, as one affine map.

    An affine map keeps an arch an arch, and both arches in each other's bite.
    """
    near = (model.regions["lips"] | model.regions["mouth_inside"]) & (model.mean[:, 2] > FOLLOWED_BEHIND_MM)
    centre = model.mean[near].mean(axis=0)

    def basis(at: NDArray[np.float32]) -> NDArray[np.float64]:
        return np.concatenate([np.ones((len(at), 1)), (at - centre) / 10.0], axis=1, dtype=np.float64)

    solve = np.linalg.pinv(basis(model.mean[near]))
    moved = np.einsum("pa,an,knd->kpd", basis(points), solve, model.identity[:, near], optimize=True)
    return moved.astype(np.float32)


def _with_jaw(model: MorphableModel, points: NDArray[np.float32]) -> NDArray[np.float32]:
    """(E,P,3) the rigid motion nearest to what each unit does to hm08's lower teeth."""
    old = model.mean[model.regions["teeth_lower"]].astype(np.float64)
    moved = np.zeros((len(model.expression), *points.shape), np.float32)
    for number, name in enumerate(model.expression_names):
        if not name.startswith("jaw"):
            continue
        new = old + model.expression[number, model.regions["teeth_lower"]]
        turn = Rotation.align_vectors(new - new.mean(axis=0), old - old.mean(axis=0))[0]
        moved[number] = turn.apply(points - old.mean(axis=0)) + new.mean(axis=0) - points
    return moved


def _tongue_drawn_in(model: MorphableModel) -> MorphableModel:
    tongue = model.regions["tongue"]
    mean = model.mean.copy()
    mean[tongue] = mean[tongue] * TONGUE_SCALE - np.array([0, 0, TONGUE_BACK_MM], np.float32)
    return replace(model, mean=mean)


def _exchange(
    model: MorphableModel,
    arches: tuple[Arch, Arch],
    fresh: NDArray[np.float32],
    identity: NDArray[np.float32],
    expression: NDArray[np.float32],
) -> MorphableModel:
    """Drop hm08's teeth and append the arches with their displacements, upper before lower."""
    keep = ~model.regions["teeth"]
    count, added = int(keep.sum()), len(fresh)
    number = np.where(keep, np.cumsum(keep) - 1, -1).astype(np.int32)
    starts = count, count + arches[0].gum.size * arches[0].vertices.shape[1]
    teeth = model.part_names.index("teeth")
    others = model.polygon_part != teeth
    quads = np.concatenate([arch.quads() + start for arch, start in zip(arches, starts, strict=True)])
    before = np.searchsorted(model.polygon_part[others], teeth)
    mirror = [arch.mirror() + start for arch, start in zip(arches, starts, strict=True)]
    regions = {name: np.append(mask[keep], np.zeros(added, np.bool_)) for name, mask in model.regions.items()}
    regions["teeth"][count:] = True
    regions["teeth_lower"][starts[1] :] = True
    gums = [np.repeat(arch.gum, arch.vertices.shape[1]) for arch in arches]
    regions["gums"] = np.concatenate([np.zeros(count, np.bool_), *gums])
    return replace(
        model,
        mean=np.concatenate([model.mean[keep], fresh]),
        identity=np.concatenate([model.identity[:, keep], identity], axis=1),
        expression=np.concatenate([model.expression[:, keep], expression], axis=1),
        polygons=np.insert(number[model.polygons[others]], [before] * len(quads), quads, axis=0),
        uvs=np.insert(model.uvs[others], [before] * len(quads), _quad_uvs(arches), axis=0),
        polygon_part=np.insert(model.polygon_part[others], before, np.full(len(quads), teeth)),
        regions=regions,
        mirror=np.concatenate([number[model.mirror[keep]], *mirror]),
        landmarks_478=_renumbered(model.landmarks_478, number),
        landmarks_68=_renumbered(model.landmarks_68, number),
        source_vertex=np.append(model.source_vertex[keep], np.full(added, -1, np.int32)),
    )


def _quad_uvs(arches: tuple[Arch, Arch]) -> NDArray[np.float32]:
    """(Q,4,2) the upper arch in the upper, the lower in the lower half of the teeth's box."""
    halves = []
    for arch, (left, bottom, right, top) in zip(arches, BOXES, strict=True):
        scaled = arch.uvs * [right - left - 2 * MARGIN, top - bottom - 2 * MARGIN] + [
            left + MARGIN,
            bottom + MARGIN,
        ]
        halves.append(scaled.reshape(-1, 2)[arch.quads()])
    return np.concatenate(halves).astype(np.float32)


def _renumbered(points: LandmarkEmbedding, number: NDArray[np.int32]) -> LandmarkEmbedding:
    """The same points; ValueError if one of them was tied to a tooth of hm08."""
    vertices = number[points.vertices]
    if vertices.min() < 0:
        raise ValueError("a landmark lies on hm08's teeth")
    return LandmarkEmbedding(vertices, points.weights)
