"""Cuts shoulders and chest out of hm08, hangs the arms down, and ties the lot to the head's ring."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_matrix, diags
from scipy.sparse.linalg import spsolve

from tools.head_model.identity import Sampler
from tools.head_model.source import BaseMesh, Source
from tools.head_model.topology import cut_head, edges_of

Array = NDArray[np.floating]

BOTTOM_MM = -520.0
"""The bust ends here: a crop of 520 mm with all its jitter still does not show the cut."""

ARM_TURN_DEG = 30.0
"""hm08 holds its arms away from the body; so far they turn about the shoulder to hang."""

SHOULDER_JOINTS = ("joint-l-shoulder", "joint-r-shoulder")
"""Groups of hm08: little cubes that mark where the arms turn."""

FADE_MM = 70.0
"""How far from the ring the bust still follows the head's neck."""

ARM_BONES = ("upperarm", "lowerarm", "wrist", "metacarpal", "finger")


@dataclass(frozen=True)
class Bust:
    """The bust of the average adult in the head frame."""

    vertices: NDArray[np.float32]
    """(M,3) mm."""
    modes: NDArray[np.float32]
    """(D,M,3) mm from one end of masculinity, weight, muscle and age to the other; the ring rests."""
    polygons: NDArray[np.int32]
    """(Q,4) quads."""
    uvs_source: NDArray[np.float32]
    """(Q,4,2) in hm08's layout."""
    ring: NDArray[np.int32]
    """(L,) bust vertices that coincide with the head's ``ring_head``."""
    ring_head: NDArray[np.int32]
    """(L,) vertices of the head."""
    follow: NDArray[np.float32]
    """(M,L) how each vertex follows the ring."""


MODES = ("masculinity", "weight", "muscle", "age")


@dataclass(frozen=True)
class Arms:
    """How to hang the arms of any hm08 body."""

    weights: Array
    """(2,M) how much each vertex belongs to the left and to the right arm."""
    offset: Array
    """(2,3) mm from ``anchor`` to the shoulder's joint."""
    anchor: NDArray[np.int64]
    """(2,) vertices."""

    def hung(self, body: Array) -> NDArray[np.float64]:
        """The body (M,3) with both arms turned down about the shoulders."""
        out = body.astype(np.float64)
        for weight, offset, anchor, sign in zip(self.weights, self.offset, self.anchor, (-1, 1), strict=True):
            joint = body[anchor] + offset
            angle = np.deg2rad(sign * ARM_TURN_DEG) * weight
            arm = out - joint
            cos, sin = np.cos(angle), np.sin(angle)
            x, y = cos * arm[:, 0] - sin * arm[:, 1], sin * arm[:, 0] + cos * arm[:, 1]
            out = joint + np.stack([x, y, arm[:, 2]], axis=1)
        return out


def build_bust(
    source: Source, base: BaseMesh, head_source_vertex: NDArray[np.int32], head_mean: Array
) -> Bust:
    """All steps: choose the polygons, average adult, arms down, place on the head's ring, modes."""
    topology = cut_head(base)
    ids, polygons, chosen = _below_ring(base, topology.source_polygon)
    sampler = _sampler(source, base, ids)
    arms = Arms(_arm_weights(source)[:, ids], *_joints(base, ids))
    average = arms.hung(sampler.average_adult())
    ring_ids = topology.source_vertex[topology.neck_loop]
    ring = np.searchsorted(ids, ring_ids).astype(np.int32)
    ring_head = np.searchsorted(head_source_vertex[head_source_vertex >= 0], ring_ids).astype(np.int32)
    average += (head_mean[ring_head] - average[ring]).mean(axis=0)
    follow = _follow(average, polygons, ring)
    average += follow @ (head_mean[ring_head] - average[ring])
    modes = np.stack([_mode(sampler, name, arms, ring) for name in MODES])
    keep, polygons, chosen = _above_bottom(average, polygons, chosen)
    place = np.full(len(average), -1, np.int32)
    place[keep] = np.arange(len(keep))
    return Bust(
        average[keep].astype(np.float32),
        modes[:, keep].astype(np.float32),
        place[polygons],
        base.uvs[chosen].astype(np.float32),
        place[ring],
        ring_head,
        follow[keep].astype(np.float32),
    )


def _below_ring(
    base: BaseMesh, in_head: NDArray[np.int32]
) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.int32]]:
    """hm08 vertices (M,), polygons (Q,4) among them, and their numbers, of the body without head, hands
    and all that is far below."""
    body = np.array(base.groups) == "body"
    body[in_head] = False
    lowest = base.vertices[base.polygons, 1].min(axis=1)
    chosen = np.flatnonzero(body & (lowest > -250.0)).astype(np.int32)
    ids = np.unique(base.polygons[chosen]).astype(np.int32)
    return ids, np.searchsorted(ids, base.polygons[chosen]).astype(np.int32), chosen


def _sampler(source: Source, base: BaseMesh, ids: NDArray[np.int32]) -> Sampler:
    names = tuple(source.target_names("macrodetails"))
    targets = np.stack([source.target("macrodetails", name)[ids].astype(np.float32) for name in names])
    return Sampler(base.vertices[ids].astype(np.float32), targets, names, ())


def _arm_weights(source: Source) -> NDArray[np.float64]:
    """(2,19158) how much each vertex belongs to the left and to the right arm."""
    bones = source.bone_weights()
    return np.stack(
        [
            sum(w for name, w in bones.items() if name.startswith(ARM_BONES) and name.endswith(side))
            for side in (".L", ".R")
        ]
    )


def _joints(base: BaseMesh, ids: NDArray[np.int32]) -> tuple[Array, NDArray[np.int64]]:
    """Both shoulder joints (2,3) in hm08, and the bust vertex (2,) that lies nearest to each."""
    groups = np.array(base.groups)
    cubes = [base.vertices[np.unique(base.polygons[groups == name])] for name in SHOULDER_JOINTS]
    joints = np.stack([cube.mean(axis=0) for cube in cubes])
    apart = np.linalg.norm(base.vertices[ids] - joints[:, None], axis=2)
    return joints - base.vertices[ids][apart.argmin(axis=1)], apart.argmin(axis=1)


def _mode(sampler: Sampler, name: str, arms: Arms, ring: NDArray[np.int32]) -> Array:
    """(M,3) the bust at the upper end of a macro slider minus the lower end, the ring at rest on average."""
    ends = []
    for value in (0.0, 1.0):
        setting = {"masculinity": 0.5, "weight": 0.5, "muscle": 0.5, "age": 0.3} | {name: value}
        weights = sampler.macro_weights(
            25.0 + 50.0 * setting["age"],
            setting["masculinity"],
            np.full(3, 1 / 3),
            setting["muscle"],
            setting["weight"],
        )
        ends.append(arms.hung(sampler.base + np.tensordot(weights, sampler.targets, 1)))
    moved = ends[1] - ends[0]
    return moved - moved[ring].mean(axis=0)


def _follow(vertices: Array, polygons: NDArray[np.int32], ring: NDArray[np.int32]) -> Array:
    """(M,L) screened harmonic extension of displacements on the ring: 1 there, gone after ``FADE_MM``."""
    edges = np.unique(np.sort(edges_of(polygons), axis=1), axis=0)
    a, b = edges.T
    length = np.linalg.norm(vertices[a] - vertices[b], axis=1)
    size = len(vertices)
    graph = coo_matrix((np.r_[1 / length, 1 / length], (np.r_[a, b], np.r_[b, a])), (size, size)).tocsr()
    degree = np.asarray(graph.sum(axis=1))[:, 0]
    spacing = np.asarray(graph.getnnz(axis=1)) / np.maximum(degree, 1e-9)
    system = (diags(degree + spacing * 4 / FADE_MM**2) - graph).tocsr()
    free = np.setdiff1d(np.arange(size), ring)
    out = np.zeros((size, len(ring)))
    out[ring] = np.eye(len(ring))
    out[free] = spsolve(system[free][:, free].tocsc(), graph[free][:, ring].toarray())
    return out


def _above_bottom(
    vertices: Array, polygons: NDArray[np.int32], chosen: NDArray[np.int32]
) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.int32]]:
    visible = vertices[polygons, 1].max(axis=1) > BOTTOM_MM
    return np.unique(polygons[visible]), polygons[visible], chosen[visible]
