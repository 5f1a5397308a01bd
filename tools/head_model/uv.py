"""Lays the head out flat: one island for the visible skin, small ones for what is hidden."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.linalg import spsolve

from .relax import Rest, relax, rest_of
from .source import BaseMesh
from .topology import PART_NAMES, Topology, boundary_loops, edges_of

Array = NDArray[np.floating]

MARGIN = 0.008
"""Gap between islands and to the border: 16 texels of a 2048 image."""

HIDDEN_STRIP = 0.075
"""Height of the strip at the bottom that holds mouth cavity and eye sockets."""

DENSITY = {"face": 1.6, "ear_left": 1.15, "ear_right": 1.15, "scalp": 0.7, "neck": 0.6}
"""Wished-for texels per mm, relative to each other."""

STIFFNESS = {"face": 3.0, "ear_left": 1.0, "ear_right": 1.0, "scalp": 0.3, "neck": 0.3}
"""How much distortion counts: the face stays true, scalp and neck stretch to fill the square."""

SMOOTHING_ROUNDS = 25
"""Averaging steps over the quads that let densities change gradually."""

HOLE_STIFFNESS = 0.05
RELAX_STEPS = 40

FRONT_DEG = 112.0
"""An eyeball's polygons up to this angle from the gaze lie in its front disk, the others in the back disk."""


def lay_out(
    base: BaseMesh,
    topology: Topology,
    mean: Array,
    mirror: NDArray[np.int32],
    islands: NDArray[np.int32],
    regions: dict[str, NDArray[np.bool_]],
) -> Array:
    """(Q,4,2) UVs of all parts; ``islands`` (Qskin,) as :func:`regions.skin_islands` gives them."""
    uvs = np.zeros((*topology.polygons.shape, 2))
    skin = topology.part == 0
    quads, mean = topology.polygons[skin], mean.astype(np.float64)
    opened = open_skin(quads[islands == 0], mean, mirror, topology.neck_loop)
    uvs[np.flatnonzero(skin)[islands == 0]] = lay_out_skin(opened, mean, mirror, regions)
    for slot in range(1, islands.max() + 1):
        uvs[np.flatnonzero(skin)[islands == slot]] = _pouch(quads[islands == slot], mean, slot)
    for name, left in (("eye_left", 0.0), ("eye_right", 0.5)):
        part = topology.part == PART_NAMES.index(name)
        uvs[part] = lay_out_eye(topology.polygons[part], mean, left)
    for name, box in (
        ("teeth", (0.0, 0.0, 1.0, 0.5)),
        ("tongue", (0.25, 0.5, 0.75, 1.0)),
        ("lashes", (0.0, 0.0, 1.0, 1.0)),
    ):
        part = topology.part == PART_NAMES.index(name)
        uvs[part] = _into_box(base.uvs[topology.source_polygon[part]], box)
    return uvs


def lay_out_eye(polygons: NDArray[np.int32], mean: Array, left: float) -> Array:
    """(Q,4,2) an eyeball as two disks in its half of the square: above, the side that is seen, with the
    iris in its middle and the angle from the gaze as radius; below, the back.
    """
    used = np.unique(polygons)
    direction = mean - (mean[used].min(axis=0) + mean[used].max(axis=0)) / 2
    direction = direction / np.maximum(np.linalg.norm(direction, axis=1, keepdims=True), 1e-9)
    angle = np.rad2deg(np.arccos(np.clip(direction[:, 2], -1, 1)))
    around = direction[:, :2] / np.maximum(np.linalg.norm(direction[:, :2], axis=1, keepdims=True), 1e-9)
    reach = np.array([angle[polygons].min(axis=1), angle[polygons].max(axis=1)])
    front = angle[polygons].mean(axis=1) < FRONT_DEG
    uvs = np.empty((*polygons.shape, 2))
    for side, height, size, sign, pole in ((front, 0.72, 0.25, 1, 0.0), (~front, 0.2, 0.2, -1, 180.0)):
        widest = np.abs(reach[:, side] - pole).max()
        radius = (size - MARGIN) * np.abs(angle - pole) / widest
        disk = np.array([left + 0.25, height]) + radius[:, None] * around * [sign, 1]
        uvs[side] = disk[polygons[side]]
    return uvs


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


@dataclass(frozen=True)
class OpenSkin:
    """The visible skin, cut along the back and so a disk with three holes."""

    polygons: NDArray[np.int32]
    """(Q,4) quads in its own vertex numbers."""
    origin: NDArray[np.int32]
    """(M,) the head's vertex behind each."""
    border: NDArray[np.int32]
    """(B,) the outer border from the crown on, counter-clockwise."""
    on_neck: NDArray[np.bool_]
    """(B,) which of it lie on the neck's cut."""
    holes: tuple[NDArray[np.int32], ...]
    """Borders of mouth and eyes, clockwise, from their leftmost vertex (the subject's left) on."""


def open_skin(
    polygons: NDArray[np.int32], mean: Array, mirror: NDArray[np.int32], neck_loop: NDArray[np.int32]
) -> OpenSkin:
    """Cut the visible skin along the middle of the back, from the neck up to the crown."""
    seam = back_seam(polygons, mean, mirror, neck_loop)
    copies = np.arange(len(mean), dtype=np.int32)
    copies[seam[:-1]] = len(mean) + np.arange(len(seam) - 1)
    left = mean[polygons, 0].mean(axis=1) > 0
    cut = np.where(left[:, None], copies[polygons], polygons)
    used = np.unique(cut)
    quads = np.searchsorted(used, cut).astype(np.int32)
    origin = np.concatenate([np.arange(len(mean)), seam[:-1]])[used].astype(np.int32)
    border, *holes = boundary_loops(quads)
    border = np.roll(border, -int(np.flatnonzero(origin[border] == seam[-1])[0]))
    holes = tuple(np.roll(hole, -int(mean[origin[hole], 0].argmax())) for hole in holes)
    return OpenSkin(quads, origin, border, np.isin(origin[border], neck_loop), holes)


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
    skin: OpenSkin, mean: Array, mirror: NDArray[np.int32], regions: dict[str, NDArray[np.bool_]]
) -> Array:
    """(Q,4,2) the visible skin fills the square above the strip: Tutte's map, then relaxed.

    The border may slide along the sides of the square, and only there.
    """
    surface = mean[skin.origin]
    places, held_border = _square_places(surface[skin.border], skin.on_neck)
    start = flatten(skin.polygons, surface, skin.border, places)
    centres = np.array([start[hole].mean(axis=0) for hole in skin.holes])
    start = np.concatenate([start, centres])
    held = np.zeros(start.shape, np.bool_)
    held[skin.border] = held_border
    flat = relax(start, _wishes(skin, surface, regions), held, RELAX_STEPS)[: len(surface)]
    flat = _evened(flat, skin, mirror)
    return flat[skin.polygons]


def _wishes(skin: OpenSkin, surface: Array, regions: dict[str, NDArray[np.bool_]]) -> Rest:
    """Every quad, cut along both diagonals, as large as its region's density asks; holes stay open."""
    density = _smoothed(_by_region(DENSITY, regions)[skin.origin], skin.polygons)
    stiffness = _by_region(STIFFNESS, regions)[skin.origin]
    triangles = np.concatenate([skin.polygons[:, k] for k in ([0, 1, 2], [0, 2, 3], [1, 2, 3], [1, 3, 0])])
    corners = surface[triangles] * density[triangles].mean(axis=1)[:, None, None]
    weights = stiffness[triangles].mean(axis=1) / 2
    area = (
        np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1).sum()
        / 4
    )
    fans = [_hole_fan(hole, surface, len(surface) + k) for k, hole in enumerate(skin.holes)]
    triangles = np.concatenate([triangles, *(fan[0] for fan in fans)])
    corners = np.concatenate([corners, *(fan[1] for fan in fans)])
    weights = np.concatenate([weights, *(np.full(len(fan[0]), HOLE_STIFFNESS) for fan in fans)])
    room = (1 - 2 * MARGIN) * (1 - 2 * MARGIN - HIDDEN_STRIP)
    return rest_of(triangles, corners * np.sqrt(room / area), weights)


def _hole_fan(hole: NDArray[np.int32], surface: Array, hub: int) -> tuple[NDArray[np.int64], Array]:
    """Triangles over a hole, wishing for an ellipse: lids and lips must not be laid over each other."""
    rim = surface[hole]
    width, height = np.ptp(rim[:, 0]) / 2, max(4.0, np.ptp(rim[:, 1]) / 2)
    angle = -np.linspace(0, 2 * np.pi, len(hole), endpoint=False)
    ellipse = DENSITY["face"] * np.stack([width * np.cos(angle), height * np.sin(angle), 0 * angle], axis=1)
    following = np.roll(np.arange(len(hole)), -1)
    triangles = np.stack([hole[following], hole, np.full(len(hole), hub)], axis=1)
    return triangles, np.stack([ellipse[following], ellipse, np.zeros_like(ellipse)], axis=1)


def _by_region(table: dict[str, float], regions: dict[str, NDArray[np.bool_]]) -> Array:
    values = np.ones(len(next(iter(regions.values()))))
    for name, value in table.items():
        values[regions[name]] = value
    return values


def _smoothed(values: Array, polygons: NDArray[np.int32]) -> Array:
    for _ in range(SMOOTHING_ROUNDS):
        total, count = np.zeros_like(values), np.zeros_like(values)
        np.add.at(total, polygons, values[polygons].mean(axis=1, keepdims=True))
        np.add.at(count, polygons, 1.0)
        values = total / count
    return values


def _evened(flat: Array, skin: OpenSkin, mirror: NDArray[np.int32]) -> Array:
    """Make the layout symmetric about u = 1/2 to the last digit."""
    key = {
        (int(v), s): k for k, (v, s) in enumerate(zip(skin.origin, _side_of_copy(flat, skin), strict=True))
    }
    twin = np.array([key[int(mirror[v]), -s] for v, s in key])
    return (flat + [1.0, 0.0] + flat[twin] * [-1.0, 1.0]) / 2


def _side_of_copy(flat: Array, skin: OpenSkin) -> NDArray[np.int64]:
    """(M,) -1 or 1 for the two copies of a vertex of the seam, 0 for all others."""
    vertex, count = np.unique(skin.origin, return_counts=True)
    doubled = np.isin(skin.origin, vertex[count > 1])
    return np.where(doubled, np.sign(flat[:, 0] - 0.5).astype(int), 0)


def _square_places(border: Array, on_neck: NDArray[np.bool_]) -> tuple[Array, NDArray[np.bool_]]:
    """Places (B,2) of the border (B,3) from the crown on, and which coordinates (B,2) are held there.

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
    places = np.stack([u, v], axis=1)
    for corner in ((near, high), (far, high)):
        places[np.linalg.norm(places - corner, axis=1).argmin()] = corner
    held = (
        np.isclose(places[:, :1], [[near, far]]).any(axis=1),
        np.isclose(places[:, 1:], [[low, high]]).any(axis=1),
    )
    held = np.stack(held, axis=1)
    held[0] = True
    return places, held


def _pouch(polygons: NDArray[np.int32], mean: Array, slot: int) -> Array:
    """A hidden pouch as a disk in the bottom strip: the mouth in the middle, a socket on either side."""
    border = boundary_loops(polygons)[0]
    border = np.roll(border, -int(mean[border, 0].argmax()))
    angle = np.linspace(0, 2 * np.pi, len(border), endpoint=False)
    radius = HIDDEN_STRIP / 2 - MARGIN / 2
    across = {1: 0.0, 2: 1.5, 3: -1.5}[slot]
    centre = np.array([0.5 + across * HIDDEN_STRIP, HIDDEN_STRIP / 2])
    places = centre + radius * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    return flatten(polygons, mean, border, places)[polygons]
