"""The mesh of one person: head with its expression, a cap of hair, and shoulders below the neck."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from backend.morphable import MorphableModel
from backend.normals import vertex_normals
from backend.raster import triangulate

from .noise import solid_noise
from .person import Person

Array = NDArray[np.float32]

MASKS = ("face", "scalp", "ear", "neck", "mouth_inside")
SMOOTHINGS = 12
"""Rounds in which a vertex takes its neighbours' mean: the hairline is no row of polygons."""
HAIR_BEGINS, HAIR_ENDS = 0.35, 0.9
BUST_RINGS = 14
BUST_SIDES = 96
SHOULDER_MM = np.array([215.0, 105.0])
"""Half width and half depth of shoulders."""
SHOULDER_DROP_MM = 75.0
CHEST_MM = 320.0


@dataclass(frozen=True)
class Figure:
    """One person's mesh, in the head frame."""

    vertices: Array
    """(N,3) mm."""
    normals: Array
    """(N,3) unit, smooth, outward."""


class Mould:
    """What all people of one model share: faces, reference places and regions."""

    reference: Array
    """(N,3) mm, places on the mean head: colours stick to them."""
    masks: Array
    """(N,5) shares of :data:`MASKS`, smoothed."""
    triangles: NDArray[np.int64]
    """(T,3) without lashes."""
    part: NDArray[np.uint8]
    """(T,) index into the model's part names; the bust is ``skin``, too."""
    lashes: NDArray[np.int64]
    """(L,3)."""
    skin: NDArray[np.bool_]
    """(T,) triangles of skin and bust."""

    def __init__(self, model: MorphableModel) -> None:
        self.model = model
        cut = triangulate(model.polygons)
        part = model.polygon_part[cut.polygon]
        is_skin, is_lash = (
            part == model.part_names.index(name)
            if name in model.part_names
            else np.zeros(len(part), np.bool_)
            for name in ("skin", "lashes")
        )
        self._head = cut.vertices
        self._rim = _lower_rim(model.mean, cut.vertices[is_skin])
        bust = _bust_triangles() + len(model.mean) if len(self._rim) else np.zeros((0, 3), np.int64)
        self.reference = self._with_bust(model.mean)
        below = len(self.reference) - len(model.mean)
        masks = np.zeros((len(self.reference), len(MASKS)), np.float32)
        masks[: len(model.mean)] = _masks(model, cut.vertices[is_skin])
        masks[len(masks) - below :, MASKS.index("neck")] = 1
        self.masks = masks
        self.lashes = cut.vertices[is_lash]
        self.triangles = np.concatenate([cut.vertices[~is_lash], bust])
        of_skin = np.full(len(bust), model.part_names.index("skin"), np.uint8)
        self.part = np.concatenate([part[~is_lash], of_skin])
        self.skin = self.part == model.part_names.index("skin")

    def cast(self, person: Person) -> Figure:
        """The person's mesh."""
        shape = self.model.shape(person.identity, person.expression)
        lift = _hair_lift(self.masks[: len(shape)], self.model.mean, person)
        shape = shape + vertex_normals(shape, self._head) * lift[:, None]
        vertices = self._with_bust(shape)
        return Figure(vertices, vertex_normals(vertices, self.triangles))

    def _with_bust(self, shape: Array) -> Array:
        """A head (V,3) with shoulders of its own: the same vertices follow on every head."""
        if not len(self._rim):
            return shape.astype(np.float32)
        return np.concatenate([shape, _bust(shape[self._rim])]).astype(np.float32)


def _masks(model: MorphableModel, skin: NDArray[np.int64]) -> Array:
    regions = {**model.regions, "ear": model.regions["ear_left"] | model.regions["ear_right"]}
    masks = np.stack([regions[name] for name in MASKS], axis=1).astype(np.float32)
    count = len(model.mean)
    edges = np.concatenate([skin[:, [0, 1]], skin[:, [1, 2]], skin[:, [2, 0]]])
    ones = np.ones(len(edges))
    near = sp.coo_matrix((ones, tuple(edges.T)), (count, count)).tocsr()
    near = ((near + near.T) > 0).astype(np.float32)
    degree = np.asarray(near.sum(1)).clip(1)
    inside = np.unique(skin)
    for _ in range(SMOOTHINGS):
        masks[inside] = (near @ masks / degree)[inside]
    return masks


def _hair_lift(masks: Array, reference: Array, person: Person) -> Array:
    """(N,) mm by which hair stands above the scalp."""
    share = ((masks[:, MASKS.index("scalp")] - HAIR_BEGINS) / (HAIR_ENDS - HAIR_BEGINS)).clip(0, 1)
    crown = (1 + reference[:, 1] / 130).clip(0.5, 1.6)  # longer on top than at the nape
    waves = 0.7 + 0.6 * solid_noise(reference / 28, person.seed)
    return (person.looks.hair_mm * share**2 * (3 - 2 * share) * crown * waves).astype(np.float32)


def _lower_rim(mean: Array, skin: NDArray[np.int64]) -> NDArray[np.int64]:
    """Vertices of the open border below the neck, around the y axis; empty if there is none."""
    edges = np.sort(np.concatenate([skin[:, [0, 1]], skin[:, [1, 2]], skin[:, [2, 0]]]), axis=1)
    different, count = np.unique(edges, axis=0, return_counts=True)
    rim = np.unique(different[count == 1])
    rim = rim[mean[rim, 1] < 0.6 * mean[skin, 1].min()] if len(rim) else rim
    if len(rim) < 8:
        return rim[:0]
    across = mean[rim] - mean[rim].mean(0)
    return rim[np.argsort(np.arctan2(across[:, 2], across[:, 0]))]


def _bust(rim: Array) -> Array:
    """Vertices of shoulders and chest, ring below ring, that hang from the rim (R,3)."""
    middle = rim.mean(0)
    across = rim - middle
    angle = np.arctan2(across[:, 2], across[:, 0])
    order = np.argsort(angle)
    at = np.linspace(-np.pi, np.pi, BUST_SIDES, endpoint=False)
    rim_at = np.stack(
        [np.interp(at, angle[order], across[order, axis], period=2 * np.pi) for axis in range(3)], axis=1
    )
    shoulder = np.stack([SHOULDER_MM[0] * np.cos(at), 0 * at, SHOULDER_MM[1] * np.sin(at)], axis=1)
    rings = []
    for t in np.linspace(0, 1, BUST_RINGS - 1):
        out, down = np.sin(t * np.pi / 2), 1 - np.cos(t * np.pi / 2)
        ring = (1 - out) * rim_at + out * shoulder
        ring[:, 1] = rim_at[:, 1] * (1 - t) - SHOULDER_DROP_MM * down
        rings.append(ring)
    rings.append(rings[-1] - [0, CHEST_MM, 0])
    return np.concatenate(rings) + middle


def _bust_triangles() -> NDArray[np.int64]:
    """(T,3) into the vertices of :func:`_bust`, counter-clockwise from outside."""
    here = np.arange(BUST_SIDES)
    beside = (here + 1) % BUST_SIDES
    rows = np.arange(BUST_RINGS - 1)[:, None] * BUST_SIDES
    a, b, c, d = rows + here, rows + beside, rows + beside + BUST_SIDES, rows + here + BUST_SIDES
    return np.concatenate([np.stack(corners, -1).reshape(-1, 3) for corners in ((a, b, c), (a, c, d))])
