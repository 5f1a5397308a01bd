"""Lays a predicted surface onto the truth: a similarity from the face, refined by trimmed ICP."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from ..camera import Camera
from ..raster import rasterize_arrays
from .closest import ClosestSurface

Points = NDArray[np.float64]

KEPT = 0.8
"""Share of the best correspondences that count; the rest is beard, hair over the face, bad borders."""
ICP_POINTS = 3000
ICP_ROUNDS = 25
CONVERGED_MM = 1e-3
DAMPING = 1e-6
"""Holds still what a surface cannot tell, such as the rotation of a ball."""


@dataclass(frozen=True)
class Similarity:
    """``x -> scale * rotation @ x + translation``."""

    scale: float
    rotation: Points
    """(3,3), det +1."""
    translation: Points
    """(3,) mm."""

    def apply(self, points: Points) -> Points:
        """Move (...,3) points."""
        return self.scale * points @ self.rotation.T + self.translation

    def undo(self, points: Points) -> Points:
        """Inverse of :meth:`apply`."""
        return (points - self.translation) @ self.rotation / self.scale

    def after(self, first: Similarity) -> Similarity:
        """The similarity that applies ``first`` and then this one."""
        return Similarity(
            self.scale * first.scale, self.rotation @ first.rotation, self.apply(first.translation)
        )


def similarity_between(source: Points, target: Points) -> Similarity:
    """Least-squares similarity that takes (M,3) ``source`` to ``target`` (Umeyama, PAMI 1991)."""
    source_mean, target_mean = source.mean(0), target.mean(0)
    a, b = source - source_mean, target - target_mean
    u, singular, vt = np.linalg.svd(b.T @ a)
    sign = np.array([1.0, 1.0, np.sign(np.linalg.det(u) * np.linalg.det(vt))])
    rotation = u @ np.diag(sign) @ vt
    scale = float((singular * sign).sum() / (a * a).sum())
    return Similarity(scale, rotation, target_mean - scale * rotation @ source_mean)


def align_to_face(
    vertices_cam: Points,
    triangles: NDArray[np.integer],
    surface: ClosestSurface,
    truth_mm: NDArray[np.float32],
    face: NDArray[np.bool_],
    camera: Camera,
) -> Similarity | None:
    """Similarity from the predicted to the true surface, estimated on the face alone.

    First from pixel correspondences: what both surfaces show at a pixel of the true ``face`` (H,W)
    is the same point. Then by trimmed ICP from true points to the nearest predicted ones, in its
    point-to-plane form (Chen and Medioni, 1992), which slides along a smooth surface without delay.

    Args:
        vertices_cam: (N,3) predicted, mm, camera space of the data set.
        triangles: (T,3).
        surface: the same mesh, ready for queries.
        truth_mm: (H,W) true depth, NaN where nothing was hit.
        face: (H,W) the true face region.
        camera: the data set's.

    Returns:
        None where prediction and face do not meet in the picture.
    """
    seen = rasterize_arrays(vertices_cam, triangles, camera).depth
    rows, columns = np.nonzero(face & np.isfinite(truth_mm) & np.isfinite(seen))
    if len(rows) < 3:
        return None
    pixels = np.column_stack([columns, rows]).astype(np.float64)
    truth = camera.unproject(pixels, truth_mm[rows, columns].astype(np.float64))
    predicted = camera.unproject(pixels, seen[rows, columns].astype(np.float64))
    similarity = similarity_between(predicted, truth)
    for _ in range(3):
        similarity = _trimmed(predicted, truth, similarity)
    rows, columns = np.nonzero(face & np.isfinite(truth_mm))
    chosen = np.random.default_rng(0).permutation(len(rows))[:ICP_POINTS]
    pixels = np.column_stack([columns, rows])[chosen].astype(np.float64)
    truth = camera.unproject(pixels, truth_mm[rows, columns][chosen].astype(np.float64))
    return _iterated_closest_points(truth, surface, similarity)


def _iterated_closest_points(truth: Points, surface: ClosestSurface, similarity: Similarity) -> Similarity:
    for _ in range(ICP_ROUNDS):
        nearest = surface.nearest(similarity.undo(truth))
        kept = nearest.distance <= np.quantile(nearest.distance, KEPT)
        source = similarity.apply(nearest.points[kept])
        normals = surface.normals(nearest.triangle[kept]) @ similarity.rotation.T
        step = _step_to_planes(source, normals, truth[kept])
        similarity = step.after(similarity)
        if np.abs(step.apply(source) - source).max() < CONVERGED_MM:
            break
    return similarity


def _step_to_planes(source: Points, normals: Points, target: Points) -> Similarity:
    """Small similarity that brings planes at (M,3) ``source`` to the ``target`` points."""
    centre = source.mean(0)
    arm = source - centre
    size = float(np.sqrt((arm**2).sum(1).mean()))
    unit = arm / size
    # n . (x + w x u + s u + t - p) = 0, linear in the turn w, the growth s and the shift t.
    system = np.column_stack([np.cross(unit, normals), (unit * normals).sum(1), normals])
    residual = ((target - source) * normals).sum(1)
    left = system.T @ system
    left += DAMPING * np.trace(left) * np.eye(7)
    solution = np.linalg.solve(left, system.T @ residual)
    rotation = Rotation.from_rotvec(solution[:3] / size).as_matrix()
    scale = float(np.exp(solution[3] / size))
    return Similarity(scale, rotation, solution[4:] + centre - scale * rotation @ centre)


def _trimmed(source: Points, target: Points, similarity: Similarity) -> Similarity:
    """Estimate anew from the pairs that fit best so far."""
    apart = np.linalg.norm(similarity.apply(source) - target, axis=1)
    kept = apart <= np.quantile(apart, KEPT)
    return similarity_between(source[kept], target[kept])
