"""The nearest point of a triangle mesh, exactly."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

Points = NDArray[np.float64]

FIRST_NEIGHBOURS = 8
PAIRS_PER_PASS = 1 << 20
"""Bound on point-triangle pairs held at once (about 200 bytes each)."""


@dataclass(frozen=True)
class Nearest:
    """The nearest surface points of M points."""

    points: Points
    """(M,3)."""
    distance: Points
    """(M,)."""
    triangle: NDArray[np.int64]
    """(M,) the triangle that each lies on."""


class ClosestSurface:
    """Answers which point of a mesh is nearest; triangles of any size, no approximation.

    A triangle lies in the ball around its centroid with the radius of its farthest corner. Centroids
    are visited from near to far until no unvisited ball can reach closer than what was found. Triangles
    are sorted into groups of similar radius, so that few large ones do not spoil that bound.
    """

    def __init__(self, vertices: Points, triangles: NDArray[np.integer]) -> None:
        """``vertices`` (N,3) and ``triangles`` (T,3), at least one."""
        self._corners = np.asarray(vertices, np.float64)[triangles]
        centroids = self._corners.mean(1)
        radius = np.linalg.norm(self._corners - centroids[:, None], axis=2).max(1)
        group = np.round(np.log2(np.maximum(radius, 1e-9))).astype(int)
        self._groups = [
            (mine, cKDTree(centroids[mine]), float(radius[mine].max()))
            for mine in (np.flatnonzero(group == value) for value in np.unique(group))
        ]

    def nearest(self, points: Points) -> Nearest:
        """The nearest surface points of ``points`` (M,3)."""
        best = Nearest(
            np.zeros((len(points), 3)), np.full(len(points), np.inf), np.zeros(len(points), np.int64)
        )
        for triangles, tree, radius in self._groups:
            self._search(points, triangles, tree, radius, best)
        return best

    def normals(self, triangle: NDArray[np.int64]) -> Points:
        """Unit normals (M,3) of triangles, 0 for those without area."""
        a, b, c = self._corners[triangle].transpose(1, 0, 2)
        normal = np.cross(b - a, c - a)
        length = np.linalg.norm(normal, axis=1, keepdims=True)
        return normal / np.where(length > 0, length, 1)

    def _search(
        self, points: Points, triangles: NDArray[np.int64], tree: cKDTree, radius: float, best: Nearest
    ) -> None:
        """Improve ``best`` in place by one group of triangles."""
        open_points = np.arange(len(points))
        count = FIRST_NEIGHBOURS
        while len(open_points):
            count = min(count, len(triangles))
            unfinished = []
            for mine in np.array_split(open_points, len(open_points) * count // PAIRS_PER_PASS + 1):
                reach, index = tree.query(points[mine], k=np.arange(1, count + 1))
                candidates = closest_on_triangles(points[mine][:, None], self._corners[triangles[index]])
                apart = np.linalg.norm(candidates - points[mine][:, None], axis=2)
                rows, pick = np.arange(len(mine)), apart.argmin(1)
                closer = apart[rows, pick] < best.distance[mine]
                rows, pick, improved = rows[closer], pick[closer], mine[closer]
                best.distance[improved] = apart[rows, pick]
                best.points[improved] = candidates[rows, pick]
                best.triangle[improved] = triangles[index[rows, pick]]
                unfinished.append(mine[reach[:, -1] - radius < best.distance[mine]])
            if count == len(triangles):
                return
            open_points = np.concatenate(unfinished)
            count *= 4


def closest_on_triangles(points: Points, corners: Points) -> Points:
    """Nearest points (...,3) of triangles (...,3,3) to ``points`` (...,3), broadcast together.

    Seven regions of a triangle: its inside, three edges, three corners (Ericson, Real-Time Collision
    Detection, 2005, section 5.1.5). Here the nearest of the three edges stands for the last six.
    """
    a, b, c = corners[..., 0, :], corners[..., 1, :], corners[..., 2, :]
    ab, ac, ap = b - a, c - a, points - a
    d00, d01, d11 = (ab * ab).sum(-1), (ab * ac).sum(-1), (ac * ac).sum(-1)
    d20, d21 = (ap * ab).sum(-1), (ap * ac).sum(-1)
    scale = d00 * d11 - d01 * d01
    safe = np.where(scale > 0, scale, 1.0)
    v, w = (d11 * d20 - d01 * d21) / safe, (d00 * d21 - d01 * d20) / safe
    inside = (scale > 0) & (v >= 0) & (w >= 0) & (v + w <= 1)
    result = a + v[..., None] * ab + w[..., None] * ac
    shortest = np.where(inside, -1.0, np.inf)
    for start, end in ((a, b), (b, c), (c, a)):
        on_edge = _closest_on_segment(points, start, end)
        squared = ((points - on_edge) ** 2).sum(-1)
        better = squared < shortest
        result = np.where(better[..., None], on_edge, result)
        shortest = np.where(better, squared, shortest)
    return result


def _closest_on_segment(points: Points, start: Points, end: Points) -> Points:
    along = end - start
    length = (along * along).sum(-1)
    share = ((points - start) * along).sum(-1) / np.where(length > 0, length, 1.0)
    return start + share.clip(0, 1)[..., None] * along
