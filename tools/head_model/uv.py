"""Lays the head out flat: one island for the visible skin, small ones for what is hidden."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.linalg import spsolve

from .source import BaseMesh
from .topology import PART_NAMES, Topology, boundary_loops, edges_of

Array = NDArray[np.floating]

MARGIN = 0.008
"""Gap between islands and to the border: 16 texels of a 2048 image."""

HIDDEN_STRIP = 0.1
"""Height of the strip at the bottom that holds mouth cavity and eye sockets."""


def lay_out(
    base: BaseMesh, topology: Topology, mean: Array, mirror: NDArray[np.int32], islands: NDArray[np.int32]
) -> Array:
    """(Q,4,2) UVs of all parts; ``islands`` (Qskin,) as :func:`regions.skin_islands` gives them."""
    uvs = np.zeros((*topology.polygons.shape, 2))
    skin = topology.part == 0
    uvs[skin] = lay_out_skin(topology.polygons[skin], islands, mean, mirror, topology.neck_loop)
    for name, left, right in (("eye_left", 0.0, 0.5), ("eye_right", 0.5, 1.0)):
        part = topology.part == PART_NAMES.index(name)
        uvs[part] = lay_out_eye(topology.polygons[part], mean, left, right)
    for name, box in (
        ("teeth", (0.0, 0.0, 1.0, 0.5)),
        ("tongue", (0.25, 0.5, 0.75, 1.0)),
        ("lashes", (0.0, 0.0, 1.0, 1.0)),
    ):
        part = topology.part == PART_NAMES.index(name)
        uvs[part] = _into_box(base.uvs[topology.source_polygon[part]], box)
    return uvs


def lay_out_eye(polygons: NDArray[np.int32], mean: Array, left: float, right: float) -> Array:
    """(Q,4,2) an eyeball seen from the front, unrolled towards its back: the angle from the gaze is the radius.

    The front hemisphere fills the inner 7/10 of the radius, the iris is in the middle of the box.
    """
    used = np.unique(polygons)
    centre = (mean[used].min(axis=0) + mean[used].max(axis=0)) / 2
    direction = mean - centre
    direction = direction / np.maximum(np.linalg.norm(direction, axis=1, keepdims=True), 1e-9)
    angle = np.arccos(np.clip(direction[:, 2], -1, 1)) / np.pi
    radius = np.interp(angle, [0.0, 0.5, 1.0], [0.0, 0.35, 0.5])
    around = direction[:, :2] / np.maximum(np.linalg.norm(direction[:, :2], axis=1, keepdims=True), 1e-9)
    disk = 0.5 + radius[:, None] * around * (1 - 4 * MARGIN)
    disk[:, 0] = left + disk[:, 0] * (right - left)
    return disk[polygons]


def _into_box(uvs: Array, box: tuple[float, float, float, float]) -> Array:
    low, high = uvs.min(axis=(0, 1)), uvs.max(axis=(0, 1))
    corner, size = np.array(box[:2]) + MARGIN, np.array(box[2:]) - np.array(box[:2]) - 2 * MARGIN
    return corner + (uvs - low) / (high - low) * size


def flatten(polygons: NDArray[np.int32], vertices: Array, border: NDArray[np.int32], places: Array) -> Array:
    """Map a disk (or a disk with holes) into the convex polygon ``places`` (B,2) of its ``border`` (B,).

    Tutte's theorem: with every inner vertex at a positively weighted average of its neighbours no
    two faces overlap and all are convex. Weights are 1 / edge length, which keeps shapes roughly true.
    Returns (N,2), NaN for vertices that are not used.
    """
    edges = np.unique(np.sort(edges_of(polygons), axis=1), axis=0)
    length = np.linalg.norm(vertices[edges[:, 0]] - vertices[edges[:, 1]], axis=1)
    return solve_tutte(len(vertices), edges, 1.0 / np.maximum(length, 1e-3), border, places)


def solve_tutte(
    count: int, edges: NDArray[np.int32], weights: Array, border: NDArray[np.int32], places: Array
) -> Array:
    """Place every vertex at the weighted average of its neighbours, the border held at its places."""
    a, b = edges.T
    graph = coo_matrix((np.r_[weights, weights], (np.r_[a, b], np.r_[b, a])), (count, count)).tocsr()
    used = np.zeros(count, np.bool_)
    used[edges] = True
    held = np.zeros(count, np.bool_)
    held[border] = True
    free = np.flatnonzero(used & ~held)
    out = np.full((count, 2), np.nan)
    out[border] = places
    degree = coo_matrix((np.asarray(graph.sum(axis=1))[free, 0], (range(len(free)),) * 2))
    system = (degree - graph[free][:, free]).tocsc()
    out[free] = spsolve(system, graph[free][:, border] @ places)
    return out


def cut_open(
    polygons: NDArray[np.int32], seam: NDArray[np.int32], side: NDArray[np.bool_], count: int
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Give the quads on one ``side`` (Q,) of a ``seam`` their own copies of its vertices.

    Returns polygons with copies numbered from ``count`` on, and the vertex (N + S,) each stems from.
    """
    copies = np.arange(count)
    copies[seam] = count + np.arange(len(seam))
    cut = polygons.copy()
    cut[side] = copies[cut[side]]
    return cut, np.concatenate([np.arange(count), seam]).astype(np.int32)


def back_seam(
    polygons: NDArray[np.int32], mean: Array, mirror: NDArray[np.int32], neck_loop: NDArray[np.int32]
) -> NDArray[np.int32]:
    """Vertices along the middle of the back, from the neck's border up to the crown."""
    middle = mirror == np.arange(len(mirror))
    edges = edges_of(polygons)
    edges = edges[middle[edges].all(axis=1)]
    start = min((v for v in neck_loop if middle[v]), key=lambda v: mean[v, 2])
    crown = max(np.unique(edges), key=lambda v: mean[v, 1])
    seam = [int(start)]
    while seam[-1] != crown:
        ahead = np.unique(edges[(edges == seam[-1]).any(axis=1)])
        seam.append(int(next(v for v in ahead if v not in seam)))
    return np.array(seam, np.int32)


def lay_out_skin(
    polygons: NDArray[np.int32],
    island: NDArray[np.int32],
    mean: Array,
    mirror: NDArray[np.int32],
    neck_loop: NDArray[np.int32],
) -> Array:
    """(Q,4,2) UVs of the skin quads (Q,4). ``island`` (Q,): 0 visible skin, 1.. hidden pouches."""
    uvs = np.zeros((*polygons.shape, 2))
    visible = polygons[island == 0]
    seam = back_seam(visible, mean, mirror, neck_loop)
    left = mean[visible, 0].mean(axis=1) > 0
    cut, origin = cut_open(visible, seam[:-1], left, len(mean))
    border = max(boundary_loops(cut), key=len)
    border = np.roll(border, -int(np.flatnonzero(border == seam[-1])[0]))
    places = _square_places(mean[origin[border]], np.isin(origin[border], neck_loop))
    flat = flatten(cut, mean[origin], border, places)
    uvs[island == 0] = flat[cut]
    for number in range(1, island.max() + 1):
        uvs[island == number] = _pouch(polygons[island == number], mean, number - 1)
    return uvs


def _square_places(border: Array, on_neck: NDArray[np.bool_]) -> Array:
    """Places (B,2) of the cut's border (B,3), which starts at the crown and runs counter-clockwise.

    The seam goes along the top and down the side, the neck along the bottom, the seam up again.
    """
    travelled = np.r_[0.0, np.cumsum(np.linalg.norm(np.diff(border, axis=0, append=border[:1]), axis=1))]
    first, last = np.flatnonzero(on_neck)[[0, -1]]
    low, high, near, far = HIDDEN_STRIP + MARGIN, 1 - MARGIN, MARGIN, 1 - MARGIN
    width, side = far - near, (far - near) / 2 + high - low
    marks = [travelled[0], travelled[first], travelled[last], travelled[-1]]
    position = np.interp(travelled[:-1], marks, [0.0, side, side + width, 2 * side + width])
    ticks = np.cumsum([0, width / 2, high - low, width, high - low, width / 2])
    u = np.interp(position, ticks, [0.5, near, near, far, far, 0.5])
    v = np.interp(position, ticks, [high, high, low, low, high, high])
    return np.stack([u, v], axis=1)


def _pouch(polygons: NDArray[np.int32], mean: Array, slot: int) -> Array:
    """A hidden pouch as a disk in the bottom strip."""
    border = boundary_loops(polygons)[0]
    angle = np.linspace(0, 2 * np.pi, len(border), endpoint=False)
    radius = HIDDEN_STRIP / 2 - MARGIN
    centre = np.array([0.5 + (slot - 1) * HIDDEN_STRIP * 1.5, HIDDEN_STRIP / 2])
    places = centre + radius * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    return flatten(polygons, mean, border, places)[polygons]
