"""The landmarks' problem: its gradient is the slope of its cost, and descent never climbs."""

from __future__ import annotations

import numpy as np
import pytest

from backend.descent import FitState, descend
from backend.frames import rotation_from_angles
from backend.landmark_problem import Evidence, FitSettings, LandmarkModel, LandmarkProblem
from backend.morphable import load_head_model


def _problem(focal_px: float | None, sees_pose: bool) -> tuple[LandmarkProblem, FitState]:
    """A head some way off its landmarks, its priors and the network's pose."""
    model, rng = load_head_model(), np.random.default_rng(0)
    at = LandmarkModel(model, FitSettings())
    k, e = len(model.identity), len(model.expression)
    state = FitState(
        rotation_from_angles(20, -5, 3),
        np.array([30.0, -20.0, 1100.0]),
        np.log(1400.0),
        rng.normal(0, 0.5, k),
        rng.uniform(0.1, 0.5, e),
    )
    cam = at.shape(state.coefficients) @ state.rotation.T + state.translation
    points = 1400.0 * cam[:, :2] / cam[:, 2:] + rng.normal(0, 3, (len(cam), 2))
    known = Evidence(
        points, 2.0, focal_px, np.zeros(k), rng.uniform(0.3, 1, k), np.full(e, 0.2), rng.uniform(0.1, 0.3, e),
        rotation_from_angles(24, -2, 1) if sees_pose else None, 0.05,
    )  # fmt: skip
    return LandmarkProblem(at, FitSettings(), known), state


@pytest.mark.parametrize(("focal_px", "sees_pose"), [(1400.0, False), (None, False), (1400.0, True)])
def test_the_gradient_is_the_slope_of_the_cost(focal_px: float | None, sees_pose: bool) -> None:
    problem, state = _problem(focal_px, sees_pose)
    gradient = problem.normal_equations(state)[1]
    scale = np.where(np.arange(len(gradient)) < 3, 1e-6, 1e-4)
    scale[3:6] = 1e-3
    wide = (np.full(len(state.expression), -9.0), np.full(len(state.expression), 9.0))
    # Distance and focal length are left out: a spread's pixels go with them, which Gauss-Newton ignores.
    for at in (0, 1, 2, 3, 4, 7, 30, 90, 120):
        step = np.zeros(len(gradient))
        step[at] = scale[at]
        rise = problem.cost(state.moved(step, wide)) - problem.cost(state.moved(-step, wide))
        assert rise / (4 * scale[at]) == pytest.approx(gradient[at], rel=1e-3, abs=1e-2)


def test_descent_never_climbs() -> None:
    problem, state = _problem(None, True)
    bounds = load_head_model().expression_bounds
    costs = [problem.cost(descend(problem, state, bounds, iterations)) for iterations in (0, 1, 3, 8)]
    assert costs == sorted(costs, reverse=True)
    assert costs[-1] < 0.9 * costs[0]
