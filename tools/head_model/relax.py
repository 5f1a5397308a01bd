"""Makes a flat layout as true to the surface as it gets, without ever turning a triangle over.

Scalable Locally Injective Mappings (Rabinovich, Poranne, Panozzo, Sorkine-Hornung 2017) with the
symmetric Dirichlet energy: each step solves one sparse least-squares problem and then walks only
as far as all triangles keep their orientation.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import bmat, coo_matrix, diags, identity
from scipy.sparse.linalg import splu

Array = NDArray[np.floating]

PROXIMITY = 1e-6
"""Pull towards the current layout that keeps the linear systems regular."""

CAUTION = 0.8
"""Share of the step at which the first triangle would collapse."""


@dataclass(frozen=True)
class Rest:
    """What the triangles would like to look like."""

    triangles: NDArray[np.int64]
    """(T,3) indices into the layout."""
    gradient: Array
    """(T,3,2) weights that turn corner values into the two derivatives over the rest triangle."""
    weight: Array
    """(T,) how much each triangle's distortion counts."""


def rest_of(triangles: NDArray[np.int64], corners: Array, weight: Array) -> Rest:
    """Rest state from wished-for corner positions (T,3,2 or 3)."""
    a, b = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    length = np.linalg.norm(a, axis=1)
    along = (a * b).sum(axis=1) / length
    across = np.sqrt(np.maximum((b * b).sum(axis=1) - along**2, (1e-3 * length) ** 2))
    zero = np.zeros_like(length)
    edges = np.stack([np.stack([length, along], 1), np.stack([zero, across], 1)], 1)
    inverse = np.linalg.inv(edges)
    gradient = np.concatenate([-inverse.sum(axis=1, keepdims=True), inverse], axis=1)
    return Rest(triangles, gradient, weight * length * across / 2)


def relax(layout: Array, rest: Rest, held: NDArray[np.bool_], steps: int) -> Array:
    """(N,2) layout after some steps; coordinates with ``held`` (N,2) stay where they are."""
    free = np.flatnonzero(~held.T.ravel())
    count = len(layout)
    rows = _derivative_matrix(rest, count)
    now = layout.copy()
    for _ in range(steps):
        target = _step_target(now, rest, rows, free)
        direction = target - now
        limit = min(1.0, CAUTION * _first_collapse(now, direction, rest.triangles))
        better = _line_search(now, direction, limit, rest)
        if np.abs(better - now).max() < 1e-5:
            return better
        now = better
    return now


def energy(layout: Array, rest: Rest) -> float:
    """Symmetric Dirichlet energy; infinite if any triangle is turned over."""
    jacobian = _jacobians(layout, rest)
    determinant = np.linalg.det(jacobian)
    if determinant.min() <= 0:
        return float("inf")
    squared = (jacobian**2).sum(axis=(1, 2))
    return float((rest.weight * squared * (1 + determinant**-2)).sum())


def _jacobians(layout: Array, rest: Rest) -> Array:
    """(T,2,2) derivative of (u,v) over the two rest axes."""
    return np.einsum("tka,tkd->tad", layout[rest.triangles], rest.gradient)


def _derivative_matrix(rest: Rest, count: int) -> tuple[coo_matrix, coo_matrix]:
    """Two (T,N) matrices: derivative of a function on vertices along each rest axis."""
    index = np.repeat(np.arange(len(rest.triangles)), 3), rest.triangles.ravel()
    shape = (len(rest.triangles), count)
    first, second = (coo_matrix((rest.gradient[:, :, d].ravel(), index), shape).tocsr() for d in (0, 1))
    return first, second


def _step_target(now: Array, rest: Rest, rows: tuple, free: NDArray[np.int64]) -> Array:
    """Minimise the energy's quadratic stand-in: sum of weight * |W (J - R)|^2."""
    u, sigma, vt = np.linalg.svd(_jacobians(now, rest))
    sigma = np.maximum(sigma, 1e-9)
    rotation = u @ vt
    near_one = np.abs(sigma - 1) < 1e-5
    ratio = np.where(near_one, 4.0, (sigma - sigma**-3) / np.where(near_one, 1.0, sigma - 1))
    pull = np.einsum("tab,tb,tcb->tac", u, ratio, u) * rest.weight[:, None, None]
    count = len(now)
    (uu, uv, vv) = (sum(d.T @ diags(pull[:, a, b]) @ d for d in rows) for a, b in ((0, 0), (0, 1), (1, 1)))
    wished = pull @ rotation
    right = np.concatenate([sum(d.T @ wished[:, a, k] for k, d in enumerate(rows)) for a in (0, 1)])
    system = bmat([[uu, uv], [uv.T, vv]]).tocsr()
    scale = PROXIMITY * system.diagonal().mean()
    system = system + scale * identity(2 * count)
    flat = now.T.ravel()
    right = right + scale * flat - system @ np.where(np.isin(np.arange(2 * count), free), 0.0, flat)
    flat = flat.copy()
    flat[free] = splu(system[free][:, free].tocsc()).solve(right[free])
    return flat.reshape(2, count).T


def _first_collapse(now: Array, direction: Array, triangles: NDArray[np.int64]) -> float:
    """Smallest positive step at which some triangle's area becomes zero (a quadratic in the step)."""
    p, d = now[triangles], direction[triangles]
    e1, e2, f1, f2 = p[:, 1] - p[:, 0], p[:, 2] - p[:, 0], d[:, 1] - d[:, 0], d[:, 2] - d[:, 0]
    a, c = _cross(f1, f2), _cross(e1, e2)
    b = _cross(e1, f2) + _cross(f1, e2)
    with np.errstate(divide="ignore", invalid="ignore"):
        root = np.sqrt(b * b - 4 * a * c)
        # The stable pair of roots: no cancellation where the quadratic is nearly linear.
        q = -0.5 * (b + np.where(b >= 0, 1.0, -1.0) * root)
        roots = np.concatenate([q / a, c / q])
    roots = roots[np.isfinite(roots) & (roots > 0)]
    return float(roots.min()) if len(roots) else np.inf


def _line_search(now: Array, direction: Array, step: float, rest: Rest) -> Array:
    before = energy(now, rest)
    while step > 1e-12:
        trial = now + step * direction
        if energy(trial, rest) < before:
            return trial
        step *= 0.6
    return now


def _cross(a: Array, b: Array) -> Array:
    return a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]
