"""Tells light from colour: spherical harmonics and albedo coefficients from what a photo shows of a face.

What is seen is albedo times light, so both are solved for together by damped Gauss-Newton steps (Levenberg
1944) under Gaussian priors; the basis of the albedo is symmetric, so that light from one side can only be
light. Highlights, cast shadows and beards are outvoted by a robust weight (Geman and McClure 1987).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from .albedo import AlbedoBasis
from .harmonics import PICTURED, SH_TERMS, sh_basis
from .vertex_colours import VertexColours

Array = NDArray[np.floating]

COLOUR_AXES = np.array([[1, 1, 1], [1, 0, -1], [1, -2, 1]]) / np.sqrt([[3], [2], [6]])
"""Grey, red against blue, and both against green: light differs in brightness far more than in colour."""
USUAL_LIGHT = np.zeros((SH_TERMS, 3))
USUAL_LIGHT[[0, 1, 3, 5], 0] = 5.1, 1.8, 0.9, 0.24
"""(9,3) along :data:`COLOUR_AXES`, the mean of 1,200 lights of ``train.synth``: from above and before."""
LIGHT_SPREAD = np.array(
    [
        (2.0, 0.8, 0.3), (1.1, 0.15, 0.05), (1.3, 0.12, 0.04), (1.3, 0.12, 0.04), (0.5, 0.05, 0.02),
        (0.5, 0.05, 0.02), (0.6, 0.05, 0.02), (0.55, 0.05, 0.02), (0.65, 0.05, 0.02),
    ]
)  # fmt: skip
"""(9,3) their spread; the first term's is wider, for cameras neither expose nor balance alike."""
EXPOSURE_SPREAD = 0.25
"""Of the light on a ball before the camera about 1: photographers expose for the face."""

ERROR = 0.2
"""Spread of what neither light nor albedo explains, over the face's usual brightness."""
ROBUST_SCALE = 2.5
"""Geman-McClure scale in such spreads."""
INDEPENDENT = 0.05
"""Neighbouring vertices err together: this share of them counts."""
MOST_VERTICES, FEWEST_VERTICES = 1500, 60
"""Used, and needed at all."""
ENOUGH = 500.0
"""Vertices seen from ahead, from which more would not tell more."""
DIMMEST = 0.05
"""Least light on a face that a photo is taken in."""
COLOURLESS = 0.03
"""Mean difference of the channels over their mean below which a photo is a monochrome one; skin has 0.5."""
STEPS, TRIALS, CONVERGED = 12, 4, 1e-4


@dataclass(frozen=True)
class LightEstimate:
    """Light and albedo of one photo's face."""

    light: NDArray[np.float32]
    """(9,3) as in :mod:`backend.harmonics`: ``sh_basis(normal) @ light`` is what a surface of albedo 1 shows,
    linear RGB."""
    albedo: NDArray[np.float32]
    """(A,) coefficients of the basis in standard deviations."""
    confidence: float
    """0 (a guess) to 1: how much skin was seen, times the share of it that light and albedo explain."""


def shading(normals: Array, light: Array) -> NDArray[np.float32]:
    """(N,3) what surfaces of albedo 1 with unit normals (N,3), y-up camera axes, show in light (9,3)."""
    basis = sh_basis(torch.from_numpy(np.ascontiguousarray(normals, np.float32))).numpy()
    return basis @ light.astype(np.float32)


def estimate_light(
    basis: AlbedoBasis,
    seen: VertexColours,
    start: tuple[Array, Array] | None = None,
) -> LightEstimate:
    """Light and albedo that explain the colours of a face best.

    Args:
        basis: of the model whose vertices were looked at.
        seen: what the photo shows of them; in a photo without colour, light is grey, too.
        start: albedo coefficients (A,) and light (9,3) to begin with, say a network's.
    """
    problem = _Problem.of(basis_for(seen, basis), seen)
    state = _whitened(start) if start else np.zeros(LIGHT_SPREAD.size + len(basis))
    if problem is None:
        return _estimate(state, 0.0)
    damping, cost = 1e-2, problem.cost(state)
    for _ in range(STEPS):
        normal, gradient = problem.normal_equations(state)
        before = cost
        for _ in range(TRIALS):
            step = np.linalg.solve(normal + damping * np.diag(np.diag(normal)), -gradient)
            cost = problem.cost(state + step)
            if cost < before:
                break
            damping *= 8
        else:
            break
        state, damping = state + step, damping / 5
        if before - cost < CONVERGED * before:
            break
    return _estimate(state, problem.confidence(state))


def strength(estimate: LightEstimate, seen: VertexColours) -> NDArray[np.float32]:
    """(3,) how bright the light shows the seen skin over its albedo, on average in each channel."""
    weights = seen.weights if seen.weights.any() else np.ones_like(seen.weights)
    level = np.average(shading(seen.normals, estimate.light), axis=0, weights=weights)
    return level.clip(DIMMEST).astype(np.float32)


def basis_for(seen: VertexColours, basis: AlbedoBasis) -> AlbedoBasis:
    """The grey basis for a photo without colours: light and albedo must not make up any that cancel out."""
    colours = seen.colours[seen.weights > 0]
    without = len(colours) > 0 and np.ptp(colours, axis=1).mean() < COLOURLESS * colours.mean()
    return basis.grey if without else basis


def _whitened(start: tuple[Array, Array]) -> Array:
    albedo, light = start
    return np.concatenate([((light @ COLOUR_AXES.T - USUAL_LIGHT) / LIGHT_SPREAD).ravel(), albedo])


def _light(state: Array) -> Array:
    return (USUAL_LIGHT + LIGHT_SPREAD * state[: LIGHT_SPREAD.size].reshape(-1, 3)) @ COLOUR_AXES


def _exposure(state: Array) -> tuple[float, Array]:
    """Error of the exposure in its spreads, and its derivative (P,)."""
    slope = np.zeros_like(state)
    grey = COLOUR_AXES[0].mean() / EXPOSURE_SPREAD
    slope[: LIGHT_SPREAD.size : 3] = PICTURED * LIGHT_SPREAD[:, 0] * grey
    return float(slope @ state + (PICTURED @ USUAL_LIGHT[:, 0]) * grey - 1 / EXPOSURE_SPREAD), slope


def _estimate(state: Array, confidence: float) -> LightEstimate:
    albedo = state[LIGHT_SPREAD.size :].astype(np.float32)
    return LightEstimate(_light(state).astype(np.float32), albedo, confidence)


@dataclass(frozen=True)
class _Problem:
    """The least-squares problem; its unknowns are whitened, so that every prior is a standard normal."""

    colours: Array
    """(V,3) in spreads of the error."""
    weights: Array
    """(V,)"""
    harmonics: Array
    """(V,9)"""
    mean: Array
    """(V,3)"""
    components: Array
    """(A,V,3)"""
    scale: float
    """Errors' spreads in linear light."""
    total: float
    """Vertices seen, by weight, before some were left out."""

    @staticmethod
    def of(basis: AlbedoBasis, seen: VertexColours) -> _Problem | None:
        """None where too little is seen."""
        at = np.flatnonzero(seen.weights > 0)
        if len(at) < FEWEST_VERTICES:
            return None
        total = float(seen.weights.sum())
        at = at[:: -(-len(at) // MOST_VERTICES)]
        scale = ERROR * float(np.median(seen.colours[at].mean(axis=1)))
        weights = seen.weights[at] * (INDEPENDENT * total / seen.weights[at].sum())
        return _Problem(
            seen.colours[at] / scale,
            weights,
            sh_basis(torch.from_numpy(seen.normals[at])).numpy(),
            basis.mean[at],
            basis.components[:, at],
            scale,
            total,
        )

    def _parts(self, state: Array) -> tuple[Array, Array, Array]:
        """Albedo (V,3), shading (V,3) and residual (V,3) in spreads."""
        albedo = self.mean + np.tensordot(state[LIGHT_SPREAD.size :].astype(np.float32), self.components, 1)
        shade = self.harmonics @ _light(state).astype(np.float32)
        return albedo, shade, albedo * shade / self.scale - self.colours

    def cost(self, state: Array) -> float:
        """Robust data term and priors."""
        squared = (self._parts(state)[2] ** 2).mean(axis=1)
        data = (self.weights * squared / (1 + squared / ROBUST_SCALE**2)).sum()
        return float(data + state @ state + _exposure(state)[0] ** 2)

    def normal_equations(self, state: Array) -> tuple[Array, Array]:
        """Gauss-Newton's matrix (P,P) and gradient (P,)."""
        albedo, shade, residual = self._parts(state)
        robust = 1 / (1 + (residual**2).mean(axis=1) / ROBUST_SCALE**2)
        share = (np.sqrt(self.weights / 3) * robust)[:, None].astype(np.float32)
        axes = (LIGHT_SPREAD[..., None] * COLOUR_AXES).astype(np.float32)
        scaled = albedo * share / self.scale
        of_light = np.einsum("vc,vt,tkc->tkvc", scaled, self.harmonics, axes, optimize=True)
        of_albedo = self.components * (shade * share / self.scale)
        size = residual.size
        rows = np.concatenate([of_light.reshape(-1, size), of_albedo.reshape(-1, size)])
        error, slope = _exposure(state)
        gradient = rows @ (residual * share).ravel() + state + error * slope
        return rows @ rows.T + np.eye(len(rows)) + np.outer(slope, slope), gradient

    def confidence(self, state: Array) -> float:
        """Of :class:`LightEstimate`."""
        squared = (self._parts(state)[2] ** 2).mean(axis=1)
        explained = np.average(1 / (1 + squared / ROBUST_SCALE**2), weights=self.weights)
        return float(min(1.0, self.total / ENOUGH) * explained)
