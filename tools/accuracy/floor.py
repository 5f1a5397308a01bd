"""How near the shipped head can come at all: fitted to the true surface itself, without a photo.

What remains is what its components cannot show. No predictor that answers with them goes below.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from backend.evaluate import CameraMesh, EvaluationItem
from backend.evaluate.closest import ClosestSurface
from backend.frames import angles_from_rotation, rotation_from_angles
from backend.morphable import MorphableModel, load_head_model
from backend.raster import triangulate

Array = NDArray[np.float64]

FACE = 1
POINTS, ROUNDS = 1500, 12
KEPT = 0.97
"""Share of the best pairs that count: borders of the region have no partner."""
SPREAD_MM = 0.5
INDEPENDENT = 300
"""So many of the points count as independent; neighbours err together."""
EXPRESSION_SPREAD = 0.25


@dataclass(frozen=True)
class _State:
    rotation: Array
    scale: float
    translation: Array
    weights: Array
    """(K+E,) identity, then expression."""

    def place(self, points: Array) -> Array:
        return self.scale * points @ self.rotation.T + self.translation


class DirectFit:
    """Similarity, identity and expression that lay a head onto the true face, by iterated closest points.

    ``prior`` is the weight of the identity's standard normal prior: 1 for faces as they are usual, near 0 for
    whatever the components can do.
    """

    def __init__(self, prior: float, model: MorphableModel | None = None) -> None:
        self._model = model or load_head_model()
        self._prior = prior
        names = [name for name in ("skin", "eye_left", "eye_right") if name in self._model.part_names]
        polygons = self._model.polygons[np.any([self._model.part(name) for name in names], axis=0)]
        triangles = triangulate(polygons).vertices
        hidden = [
            name for name in ("mouth_inside", "socket_left", "socket_right") if name in self._model.regions
        ]
        inside = np.any([self._model.regions[name] for name in hidden], axis=0)
        self._triangles = triangles[~inside[triangles].any(axis=1)]
        self._basis = np.concatenate([self._model.identity, self._model.expression])
        self._last: tuple[EvaluationItem, _State] | None = None

    def mesh(self, item: EvaluationItem) -> CameraMesh:
        """The head laid onto the truth of ``item``, which must have camera, depth, regions and pose."""
        state = self._solved(item)
        return CameraMesh(state.place(self._shape(state)), self._triangles)

    def pose_deg(self, item: EvaluationItem) -> Mapping[str, float]:
        """Angles of that head: how far two models disagree about where zero is."""
        angles = angles_from_rotation(self._solved(item).rotation)
        return dict(zip(("yaw", "pitch", "roll"), angles, strict=True))

    def _solved(self, item: EvaluationItem) -> _State:
        if self._last is None or self._last[0] != item:
            self._last = item, self._fit(item)
        return self._last[1]

    def _shape(self, state: _State) -> Array:
        moved = np.tensordot(state.weights.astype(np.float32), self._basis, 1)
        return (self._model.mean + moved).astype(np.float64)

    def _fit(self, item: EvaluationItem) -> _State:
        truth = _true_face(item)
        assert item.pose_deg is not None
        rotation = rotation_from_angles(*(item.pose_deg[name] for name in ("yaw", "pitch", "roll")))
        face = self._model.mean[self._model.regions["face"]].astype(np.float64)
        front = face[face[:, 2] > np.median(face[:, 2])]
        state = _State(rotation, 1.0, truth.mean(0) - rotation @ front.mean(0), np.zeros(len(self._basis)))
        for number in range(ROUNDS):
            state = self._step(state, truth, rigid=number < ROUNDS // 4)
        return state

    def _step(self, state: _State, truth: Array, *, rigid: bool) -> _State:
        """One Gauss-Newton step on the distances to tangent planes (Chen and Medioni 1992)."""
        vertices = state.place(self._shape(state))
        surface = ClosestSurface(vertices, self._triangles)
        nearest = surface.nearest(truth)
        kept = nearest.distance <= np.quantile(nearest.distance, KEPT)
        triangle, points, target = nearest.triangle[kept], nearest.points[kept], truth[kept]
        normals = surface.normals(triangle)
        weights = _barycentric(points, vertices[self._triangles[triangle]])
        arm = points - state.translation
        system = [np.cross(arm, normals), (arm * normals).sum(1)[:, None], normals]
        if not rigid:
            inward = (normals @ state.rotation * state.scale).astype(np.float32)
            corners = self._basis[:, self._triangles[triangle]]
            system.append(
                np.einsum("kmvc,mv,mc->mk", corners, weights.astype(np.float32), inward, optimize=True)
            )
        rows = np.concatenate(system, axis=1)
        residual = ((target - points) * normals).sum(1)
        return self._moved(state, rows, residual)

    def _moved(self, state: _State, rows: Array, residual: Array) -> _State:
        share = INDEPENDENT / len(rows) / SPREAD_MM**2
        normal, right = share * rows.T @ rows, share * rows.T @ residual
        normal += 1e-9 * np.trace(normal) * np.eye(len(normal)) / len(normal)
        k = len(self._model.identity)
        if len(normal) > 7:
            prior = np.full(len(state.weights), 1 / EXPRESSION_SPREAD**2)
            prior[:k] = self._prior
            normal[7:, 7:] += np.diag(prior)
            right[7:] -= prior * state.weights
        step = np.linalg.solve(normal, right)
        weights = state.weights.copy()
        weights[: len(step) - 7] += step[7:]
        low, high = self._model.expression_bounds
        weights[k:] = weights[k:].clip(low, high)
        return replace(
            state,
            rotation=Rotation.from_rotvec(step[:3]).as_matrix() @ state.rotation,
            scale=state.scale * float(np.exp(step[3])),
            translation=state.translation + step[4:7],
            weights=weights,
        )


def _true_face(item: EvaluationItem) -> Array:
    """(POINTS,3) points of the true face, mm, camera space."""
    assert item.camera is not None
    depth = item.load_depth()
    rows, columns = np.nonzero((item.load_regions() == FACE) & np.isfinite(depth))
    chosen = np.random.default_rng(0).permutation(len(rows))[:POINTS]
    pixels = np.column_stack([columns, rows])[chosen].astype(np.float64)
    return item.camera.unproject(pixels, depth[rows, columns][chosen].astype(np.float64))


def _barycentric(points: Array, corners: Array) -> Array:
    """(M,3) weights of points (M,3) that lie on triangles (M,3,3)."""
    a, b, c = corners.transpose(1, 0, 2)
    ab, ac, ap = b - a, c - a, points - a
    d00, d01, d11 = (ab * ab).sum(1), (ab * ac).sum(1), (ac * ac).sum(1)
    d20, d21 = (ap * ab).sum(1), (ap * ac).sum(1)
    area = d00 * d11 - d01 * d01
    area = np.where(area > 0, area, 1.0)
    v, w = (d11 * d20 - d01 * d21) / area, (d00 * d21 - d01 * d20) / area
    return np.stack([1 - v - w, v, w], axis=1)
