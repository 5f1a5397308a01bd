"""Fit the morphable head to one photo's landmarks: pose, identity, expression, focal length.

A damped Gauss-Newton solver minimises the robust reprojection error of the 478 landmarks under
Gaussian priors on the coefficients (eq. 1 of Deep 3D Portrait, 2020, gives the shape model;
Levenberg 1944 the damping; Geman and McClure 1987 the robust weight). The few tenths of a
millimetre per landmark that the linear model cannot explain are spread over the mesh as a smooth
residual (Sorkine 2004), so that lips and lids lie where the photo shows them.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np
import scipy.sparse as sp
import scipy.sparse.linalg as spl
from numpy.typing import NDArray

from .camera import Camera
from .frames import HEAD_TO_CAMERA_AXES, Pose
from .head_parse import FACE_OVAL
from .landmarks import IRIS_BEGINS, DetectedFace
from .morphable import MEDIAPIPE_POINTS, MorphableModel
from .photo import Photo

Array = NDArray[np.float64]

IRIS_LANDMARKS = slice(IRIS_BEGINS, MEDIAPIPE_POINTS)
"""MediaPipe's iris points: they follow the gaze, so they take no part in the fit of the head."""
LIDS_AND_LIPS = (
    33, 7, 163, 144, 145, 153, 154, 155, 133, 173, 157, 158, 159, 160, 161, 246,
    263, 249, 390, 373, 374, 380, 381, 382, 362, 398, 384, 385, 386, 387, 388, 466,
    61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291, 185, 40, 39, 37, 0, 267, 269, 270, 409,
    78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308, 191, 80, 81, 82, 13, 312, 311, 310, 415,
)  # fmt: skip
"""Lid margins and lip edges: where a millimetre is seen at once."""


@dataclass(frozen=True)
class FitSettings:
    """Weights of the fit; lengths in mm at the head, coefficients in standard deviations."""

    landmark_sigma_mm: float = 1.6
    """Spread of one landmark about the model (2 mm RMS was seen on portraits)."""
    oval_weight: float = 0.25
    """The detector draws the oval along the visible outline: hence less exact on the surface."""
    contour_weight: float = 2.0
    robust_scale: float = 3.0
    """Geman-McClure scale in landmark sigmas: points beyond it lose their vote."""
    identity_sigma: float = 1.0
    expression_sigma: float = 0.25
    """Spread of an ARKit weight about the detector's own score."""
    distance_mm: float = 1300.0
    distance_log_sigma: float = 0.35
    """Without EXIF: portraits are taken from 0.7 to 2.5 m; the prior on log distance says so."""
    iterations: int = 14
    residual_stiffness: float = 6.0
    """Smoothness of the leftover displacement against its exactness at the landmarks."""


@dataclass(frozen=True)
class HeadFit:
    """The head of one photo in coefficients, and how well its landmarks are met."""

    identity: NDArray[np.float32]
    """(K,) standard deviations."""
    expression: NDArray[np.float32]
    """(E,) weights within the model's bounds."""
    residual_mm: NDArray[np.float32]
    """(N,3) head frame: smooth displacement that the linear model lacks."""
    pose: Pose
    camera: Camera
    rms_px: float
    """Root mean square landmark distance before the residual, photo pixels."""
    rms_mm: float
    """The same at the head's distance."""

    def neutral(self, model: MorphableModel) -> NDArray[np.float32]:
        """(N,3) head-frame vertices without expression."""
        return model.shape(self.identity, np.zeros_like(self.expression)) + self.residual_mm

    def vertices(self, model: MorphableModel) -> NDArray[np.float32]:
        """(N,3) head-frame vertices with the photo's expression."""
        return model.shape(self.identity, self.expression) + self.residual_mm


@dataclass
class _State:
    rotation: Array
    translation: Array
    log_focal: float
    identity: Array
    expression: Array


@dataclass
class HeadFitter:
    """Fits one model to many faces; what depends on the model alone is prepared once."""

    model: MorphableModel
    settings: FitSettings = field(default_factory=FitSettings)

    def __post_init__(self) -> None:
        model = self.model
        known = model.landmarks_478
        take, weights = known.vertices, known.weights.astype(np.float64)
        self._rows = np.arange(len(take)) if known.rows is None else known.rows
        self._bounds = model.expression_bounds

        def at_landmarks(basis: NDArray[np.floating]) -> Array:
            return np.einsum("lk,...lkd->...ld", weights, basis[..., take, :].astype(np.float64))

        self._mean = at_landmarks(model.mean)
        self._identity = at_landmarks(model.identity)
        self._expression = at_landmarks(model.expression)
        self._basis = np.moveaxis(np.concatenate([self._identity, self._expression]), 0, -1).copy()
        self._weights = self._landmark_weights()
        # Of a statistical component the detector knows nothing: it keeps its own spread, one.
        signed = self._bounds[0] < 0
        self._expression_sigma = np.where(signed, 1.0, self.settings.expression_sigma)
        self._smoother = _ResidualSmoother(model, self._weights > 0, self.settings.residual_stiffness)

    def _landmark_weights(self) -> Array:
        """(L,) weights of the landmarks that the model knows; few of them weigh together as much as all."""
        weights = np.ones(MEDIAPIPE_POINTS)
        weights[list(FACE_OVAL)] = self.settings.oval_weight
        weights[list(LIDS_AND_LIPS)] = self.settings.contour_weight
        weights[IRIS_LANDMARKS] = 0.0
        known = weights[self._rows]
        return known * (weights.sum() / known.sum())

    def fit(self, face: DetectedFace, photo: Photo) -> HeadFit:
        """Solve for the head that shows ``face``.

        Args:
            face: landmarks in the photo's pixels and ARKit scores in [0,1].
            photo: its focal length in pixels is trusted when known, otherwise solved for.

        Returns:
            The fit in the head and camera frames of docs/conventions.md.
        """
        height, width = photo.pixels.shape[:2]
        points = face.points_px[self._rows].astype(np.float64)
        centre = np.array([(width - 1) / 2, (height - 1) / 2])
        scores = np.array([face.expression_scores.get(n, 0.0) for n in self.model.expression_names])
        state = self._initial(points - centre, photo.focal_px, scores)
        damping = 1e-3
        cost = self._cost(state, points - centre, scores, photo.focal_px)
        for _ in range(self.settings.iterations):
            jacobian, residual = self._linearise(state, points - centre, scores, photo.focal_px)
            normal, gradient = jacobian.T @ jacobian, jacobian.T @ residual
            for _ in range(4):
                step = np.linalg.solve(normal + damping * np.diag(np.diag(normal) + 1e-9), -gradient)
                candidate = _moved(state, step, self._bounds)
                new_cost = self._cost(candidate, points - centre, scores, photo.focal_px)
                if new_cost < cost:
                    break
                damping *= 8
            else:
                break
            converged = cost - new_cost < 1e-5 * cost
            state, cost, damping = candidate, new_cost, max(damping / 5, 1e-7)
            if converged:
                break
        return self._finish(state, points, width, height)

    def _initial(self, points: Array, focal_px: float | None, scores: Array) -> _State:
        shape = self._mean + np.tensordot(scores, self._expression, 1)
        stable = self._weights > 0
        extent = np.linalg.norm(np.ptp(shape[stable], axis=0)[:2])
        px_per_mm = np.linalg.norm(np.ptp(points[stable], axis=0)) / extent
        focal = focal_px or self.settings.distance_mm * px_per_mm
        intrinsics = np.array([[focal, 0, 0], [0, focal, 0], [0, 0, 1]])
        ok, rotvec, translation = cv2.solvePnP(
            shape[stable], points[stable], intrinsics, None, flags=cv2.SOLVEPNP_SQPNP
        )
        rotation = cv2.Rodrigues(rotvec)[0] if ok else HEAD_TO_CAMERA_AXES
        if not ok or translation[2, 0] <= 0:
            rotation = HEAD_TO_CAMERA_AXES.astype(np.float64)
            translation = np.array([[0.0], [0.0], [focal / px_per_mm]])
        identity = np.zeros(len(self._identity))
        expression = scores.clip(*self._bounds)
        return _State(rotation, translation[:, 0], float(np.log(focal)), identity, expression)

    def _shape(self, state: _State) -> Array:
        return self._mean + self._basis @ np.concatenate([state.identity, state.expression])

    def _reprojection(self, state: _State, points: Array) -> tuple[Array, Array, float, Array]:
        """Landmark residuals in sigmas (L,2), camera points (L,3), px per sigma, robust weights (L,)."""
        camera_points = self._shape(state) @ state.rotation.T + state.translation
        focal = np.exp(state.log_focal)
        projected = focal * camera_points[:, :2] / camera_points[:, 2:]
        px_per_sigma = focal / state.translation[2] * self.settings.landmark_sigma_mm
        residual = (projected - points) / px_per_sigma
        squared = (residual**2).sum(1)
        robust = 1.0 / (1.0 + squared / self.settings.robust_scale**2)
        return residual, camera_points, px_per_sigma, robust

    def _priors(self, state: _State, scores: Array, focal_px: float | None) -> Array:
        s = self.settings
        distance = np.log(state.translation[2] / s.distance_mm) / s.distance_log_sigma
        return np.concatenate(
            [
                state.identity / s.identity_sigma,
                (state.expression - scores) / self._expression_sigma,
                [0.0 if focal_px else distance],
            ]
        )

    def _cost(self, state: _State, points: Array, scores: Array, focal_px: float | None) -> float:
        if state.translation[2] < 50:
            return np.inf
        residual, _, _, _ = self._reprojection(state, points)
        squared, c2 = (residual**2).sum(1), self.settings.robust_scale**2
        data = (self._weights * squared / (1 + squared / c2)).sum()
        return float(data + (self._priors(state, scores, focal_px) ** 2).sum())

    def _linearise(
        self, state: _State, points: Array, scores: Array, focal_px: float | None
    ) -> tuple[Array, Array]:
        """Jacobian (R,P) and residual (R,); parameters: rotation 3, translation 3, log focal, id, exp."""
        s = self.settings
        residual, cam, px_per_sigma, robust = self._reprojection(state, points)
        focal = np.exp(state.log_focal)
        count, k, e = len(cam), len(self._identity), len(self._expression)
        inv_z = 1 / cam[:, 2]
        d_point = np.zeros((count, 2, 3))
        d_point[:, 0, 0] = d_point[:, 1, 1] = focal * inv_z
        d_point[:, :, 2] = -focal * cam[:, :2] * inv_z[:, None] ** 2
        d_point /= px_per_sigma
        arm = cam - state.translation
        d_rotation = np.stack([np.cross(axis, arm) for axis in np.eye(3)], axis=-1)
        columns = np.zeros((count, 2, 7 + k + e))
        columns[:, :, :3] = d_point @ d_rotation
        columns[:, :, 3:6] = d_point
        columns[:, :, 6] = 0.0 if focal_px else focal * cam[:, :2] * inv_z[:, None] / px_per_sigma
        columns[:, :, 7:] = (d_point @ state.rotation) @ self._basis
        # d/dr of r^2/(1+r^2/c^2) equals that of w r^2 with w = 1/(1+r^2/c^2)^2.
        scale = np.sqrt(self._weights) * robust
        rows = (columns * scale[:, None, None]).reshape(2 * count, -1)
        data = (residual * scale[:, None]).reshape(-1)
        prior = np.zeros((k + e + 1, 7 + k + e))
        prior[:k, 7 : 7 + k] = np.eye(k) / s.identity_sigma
        prior[k : k + e, 7 + k :] = np.diag(1 / self._expression_sigma)
        if not focal_px:
            prior[-1, 5] = 1 / (state.translation[2] * s.distance_log_sigma)
        return np.concatenate([rows, prior]), np.concatenate([data, self._priors(state, scores, focal_px)])

    def _finish(self, state: _State, points: Array, width: int, height: int) -> HeadFit:
        camera = Camera.centred(float(np.exp(state.log_focal)), width, height)
        pose = Pose(_nearest_rotation(state.rotation), state.translation)
        shape = self._shape(state)
        camera_points = pose.to_camera(shape)
        error_px = points - camera.project(camera_points)
        error_mm = error_px / camera.fx * camera_points[:, 2:]
        leftover = np.concatenate([error_mm, np.zeros((len(points), 1))], axis=1) @ pose.rotation
        use = self._weights > 0
        _, _, _, robust = self._reprojection(state, points - np.array([camera.cx, camera.cy]))
        residual = self._smoother.spread(leftover[use] * robust[use, None])
        squared_px, squared_mm = (error_px[use] ** 2).sum(1), (error_mm[use] ** 2).sum(1)
        return HeadFit(
            state.identity.astype(np.float32),
            state.expression.astype(np.float32),
            residual.astype(np.float32),
            pose,
            camera,
            float(np.sqrt(squared_px.mean())),
            float(np.sqrt(squared_mm.mean())),
        )


class _ResidualSmoother:
    """Spreads displacements known at landmarks over the mesh: min |L d|^2 + |d(landmarks) - r|^2."""

    def __init__(self, model: MorphableModel, use: NDArray[np.bool_], stiffness: float) -> None:
        count = len(model.mean)
        laplacian = graph_laplacian(model.polygons, count)
        take, weights = model.landmarks_478.vertices[use], model.landmarks_478.weights[use]
        rows = np.repeat(np.arange(len(take)), 3)
        self._embed = sp.csr_matrix((weights.ravel(), (rows, take.ravel())), (len(take), count))
        # Parts that hold no landmark (ears, neck, teeth) stay where the linear model puts them.
        anchor = sp.identity(count) * 1e-3
        system = stiffness * laplacian.T @ laplacian + self._embed.T @ self._embed + anchor
        self._solve = spl.factorized(sp.csc_matrix(system))

    def spread(self, displacement: Array) -> Array:
        """(L,3) mm at the landmarks to (N,3) mm at the vertices."""
        target = self._embed.T @ displacement
        return np.stack([self._solve(target[:, axis]) for axis in range(3)], axis=1)


def graph_laplacian(polygons: NDArray[np.int32], count: int) -> sp.csr_matrix:
    """Uniform graph Laplacian (N,N) of the polygon edges, rows scaled to sum of neighbours 1."""
    following = np.roll(polygons, -1, axis=1)
    last = polygons[:, 3] < 0
    following[last, 2] = polygons[last, 0]
    valid = (polygons >= 0) & (following >= 0)
    a, b = polygons[valid], following[valid]
    adjacency = sp.coo_matrix((np.ones(len(a)), (a, b)), (count, count)).tocsr()
    adjacency = ((adjacency + adjacency.T) > 0).astype(np.float64)
    degree = np.asarray(adjacency.sum(1)).ravel().clip(1)
    return sp.identity(count, format="csr") - sp.diags(1 / degree) @ adjacency


def _moved(state: _State, step: Array, bounds: tuple[Array, Array]) -> _State:
    k = len(state.identity)
    return _State(
        cv2.Rodrigues(step[:3])[0] @ state.rotation,
        state.translation + step[3:6],
        state.log_focal + step[6],
        state.identity + step[7 : 7 + k],
        (state.expression + step[7 + k :]).clip(*bounds),
    )


def _nearest_rotation(matrix: Array) -> Array:
    u, _, vt = np.linalg.svd(matrix)
    return u @ np.diag([1, 1, np.linalg.det(u @ vt)]) @ vt
