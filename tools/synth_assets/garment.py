"""The cloth that all clothes are made of: neck and bust once more, finer around the neckline."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating]

ROUND_NECK = 48
"""Directions round the neck in which collars are hung."""

COLLAR_LEVELS_MM = (-45.0, -20.0, 5.0, 35.0)
"""Drops at which the neck is sampled for collars, from high on the neck to the shoulders."""

COLLAR_BACK_MM, COLLAR_FRONT_MM = (-78.0, -122.0), (30.0, -170.0)
"""(z, y) where a shirt's collar stands on nape and throat."""
SIDE_LIFT_MM, NECK_HALF_WIDTH_MM = 25.0, 65.0

FINE_DROP_MM = 210.0
HIGHEST_DROP_MM = -95.0

X_SPAN_MM, Y_SPAN_MM = (-310.0, 310.0), (-570.0, -50.0)
"""Of the texture: the front in its left half and the back in its right half, both seen level."""


def build_garment(vertices: Array, triangles: NDArray[np.integer]) -> dict[str, NDArray]:
    """The garment over the skin of neck and bust (``triangles`` into ``vertices`` (V,3) of the mean).

    *Drop* is the distance below the line of a collar, negative up the neck.
    """
    drop = neck_drop(vertices)
    kept = triangles[drop[triangles].min(axis=1) > HIGHEST_DROP_MM]
    ends, fine = _refined(kept, drop)
    rest = vertices[ends].mean(axis=1)
    corners = rest[fine]
    normal = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    u = (rest[:, 0] - X_SPAN_MM[0]) / (X_SPAN_MM[1] - X_SPAN_MM[0])
    v = (rest[:, 1] - Y_SPAN_MM[0]) / (Y_SPAN_MM[1] - Y_SPAN_MM[0])
    behind = normal[:, 2] < 0
    uvs = np.stack([u[fine] / 2 + 0.5 * behind[:, None], v[fine]], axis=-1)
    collar_corners, collar_weights = _collar(vertices, kept, drop)
    return {
        "garment_ends": ends.astype(np.int32),
        "garment_triangles": fine.astype(np.int32),
        "garment_rest": rest.astype(np.float32),
        "garment_drop": neck_drop(rest).astype(np.float32),
        "garment_uvs": uvs.astype(np.float32),
        "collar_corners": collar_corners,
        "collar_weights": collar_weights,
    }


def neck_drop(points: Array) -> Array:
    """(...) mm below the line of a shirt's collar: a slanted plane that rides up at the sides."""
    x, y, z = np.moveaxis(points, -1, 0)
    (z_back, y_back), (z_front, y_front) = COLLAR_BACK_MM, COLLAR_FRONT_MM
    plane = y_back + (z - z_back) * (y_front - y_back) / (z_front - z_back)
    return plane - y + SIDE_LIFT_MM * (x / NECK_HALF_WIDTH_MM) ** 2


def _refined(triangles: NDArray[np.integer], drop: Array) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Ends (G,2) that each vertex lies midway between, and triangles (T,3); near the neck they are halved."""
    used = np.unique(triangles)
    place = {int(v): k for k, v in enumerate(used)}
    ends = [(int(v), int(v)) for v in used]
    halves: dict[tuple[int, int], int] = {}

    def half(a: int, b: int) -> int:
        if max(drop[a], drop[b]) > FINE_DROP_MM:
            return -1
        key = min(a, b), max(a, b)
        if key not in halves:
            halves[key] = len(ends)
            ends.append(key)
        return halves[key]

    out: list[tuple[int, int, int]] = []
    for a, b, c in triangles.tolist():
        out += _split([place[a], place[b], place[c]], [half(a, b), half(b, c), half(c, a)])
    return np.array(ends), np.array(out)


def _split(corner: list[int], middle: list[int]) -> list[tuple[int, int, int]]:
    """One triangle cut at those of its edges (k to k + 1) that have a middle."""
    cut = [k for k in range(3) if middle[k] >= 0]
    if not cut:
        return [(corner[0], corner[1], corner[2])]
    if len(cut) == 3:
        (a, b, c), (p, q, r) = corner, middle
        return [(a, p, r), (p, b, q), (r, q, c), (p, q, r)]
    first = cut[0] if len(cut) == 1 else next(k for k in cut if (k + 1) % 3 in cut)
    a, b, c = (corner[(first + k) % 3] for k in range(3))
    p = middle[first]
    if len(cut) == 1:
        return [(a, p, c), (p, b, c)]
    q = middle[(first + 1) % 3]
    return [(p, b, q), (a, p, q), (a, q, c)]


def _collar(
    vertices: Array, triangles: NDArray[np.integer], drop: Array
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """Corners and weights (levels,48,2) of points round the neck: crossings of edges with each level, the one
    nearest to each direction on either side blended."""
    edges = np.unique(
        np.sort(np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]]), axis=1),
        axis=0,
    )
    a, b = edges.T
    directions = np.linspace(-np.pi, np.pi, ROUND_NECK, endpoint=False)
    corners = np.zeros((len(COLLAR_LEVELS_MM), ROUND_NECK, 4), np.int32)
    weights = np.zeros((len(COLLAR_LEVELS_MM), ROUND_NECK, 4), np.float32)
    for row, level in enumerate(COLLAR_LEVELS_MM):
        crossed = ((drop[a] - level) * (drop[b] - level) < 0) & (vertices[edges, 1].min(axis=1) > -330.0)
        ea, eb = a[crossed], b[crossed]
        share = (level - drop[ea]) / (drop[eb] - drop[ea])
        points = vertices[ea] + share[:, None] * (vertices[eb] - vertices[ea])
        azimuth = np.arctan2(points[:, 0], points[:, 2] - points[:, 2].mean())
        order = np.argsort(azimuth)
        for column, wanted in enumerate(directions):
            after = int(np.searchsorted(azimuth[order], wanted)) % len(order)
            pair = order[after - 1], order[after]
            gaps = [abs(np.angle(np.exp(1j * (azimuth[k] - wanted)))) + 1e-4 for k in pair]
            near = [gaps[1] / sum(gaps), gaps[0] / sum(gaps)]
            corners[row, column] = [ea[pair[0]], eb[pair[0]], ea[pair[1]], eb[pair[1]]]
            weights[row, column] = [
                near[0] * (1 - share[pair[0]]),
                near[0] * share[pair[0]],
                near[1] * (1 - share[pair[1]]),
                near[1] * share[pair[1]],
            ]
    return corners, weights
