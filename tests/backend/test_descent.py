"""Descent: its own small problems have known answers, and its derivatives are slopes."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from backend.descent import (
    POSE_PARAMETERS,
    FitState,
    Sum,
    descend,
    log_jacobian,
    projected,
    projection_columns,
)
from backend.frames import rotation_from_angles

STEP = 1e-4
START = FitState(
    rotation_from_angles(20, -5, 3), np.array([30.0, -20.0, 1100.0]), np.log(1400.0), np.zeros(2), np.zeros(1)
)


@dataclass(frozen=True)
class Wish:
    """That the coefficients (3,) have certain values, with a weight."""

    value: np.ndarray
    weight: float

    def cost(self, state: FitState) -> float:
        return self.weight * float(((state.coefficients - self.value) ** 2).sum())

    def normal_equations(self, state: FitState) -> tuple[np.ndarray, np.ndarray]:
        first = POSE_PARAMETERS
        normal, gradient = np.zeros((first + 3, first + 3)), np.zeros(first + 3)
        normal[first:, first:] = self.weight * np.eye(3)
        gradient[first:] = self.weight * (state.coefficients - self.value)
        return normal, gradient


def test_two_wishes_meet_where_their_weights_say() -> None:
    both = Sum((Wish(np.array([1.0, 2.0, 0.5]), 1.0), Wish(np.array([5.0, -2.0, 0.7]), 3.0)))
    found = descend(both, START, (np.zeros(1), np.ones(1)), 20)
    np.testing.assert_allclose(found.coefficients, [4.0, -1.0, 0.65], atol=1e-3)
    np.testing.assert_array_equal(found.rotation, START.rotation)


def test_expressions_stay_within_their_bounds() -> None:
    found = descend(Wish(np.array([0.0, 0.0, 4.0]), 1.0), START, (np.zeros(1), np.ones(1)), 20)
    assert found.expression[0] == 1.0


def test_columns_are_the_slopes_of_the_projection() -> None:
    rng = np.random.default_rng(0)
    points, basis = rng.normal(0, 60, (5, 3)), rng.normal(0, 3, (5, 3, 3))

    def cam(state: FitState) -> np.ndarray:
        return (points + basis @ state.coefficients) @ state.rotation.T + state.translation

    columns = projection_columns(START, cam(START), basis, focal_free=True)
    wide = (np.full(1, -9.0), np.full(1, 9.0))
    for at in range(columns.shape[2]):
        step = np.zeros(columns.shape[2])
        step[at] = STEP
        ahead, behind = START.moved(step, wide), START.moved(-step, wide)
        slope = (projected(ahead, cam(ahead)) - projected(behind, cam(behind))) / (2 * STEP)
        assert columns[:, :, at] == pytest.approx(slope, rel=1e-4, abs=1e-4)


@given(arrays(np.float64, 3, elements=st.floats(-1.5, 1.5)))
@settings(max_examples=30, deadline=None)
def test_jacobian_of_the_logarithm(turn: np.ndarray) -> None:
    rotation = cv2.Rodrigues(turn)[0]

    def log_after(step: np.ndarray) -> np.ndarray:
        return cv2.Rodrigues(cv2.Rodrigues(step)[0] @ rotation)[0][:, 0]

    naive = [(log_after(STEP * axis) - log_after(-STEP * axis)) / (2 * STEP) for axis in np.eye(3)]
    np.testing.assert_allclose(log_jacobian(turn).T, naive, atol=1e-3)
