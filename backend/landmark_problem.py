"""What a head costs that should lie under its landmarks: robust reprojection error, and priors.

One of the problems that :mod:`backend.descent` solves; :mod:`backend.fit` poses it.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from .descent import POSE_PARAMETERS, Array, FitState, log_jacobian, projected, projection_columns
from .head_parse import FACE_OVAL
from .landmarks import IRIS_LANDMARKS
from .morphable import MEDIAPIPE_POINTS, MorphableModel

LIDS_AND_LIPS = (
    33, 7, 163, 144, 145, 153, 154, 155, 133, 173, 157, 158, 159, 160, 161, 246,
    263, 249, 390, 373, 374, 380, 381, 382, 362, 398, 384, 385, 386, 387, 388, 466,
    61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291, 185, 40, 39, 37, 0, 267, 269, 270, 409,
    78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308, 191, 80, 81, 82, 13, 312, 311, 310, 415,
)  # fmt: skip
"""Lid margins and lip edges: where a millimetre is seen at once."""

NEAREST_MM = 50.0
"""No head is nearer to the camera."""


@dataclass(frozen=True)
class FitSettings:
    """Weights of the fit; lengths in mm at the head, coefficients in standard deviations."""

    landmark_sigma_mm: float = 1.6
    """Spread of one landmark about the model (2 mm RMS was seen on portraits)."""
    oval_weight: float = 0.25
    """The detector draws the oval along the visible outline: hence less exact on the surface."""
    estimated_landmark_sigma_mm: float = 15.0
    """The same where the network has spoken: landmarks err together, hundreds in the same direction, so
    against an independent witness they count as few."""
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
    residual_fading: float = 1e-3
    """How soon it fades where no landmark is."""
    edge_fading: float = 0.05
    """The same where the network has spoken: lids and lips only, and what is around them hardly at all."""


@dataclass(frozen=True)
class Evidence:
    """What is known of one face before its shape is solved for."""

    points: Array
    """(L,2) landmarks, pixels from the picture's middle."""
    sigma_mm: float
    """Their spread about the model."""
    focal_px: float | None
    identity: Array
    """(K,) expected."""
    identity_sigma: Array
    expression: Array
    """(E,) expected."""
    expression_sigma: Array
    rotation: Array | None = None
    """(3,3) as the network sees it; None if it was not asked."""
    rotation_sigma: float = 1.0
    """Spread of its error about each axis, radians."""


class LandmarkModel:
    """A morphable model at its landmarks; prepared once."""

    def __init__(self, model: MorphableModel, settings: FitSettings) -> None:
        known = model.landmarks_478
        take, weights = known.vertices, known.weights.astype(np.float64)

        def at_landmarks(basis: NDArray[np.floating]) -> Array:
            return np.einsum("lk,...lkd->...ld", weights, basis[..., take, :].astype(np.float64))

        self.rows = np.arange(len(take)) if known.rows is None else known.rows
        """(L,) which of MediaPipe's points they are."""
        self.mean = at_landmarks(model.mean)
        """(L,3)."""
        basis = np.concatenate([at_landmarks(model.identity), at_landmarks(model.expression)])
        self.basis = np.moveaxis(basis, 0, -1).copy()
        """(L,3,K+E)."""
        self.weights = _landmark_weights(self.rows, settings)
        """(L,)."""

    def shape(self, coefficients: Array) -> Array:
        """(L,3) for coefficients (K+E,)."""
        return self.mean + self.basis @ coefficients


@dataclass(frozen=True)
class LandmarkProblem:
    """Robust reprojection error of the landmarks, and Gaussian priors."""

    model: LandmarkModel
    settings: FitSettings
    known: Evidence

    def reprojection(self, state: FitState) -> tuple[Array, Array, float, Array]:
        """Landmark residuals in sigmas (L,2), camera points (L,3), px per sigma, robust weights (L,)."""
        camera_points = self.model.shape(state.coefficients) @ state.rotation.T + state.translation
        px_per_sigma = np.exp(state.log_focal) / state.translation[2] * self.known.sigma_mm
        residual = (projected(state, camera_points) - self.known.points) / px_per_sigma
        squared = (residual**2).sum(1)
        return residual, camera_points, px_per_sigma, 1.0 / (1.0 + squared / self.settings.robust_scale**2)

    def cost(self, state: FitState) -> float:
        """See :class:`backend.descent.Problem`."""
        if state.translation[2] < NEAREST_MM:
            return np.inf
        residual, _, _, robust = self.reprojection(state)
        turn, sure = self._turn(state)
        data = (self.model.weights * robust * (residual**2).sum(1)).sum()
        return float(data + (self._priors(state) ** 2).sum() + sure * (turn @ turn))

    def normal_equations(self, state: FitState) -> tuple[Array, Array]:
        """See :class:`backend.descent.Problem`."""
        jacobian, residual = self.linearised(state)
        return jacobian.T @ jacobian, jacobian.T @ residual

    def linearised(self, state: FitState) -> tuple[Array, Array]:
        """Jacobian (R,P) and residual (R,)."""
        residual, cam, px_per_sigma, robust = self.reprojection(state)
        # d/dr of r^2/(1+r^2/c^2) equals that of w r^2 with w = 1/(1+r^2/c^2)^2.
        scale = np.sqrt(self.model.weights) * robust
        columns = projection_columns(state, cam, self.model.basis, self.known.focal_px is None)
        rows = (columns * (scale / px_per_sigma)[:, None, None]).reshape(2 * len(cam), -1)
        prior, strayed = self._linearised_priors(state)
        return np.concatenate([rows, prior]), np.concatenate([(residual * scale[:, None]).ravel(), strayed])

    def _priors(self, state: FitState) -> Array:
        """(K+E+1,) what identity, expression and distance stray from what is expected, in spreads."""
        known, s = self.known, self.settings
        distance = np.log(state.translation[2] / s.distance_mm) / s.distance_log_sigma
        return np.concatenate(
            [
                (state.identity - known.identity) / known.identity_sigma,
                (state.expression - known.expression) / known.expression_sigma,
                [0.0 if known.focal_px else distance],
            ]
        )

    def _turn(self, state: FitState) -> tuple[Array, float]:
        """(3,) turn from the network's rotation in spreads, and its robust weight; 0 where it is unasked."""
        if self.known.rotation is None:
            return np.zeros(3), 0.0
        turn = cv2.Rodrigues(state.rotation @ self.known.rotation.T)[0][:, 0] / self.known.rotation_sigma
        return turn, 1.0 / (1.0 + turn @ turn / self.settings.robust_scale**2)

    def _linearised_priors(self, state: FitState) -> tuple[Array, Array]:
        known, first = self.known, POSE_PARAMETERS
        k, e = len(state.identity), len(state.expression)
        prior = np.zeros((k + e + 4, first + k + e))
        prior[:k, first : first + k] = np.diag(1 / known.identity_sigma)
        prior[k : k + e, first + k :] = np.diag(1 / known.expression_sigma)
        if not known.focal_px:
            prior[k + e, 5] = 1 / (state.translation[2] * self.settings.distance_log_sigma)
        turn, sure = self._turn(state)
        prior[-3:, :3] = sure / known.rotation_sigma * log_jacobian(turn * known.rotation_sigma)
        return prior, np.concatenate([self._priors(state), sure * turn])


def _landmark_weights(rows: NDArray[np.integer], settings: FitSettings) -> Array:
    """(L,) weights of the landmarks that the model knows; few of them weigh together as much as all."""
    weights = np.ones(MEDIAPIPE_POINTS)
    weights[list(FACE_OVAL)] = settings.oval_weight
    weights[list(LIDS_AND_LIPS)] = settings.contour_weight
    weights[IRIS_LANDMARKS] = 0.0
    known = weights[rows]
    return known * (weights.sum() / known.sum())
