"""Casts rays from inside the mean head: which point of the surface lies in which direction."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating]

ROWS, COLUMNS = 49, 97
"""Lat-long grid: 3.75 degrees, about 7 mm on the skin. The last column repeats the first."""

CENTRE_MM = (0.0, 25.0, 5.0)
"""Middle of the skull: the whole head is visible from here but for folds of the ears."""


def sphere_directions() -> Array:
    """(ROWS,COLUMNS,3) unit vectors, south to north, azimuth -180 to 180 degrees from straight ahead."""
    latitude = np.linspace(-np.pi / 2, np.pi / 2, ROWS)[:, None]
    azimuth = np.linspace(-np.pi, np.pi, COLUMNS)[None]
    around = np.cos(latitude)
    up = np.broadcast_to(np.sin(latitude), (ROWS, COLUMNS))
    return np.stack([around * np.sin(azimuth), up, around * np.cos(azimuth)], axis=-1)


def cast(
    origins: Array, directions: Array, vertices: Array, triangles: NDArray[np.integer]
) -> tuple[NDArray[np.int64], Array, Array]:
    """Farthest hit of each of R rays: triangle (R,) (-1 for none), weights (R,3), distance (R,).

    Moeller and Trumbore 1997, every ray against every triangle.
    """
    a, b, c = (vertices[triangles[:, k]] for k in range(3))
    e1, e2 = b - a, c - a
    count = len(directions)
    best, distance, weights = np.full(count, -1), np.full(count, -np.inf), np.zeros((count, 3))
    for r in range(count):
        p = np.cross(directions[r], e2)
        determinant = np.einsum("td,td->t", e1, p)
        safe = np.where(np.abs(determinant) > 1e-12, determinant, np.inf)
        s = origins[r] - a
        u = np.einsum("td,td->t", s, p) / safe
        q = np.cross(s, e1)
        v = (q @ directions[r]) / safe
        t = np.einsum("td,td->t", e2, q) / safe
        hit = (u >= -1e-7) & (v >= -1e-7) & (u + v <= 1 + 1e-7) & (t > 0) & np.isfinite(safe)
        if hit.any():
            k = int(np.where(hit, t, -np.inf).argmax())
            best[r], distance[r] = k, t[k]
            weights[r] = 1 - u[k] - v[k], u[k], v[k]
    return best, weights, distance


def closed_skull(triangles: NDArray[np.integer], neck: NDArray[np.bool_]) -> NDArray[np.int64]:
    """The skin's triangles (T,3) without those of the neck (N,), the hole fanned shut.

    Without the lid, rays that leave through the neck would fill the air between jaw and shoulder.
    """
    kept = triangles[~neck[triangles].any(axis=1)]
    directed = np.concatenate([kept[:, [0, 1]], kept[:, [1, 2]], kept[:, [2, 0]]])
    known = {(int(a), int(b)) for a, b in directed}
    following = {a: b for a, b in known if (b, a) not in known}
    loops = []
    while following:
        start, here = following.popitem()
        loop = [start]
        while here != start:
            loop.append(here)
            here = following.pop(here)
        loops.append(loop)
    loop = max(loops, key=len)
    lid = [(loop[0], loop[k + 1], loop[k]) for k in range(1, len(loop) - 1)]
    return np.concatenate([kept, np.array(lid, np.int64)])
