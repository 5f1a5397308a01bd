"""The skin's problem: its slopes are those of what it measures."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from backend.camera import Camera
from backend.crop import HeadCrop
from backend.descent import FitState
from backend.frames import rotation_from_angles
from backend.harmonics import sh_basis, sh_slopes
from backend.morphable import MorphableModel, load_head_model
from backend.raster import triangulate
from backend.skin_problem import Skin, SkinProblem

SIDE, FOCAL = 96, 1400.0


@pytest.fixture(scope="module")
def model() -> MorphableModel:
    return load_head_model()


@pytest.fixture(scope="module")
def scene(model: MorphableModel) -> tuple[SkinProblem, FitState]:
    """Forty vertices of a head before a smooth picture of nothing in particular."""
    rng = np.random.default_rng(0)
    k, e = len(model.identity), len(model.expression)
    state = FitState(
        rotation_from_angles(15, -5, 3), np.array([10.0, -5.0, 1200.0]), np.log(FOCAL),
        rng.normal(0, 0.5, k), rng.uniform(0.1, 0.4, e),
    )  # fmt: skip
    vertices = rng.choice(np.flatnonzero(model.regions["face"]), 40, replace=False)
    vertices.sort()
    y, x = np.mgrid[:SIDE, :SIDE].astype(np.float32)
    plane = np.stack([0.2 + 0.004 * x + 0.002 * y, 0.3 - 0.001 * x, 0.1 + 0.003 * y], -1)
    slopes = [np.broadcast_to(np.float32(s), plane.shape) for s in ((0.004, -0.001, 0), (0.002, 0, 0.003))]
    scale = 0.4
    crop = HeadCrop(
        np.zeros((SIDE, SIDE, 3), np.uint8), np.ones((SIDE, SIDE), bool),
        Camera(FOCAL * scale, FOCAL * scale, 47.5, 47.5, SIDE, SIDE), scale, 0.0, 0.0,
    )  # fmt: skip
    light = rng.normal(0, 0.3, (9, 3)) + np.eye(9)[0][:, None] * 3
    skin = Skin(model, triangulate(model.polygons[model.solid]).vertices, vertices)
    problem = SkinProblem(
        skin, crop, np.dstack([plane, *slopes]), rng.uniform(0.2, 0.5, (40, 3)), light,
        rng.uniform(0.2, 1, 40), 0.1, 1e6,
    )  # fmt: skip
    return problem, state


def test_slopes_of_the_harmonics() -> None:
    at = np.random.default_rng(0).normal(size=(7, 3))
    naive = torch.autograd.functional.jacobian(lambda d: sh_basis(d).sum(dim=0), torch.from_numpy(at))
    np.testing.assert_allclose(sh_slopes(at), naive.permute(1, 0, 2).numpy(), atol=1e-9)


def test_the_skins_normals_are_the_meshs(model: MorphableModel, scene: tuple[SkinProblem, FitState]) -> None:
    problem, state = scene
    points, normals = problem.skin.shape(state.coefficients)
    vertices = model.shape(state.identity, state.expression)
    np.testing.assert_allclose(points, vertices[problem.skin.vertices], atol=1e-3)
    naive = np.zeros_like(vertices)
    for triangle in triangulate(model.polygons[model.solid]).vertices:
        a, b, c = vertices[triangle]
        naive[triangle] += np.cross(b - a, c - a)
    np.testing.assert_allclose(normals, naive[problem.skin.vertices], rtol=1e-3, atol=1e-2)


def test_the_jacobian_is_the_slope_of_the_residual(scene: tuple[SkinProblem, FitState]) -> None:
    problem, state = scene
    jacobian, _ = problem.linearised(state)
    wide = (np.full(len(state.expression), -9.0), np.full(len(state.expression), 9.0))
    for column in (0, 1, 2, 3, 4, 5, 8, 40, 95, 120):
        step = np.zeros(jacobian.shape[1])
        step[column] = 1e-3 if column < 3 else 1e-1
        ahead = problem.linearised(state.moved(step, wide))[1]
        behind = problem.linearised(state.moved(-step, wide))[1]
        slope = (ahead - behind) / (2 * step[column])
        np.testing.assert_allclose(jacobian[:, column], slope, atol=2e-3 * np.abs(slope).max() + 1e-4)
