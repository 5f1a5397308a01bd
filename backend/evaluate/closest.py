"""The nearest point of a triangle mesh, exactly."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

Points = NDArray[np.float64]

FIRST_NEIGHBOURS = 4
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

    The nearest corner is a first answer. A triangle lies in the ball around its centroid with the radius of
    its farthest corner: only those whose ball reaches closer than the answer so far are looked at, from near
    to far, until no unvisited ball can. Triangles are sorted into groups of similar radius, so that few large
    ones do not spoil that bound.
    """

    def __init__(self, vertices: Points, triangles: NDArray[np.integer]) -> None:
        """``vertices`` (N,3) and ``triangles`` (T,3), at least one."""
        vertices = np.asarray(vertices, np.float64)
        self._corners = vertices[triangles]
        used, first = np.unique(triangles, return_index=True)
        self._vertices, self._triangle_at = cKDTree(vertices[used]), first // 3
        centroids = self._corners.mean(1)
        self._radius = np.linalg.norm(self._corners - centroids[:, None], axis=2).max(1)
        group = np.round(np.log2(np.maximum(self._radius, 1e-9))).astype(int)
        self._groups = [
            (mine, cKDTree(centroids[mine]), float(self._radius[mine].max()))
            for mine in (np.flatnonzero(group == value) for value in np.unique(group))
        ]

    def nearest(self, points: Points) -> Nearest:
        """The nearest surface points of ``points`` (M,3)."""
        distance, vertex = self._vertices.query(points)
        best = Nearest(self._vertices.data[vertex].copy(), distance, self._triangle_at[vertex])
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
        seen, count = 0, FIRST_NEIGHBOURS
        while len(open_points):
            count = min(count, len(triangles))
            unfinished = []
            for mine in np.array_split(open_points, len(open_points) * count // PAIRS_PER_PASS + 1):
                reach, index = tree.query(points[mine], k=np.arange(seen + 1, count + 1))
                self._improve(points, mine, reach, triangles[index], best)
                unfinished.append(mine[reach[:, -1] - radius < best.distance[mine]])
            if count == len(triangles):
                return
            open_points = np.concatenate(unfinished)
            seen, count = count, count * 4

    def _improve(
        self,
        points: Points,
        mine: NDArray[np.int64],
        reach: Points,
        triangles: NDArray[np.int64],
        best: Nearest,
    ) -> None:
        """Look at candidate ``triangles`` (m,k), centroids ``reach`` (m,k) away from points ``mine`` (m,)."""
        row, column = np.nonzero(reach - self._radius[triangles] < best.distance[mine, None])
        if not len(row):
            return
        triangle, point = triangles[row, column], points[mine[row]]
        found = closest_on_triangles(point, self._corners[triangle])
        apart = np.linalg.norm(found - point, axis=1)
        # The nearest of each row: the first after a sort by row and distance.
        order = np.lexsort((apart, row))
        first = order[np.r_[True, np.diff(row[order]) > 0]]
        first = first[apart[first] < best.distance[mine[row[first]]]]
        improved = mine[row[first]]
        best.distance[improved] = apart[first]
        best.points[improved] = found[first]
        best.triangle[improved] = triangle[first]


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
