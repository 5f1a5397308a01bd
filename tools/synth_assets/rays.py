"""Casts rays from inside the mean head: which point of the surface lies in which direction."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from train.synth.collision import (
    AZIMUTHS,
    CHEST_X_MM,
    CHEST_Y_MM,
    CHEST_Z_MM,
    NECK_AXIS_Z_MM,
    NECK_Y_MM,
    SKULL_MM,
    sphere_directions,
)

Array = NDArray[np.floating]

REACH_MM = {"skull": np.inf, "neck": 105.0, "front": np.inf, "back": np.inf, "top": np.inf}
"""Farthest hit that counts: beyond the trapezius the shoulder is the chest's own affair."""


def skull_grid() -> tuple[Array, Array]:
    """From the middle of the skull in all directions."""
    directions = sphere_directions().numpy().astype(np.float64)
    return np.broadcast_to(SKULL_MM, directions.shape), directions


def neck_grid() -> tuple[Array, Array]:
    """Level rays from the neck's axis; rows from below upwards."""
    azimuth = np.linspace(-np.pi, np.pi, AZIMUTHS)
    flat = np.stack([np.sin(azimuth), np.zeros(AZIMUTHS), np.cos(azimuth)], axis=1)
    heights = np.linspace(*NECK_Y_MM)
    origins = np.stack([np.zeros(len(heights)), heights, np.full(len(heights), NECK_AXIS_Z_MM)], axis=1)
    shape = (len(heights), AZIMUTHS, 3)
    return np.broadcast_to(origins[:, None], shape), np.broadcast_to(flat, shape)


def _plane(u: tuple, v: tuple, place: list[str], start: float, direction: tuple) -> tuple[Array, Array]:
    rows, columns = np.linspace(*v), np.linspace(*u)
    grid = {"u": np.broadcast_to(columns, (len(rows), len(columns)))}
    grid["v"] = np.broadcast_to(rows[:, None], grid["u"].shape)
    grid["0"] = np.full(grid["u"].shape, start)
    origins = np.stack([grid[axis] for axis in place], axis=-1)
    return origins, np.broadcast_to(np.array(direction, np.float64), origins.shape)


GRIDS = {
    "skull": skull_grid,
    "neck": neck_grid,
    "front": lambda: _plane(CHEST_X_MM, CHEST_Y_MM, ["u", "v", "0"], -500.0, (0, 0, 1)),
    "back": lambda: _plane(CHEST_X_MM, CHEST_Y_MM, ["u", "v", "0"], 500.0, (0, 0, -1)),
    "top": lambda: _plane(CHEST_X_MM, CHEST_Z_MM, ["u", "0", "v"], -900.0, (0, 1, 0)),
}
"""Origins and directions (R,C,3) of every table's rays."""


def cast(
    origins: Array,
    directions: Array,
    vertices: Array,
    triangles: NDArray[np.integer],
    reach: float = np.inf,
) -> tuple[NDArray[np.int64], Array, Array]:
    """Farthest hit within ``reach`` of each of R rays: triangle (R,) or -1, weights (R,3), distance (R,).

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
        hit = (u >= -1e-7) & (v >= -1e-7) & (u + v <= 1 + 1e-7) & (t > 0) & (t < reach) & np.isfinite(safe)
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
