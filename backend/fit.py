"""Fit the morphable head to one photo's landmarks: pose, identity, expression, focal length.

A damped Gauss-Newton solver minimises the robust reprojection error of the 478 landmarks under
Gaussian priors on the coefficients (eq. 1 of Deep 3D Portrait, 2020, gives the shape model;
Levenberg 1944 the damping; Geman and McClure 1987 the robust weight). The few tenths of a
millimetre per landmark that the linear model cannot explain are spread over the mesh as a smooth
residual, so that lips and lids lie where the photo shows them. What the face network says of the same
photo, if it is asked, is where the priors have their middle, and its usual error is their spread.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from .camera import Camera
from .descent import Array, FitState, Problem, descend
from .face_estimate import FaceEstimate
from .face_normals import NormalMap
from .frames import HEAD_TO_CAMERA_AXES, Pose
from .landmark_problem import LIDS_AND_LIPS, Evidence, FitSettings, LandmarkModel, LandmarkProblem
from .landmarks import DetectedFace
from .morphable import MorphableModel
from .photo import Photo
from .residual import ResidualSmoother


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
    disagreement_deg: float = 0.0
    """Angle between the rotations that landmarks alone and the network alone would give the head."""
    normals: NormalMap | None = None
    """Which way the skin looks, if that was asked."""

    @property
    def surprise(self) -> float:
        """Root mean square of the identity coefficients: 1 is usual, 3 is a head that hardly exists."""
        return float(np.sqrt(np.mean(self.identity.astype(np.float64) ** 2)))

    def neutral(self, model: MorphableModel) -> NDArray[np.float32]:
        """(N,3) head-frame vertices without expression."""
        return model.shape(self.identity, np.zeros_like(self.expression)) + self.residual_mm

    def vertices(self, model: MorphableModel) -> NDArray[np.float32]:
        """(N,3) head-frame vertices with the photo's expression."""
        return model.shape(self.identity, self.expression) + self.residual_mm


@dataclass(frozen=True)
class Solved:
    """Where the solver ended."""

    problem: LandmarkProblem
    state: FitState
    disagreement_deg: float
    relief: Problem | None = None
    """What normals say besides, if they were asked."""


@dataclass
class HeadFitter:
    """Fits one model to many faces; what depends on the model alone is prepared once."""

    model: MorphableModel
    settings: FitSettings = field(default_factory=FitSettings)

    def __post_init__(self) -> None:
        s = self.settings
        self._at = LandmarkModel(self.model, s)
        self._bounds = self.model.expression_bounds
        # Of a statistical component the detector knows nothing: it keeps its own spread, one.
        self._expression_sigma = np.where(self._bounds[0] < 0, 1.0, s.expression_sigma)
        used, edges = self._at.weights > 0, np.isin(self._at.rows, LIDS_AND_LIPS)
        self._everywhere, self._at_edges = (
            ResidualSmoother(self.model, where.astype(np.float64), s.residual_stiffness, fading)
            for where, fading in ((used, s.residual_fading), (edges, s.edge_fading))
        )

    def fit(self, face: DetectedFace, photo: Photo, start: FaceEstimate | None = None) -> HeadFit:
        """Solve for the head that shows ``face``.

        Args:
            face: landmarks in the photo's pixels and ARKit scores in [0,1].
            photo: its focal length in pixels is trusted when known, otherwise solved for.
            start: what the face network says of this model's coefficients and of the pose.

        Returns:
            The fit in the head and camera frames of docs/conventions.md.
        """
        return self.finished(self.solve(face, photo, start), photo)

    def solve(self, face: DetectedFace, photo: Photo, start: FaceEstimate | None = None) -> Solved:
        """As :meth:`fit`, but what was minimised stays at hand."""
        problem, state, disagreement = self._problem(face, photo, start)
        state = descend(problem, state, self._bounds, self.settings.iterations)
        return Solved(problem, state, disagreement)

    def _problem(
        self, face: DetectedFace, photo: Photo, start: FaceEstimate | None
    ) -> tuple[LandmarkProblem, FitState, float]:
        """What is to be minimised, where to begin, and :attr:`HeadFit.disagreement_deg`."""
        s = self.settings
        points = face.points_px[self._at.rows].astype(np.float64)
        points -= [(photo.width - 1) / 2, (photo.height - 1) / 2]
        scores = np.array([face.expression_scores.get(n, 0.0) for n in self.model.expression_names])
        nobody = np.zeros(len(self.model.identity))
        if start is None:
            sigma = np.full(len(nobody), s.identity_sigma)
            known = Evidence(
                points, s.landmark_sigma_mm, photo.focal_px, nobody, sigma, scores, self._expression_sigma
            )
            return LandmarkProblem(self._at, s, known), self._initial(known), 0.0
        expression, sigma = _agreed(
            (scores, self._expression_sigma), (start.expression, start.errors.expression)
        )
        identity = start.identity.astype(np.float64)
        known = Evidence(
            points, s.estimated_landmark_sigma_mm, photo.focal_px,
            identity, start.errors.identity, expression, sigma,
        )  # fmt: skip
        state = self._initial(known)
        seen = start.pose(Camera.centred(float(np.exp(state.log_focal)), photo.width, photo.height))
        known = replace(known, rotation=seen.rotation, rotation_sigma=np.deg2rad(start.errors.rotation_deg))
        problem = LandmarkProblem(self._at, s, known)
        # Landmarks place a head well unless they are wrong altogether; then the network's pose costs less.
        other = replace(state, rotation=seen.rotation, translation=seen.translation_mm)
        apart = float(np.rad2deg(np.linalg.norm(cv2.Rodrigues(state.rotation @ seen.rotation.T)[0])))
        return problem, min(state, other, key=problem.cost), apart

    def _initial(self, known: Evidence) -> FitState:
        """The head that is expected, where the landmarks place it."""
        points, expression = known.points, known.expression.clip(*self._bounds)
        shape = self._at.shape(np.concatenate([known.identity, known.expression]))
        stable = self._at.weights > 0
        extent = np.linalg.norm(np.ptp(shape[stable], axis=0)[:2])
        px_per_mm = np.linalg.norm(np.ptp(points[stable], axis=0)) / extent
        focal = known.focal_px or self.settings.distance_mm * px_per_mm
        intrinsics = np.array([[focal, 0, 0], [0, focal, 0], [0, 0, 1]])
        ok, rotvec, translation = cv2.solvePnP(
            shape[stable], points[stable], intrinsics, None, flags=cv2.SOLVEPNP_SQPNP
        )
        rotation = cv2.Rodrigues(rotvec)[0] if ok else HEAD_TO_CAMERA_AXES
        if not ok or translation[2, 0] <= 0:
            rotation = HEAD_TO_CAMERA_AXES.astype(np.float64)
            translation = np.array([[0.0], [0.0], [focal / px_per_mm]])
        return FitState(rotation, translation[:, 0], float(np.log(focal)), known.identity, expression)

    def finished(self, solved: Solved, photo: Photo) -> HeadFit:
        """The head of a state, with the smooth displacement that it lacks at the landmarks."""
        problem, state = solved.problem, solved.state
        known = problem.known
        camera = Camera.centred(float(np.exp(state.log_focal)), photo.width, photo.height)
        pose = Pose(_nearest_rotation(state.rotation), state.translation)
        camera_points = pose.to_camera(self._at.shape(state.coefficients))
        error_px = known.points - (camera.project(camera_points) - [camera.cx, camera.cy])
        error_mm = error_px / camera.fx * camera_points[:, 2:]
        leftover = np.concatenate([error_mm, np.zeros((len(error_mm), 1))], axis=1) @ pose.rotation
        _, _, _, robust = problem.reprojection(state)
        # The network has seen the relief; landmarks only say where lids and lips begin.
        smoother = self._everywhere if known.rotation is None else self._at_edges
        residual = smoother.spread(leftover * robust[:, None])
        use = self._at.weights > 0
        squared_px, squared_mm = (error_px[use] ** 2).sum(1), (error_mm[use] ** 2).sum(1)
        return HeadFit(
            state.identity.astype(np.float32),
            state.expression.astype(np.float32),
            residual.astype(np.float32),
            pose,
            camera,
            float(np.sqrt(squared_px.mean())),
            float(np.sqrt(squared_mm.mean())),
            solved.disagreement_deg,
        )


def _agreed(*witnesses: tuple[Array, Array]) -> tuple[Array, Array]:
    """Value and spread of what several witnesses, each with a value and a spread, say together."""
    precision = sum(sigma**-2.0 for _, sigma in witnesses)
    value = sum(value * sigma**-2.0 for value, sigma in witnesses) / precision
    return value, precision**-0.5


def _nearest_rotation(matrix: Array) -> Array:
    u, _, vt = np.linalg.svd(matrix)
    return u @ np.diag([1, 1, np.linalg.det(u @ vt)]) @ vt
