"""Damped Gauss-Newton: how a head before a camera is moved until what it should explain is explained best.

It knows no landmarks, no pixels and no priors: those are problems (:class:`Problem`), each in a module of
its own, that say what a state costs and where it goes downhill. What is minimised together is added up.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

POSE_PARAMETERS = 7
"""Of a step, before the coefficients: rotation 3, translation 3, logarithm of the focal length."""


@dataclass(frozen=True)
class FitState:
    """A head before a camera, on the way to the answer."""

    rotation: Array
    """(3,3) head axes to camera axes."""
    translation: Array
    """(3,) mm."""
    log_focal: float
    """Pixels."""
    identity: Array
    """(K,)."""
    expression: Array
    """(E,)."""

    @property
    def coefficients(self) -> Array:
        """(K+E,)."""
        return np.concatenate([self.identity, self.expression])

    def moved(self, step: Array, bounds: tuple[Array, Array]) -> FitState:
        """After a step (7+K+E,); expressions stay within their ``bounds``."""
        k = POSE_PARAMETERS + len(self.identity)
        return FitState(
            cv2.Rodrigues(step[:3])[0] @ self.rotation,
            self.translation + step[3:6],
            self.log_focal + step[6],
            self.identity + step[POSE_PARAMETERS:k],
            (self.expression + step[k:]).clip(*bounds),
        )


class Problem(Protocol):
    """Something to be minimised over states."""

    def cost(self, state: FitState) -> float:
        """Infinite where a state makes no sense."""
        ...

    def normal_equations(self, state: FitState) -> tuple[Array, Array]:
        """Gauss-Newton's matrix (P,P) and gradient (P,), P = 7 + K + E."""
        ...


@dataclass(frozen=True)
class Sum:
    """Several problems at once."""

    parts: tuple[Problem, ...]

    def cost(self, state: FitState) -> float:
        """See :class:`Problem`."""
        return sum(part.cost(state) for part in self.parts)

    def normal_equations(self, state: FitState) -> tuple[Array, Array]:
        """See :class:`Problem`."""
        normals, gradients = zip(*(part.normal_equations(state) for part in self.parts), strict=True)
        return sum(normals), sum(gradients)


def descend(problem: Problem, state: FitState, bounds: tuple[Array, Array], iterations: int) -> FitState:
    """The best state that damped Gauss-Newton steps reach from ``state``; never a worse one."""
    damping, cost = 1e-3, problem.cost(state)
    for _ in range(iterations):
        normal, gradient = problem.normal_equations(state)
        for _ in range(4):
            step = np.linalg.solve(normal + damping * np.diag(np.diag(normal) + 1e-9), -gradient)
            candidate = state.moved(step, bounds)
            new_cost = problem.cost(candidate)
            if new_cost < cost:
                break
            damping *= 8
        else:
            break
        converged = cost - new_cost < 1e-5 * cost
        state, cost, damping = candidate, new_cost, max(damping / 5, 1e-7)
        if converged:
            break
    return state


def projected(state: FitState, cam: Array) -> Array:
    """(V,2) pixels from the principal point of camera points (V,3)."""
    return np.exp(state.log_focal) * cam[:, :2] / cam[:, 2:]


def projection_columns(state: FitState, cam: Array, basis: Array, focal_free: bool) -> Array:
    """(V,2,P) change of :func:`projected` with a step; ``basis`` (V,3,K+E) moves the points (V,3)."""
    focal = np.exp(state.log_focal)
    inv_z = 1 / cam[:, 2]
    d_point = np.zeros((len(cam), 2, 3))
    d_point[:, 0, 0] = d_point[:, 1, 1] = focal * inv_z
    d_point[:, :, 2] = -focal * cam[:, :2] * inv_z[:, None] ** 2
    columns = np.zeros((len(cam), 2, POSE_PARAMETERS + basis.shape[2]))
    columns[:, :, :3] = np.cross((cam - state.translation)[:, None], d_point)
    columns[:, :, 3:6] = d_point
    columns[:, :, 6] = focal * cam[:, :2] * inv_z[:, None] if focal_free else 0.0
    columns[:, :, POSE_PARAMETERS:] = (d_point @ state.rotation) @ basis
    return columns


def log_jacobian(turn: Array) -> Array:
    """(3,3) how a rotation's vector ``turn`` changes with a small turn after it (Sola 2018, eq. 146)."""
    angle = np.linalg.norm(turn)
    x, y, z = turn
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    if angle < 1e-4:
        return np.eye(3) - cross / 2
    curve = 1 / angle**2 - (1 + np.cos(angle)) / (2 * angle * np.sin(angle))
    return np.eye(3) - cross / 2 + curve * cross @ cross
