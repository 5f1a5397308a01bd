"""The outline: distances counted by hand, slopes, and a head that is brought back under its border."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from backend.camera import Camera
from backend.crop import HeadCrop
from backend.descent import FitState, descend
from backend.frames import rotation_from_angles
from backend.head_parse import BACKGROUND, BODY, FACE, HAIR
from backend.morphable import MorphableModel, load_head_model
from backend.outline_problem import (
    OutlineProblem,
    OutlineSettings,
    model_border,
    outline_problem,
    skin_border,
)
from backend.raster import FragmentArrays, rasterize_arrays, triangulate

SIDE, FOCAL, DISTANCE_MM = 160, 550.0, 1000.0


def _crop(side: int = SIDE, focal: float = FOCAL) -> HeadCrop:
    return HeadCrop(
        np.zeros((side, side, 3), np.uint8), np.ones((side, side), bool),
        Camera.centred(focal, side, side), 1.0, 0.0, 0.0,
    )  # fmt: skip


def _state(model: MorphableModel) -> FitState:
    return FitState(
        rotation_from_angles(20, -5, 3), np.array([4.0, -3.0, DISTANCE_MM]), np.log(FOCAL),
        np.zeros(len(model.identity)), np.zeros(len(model.expression)),
    )  # fmt: skip


def _view(model: MorphableModel, state: FitState) -> FragmentArrays:
    vertices = model.shape(state.identity, state.expression) @ state.rotation.T + state.translation
    triangles = triangulate(model.polygons[model.solid]).vertices
    return rasterize_arrays(vertices.astype(np.float32), triangles, _crop().camera)


def _labels(model: MorphableModel, view: FragmentArrays) -> np.ndarray:
    """What a parser would say that sees the bald head perfectly: hair on the scalp, a body below it."""
    scalp, neck = (model.regions[name][view.triangles].sum(axis=1) >= 2 for name in ("scalp", "neck"))
    region = np.select([scalp, neck], [HAIR, BODY], FACE)
    return np.where(view.covered, region[view.face.clip(0)], BACKGROUND).astype(np.uint8)


@pytest.fixture(scope="module")
def model() -> MorphableModel:
    return load_head_model()


@pytest.fixture(scope="module")
def known(model: MorphableModel) -> tuple[OutlineProblem, FitState]:
    """The outline of a head, and the head that it belongs to."""
    state = _state(model)
    view = _view(model, state)
    crop, labels = _crop(), _labels(model, view)
    problem = outline_problem(model, view, crop, labels, FOCAL / DISTANCE_MM)
    assert problem is not None
    return problem, state


def test_pixels_from_the_border_of_a_square() -> None:
    labels = np.zeros((21, 21), np.uint8)
    labels[8:13, 8:13] = FACE
    distance, free = skin_border(labels, np.ones(labels.shape, bool))
    assert distance[10, 12] == 0
    assert distance[10, 15] == pytest.approx(3, abs=0.05)
    assert distance[10, 10] == pytest.approx(-2, abs=0.05)
    assert free.all()


def test_under_hair_and_beyond_the_picture_nobody_knows_where_skin_ends() -> None:
    labels = np.zeros((40, 40), np.uint8)
    labels[15:25, 5:35] = FACE
    labels[5:15, :] = HAIR
    inside = np.ones(labels.shape, bool)
    inside[:, 35:] = False
    _, free = skin_border(labels, inside)
    assert free[30, 20], "below there is background"
    assert not free[10, 20], "above there is hair"
    assert not free[20, 37], "to the right the picture ends"
    labels[labels == HAIR] = BODY
    assert skin_border(labels, inside)[1][10, 20]


def test_cost_of_a_point_by_hand() -> None:
    x = np.broadcast_to(np.arange(64, dtype=np.float32), (64, 64))
    border = np.dstack([x - 40, np.ones_like(x), np.zeros_like(x)])
    problem = OutlineProblem(
        np.array([[19.5, 0, 0]]), np.zeros((1, 3, 3)), _crop(64, 1000.0), border, 0.5, 5.5, 2.0
    )
    state = FitState(np.eye(3), np.array([0, 0, 1000.0]), np.log(1000.0), np.zeros(2), np.zeros(1))
    # 31.5 + 19.5 = 51, so 11 pixels beyond: 2 spreads; 4 / (1 + 4 / 4) = 2; half of it.
    assert problem.cost(state) == pytest.approx(1.0)
    # d/dx of 0.25 robust w r^2: half the cost's slope is weight r / (1 + r^2 / c^2)^2 / sigma.
    assert problem.normal_equations(state)[1][3] == pytest.approx(0.5 * 2 / 4 / 5.5)


def test_the_gradient_is_the_slope_of_the_cost(known: tuple[OutlineProblem, FitState]) -> None:
    problem, state = known
    y, x = np.mgrid[:SIDE, :SIDE].astype(np.float32) / 40
    bowl = 10 * np.sin(x) * np.cos(y)
    border = np.dstack([bowl, 10 / 40 * np.cos(x) * np.cos(y), -10 / 40 * np.sin(x) * np.sin(y)])
    smooth = replace(problem, border=border)
    gradient = smooth.normal_equations(state)[1]
    wide = (np.full(len(state.expression), -9.0), np.full(len(state.expression), 9.0))
    for at in (0, 1, 2, 3, 4, 5, 7, 20, 60, 110):
        step = np.zeros(len(gradient))
        step[at] = 3e-3 if at < 3 else 0.3
        rise = smooth.cost(state.moved(step, wide)) - smooth.cost(state.moved(-step, wide))
        assert rise / (4 * step[at]) == pytest.approx(gradient[at], rel=0.05, abs=0.01 * abs(gradient).max())


def test_only_cheeks_jaw_and_ears_are_asked(model: MorphableModel) -> None:
    view = _view(model, _state(model))
    border = model_border(model, view)
    assert border.any()
    beyond = ~view.covered | (_labels(model, view) == BODY)
    assert (cv2.dilate(beyond.astype(np.uint8), np.ones((3, 3), np.uint8))[border] > 0).all()


@pytest.mark.parametrize("aside", [(6.0, 0.0), (-5.0, 4.0)])
def test_a_head_moved_aside_is_brought_back(
    model: MorphableModel, known: tuple[OutlineProblem, FitState], aside: tuple[float, float]
) -> None:
    _, true = known
    start = replace(true, translation=true.translation + np.array([*aside, 0.0]))
    labels = _labels(model, _view(model, true))
    settings = OutlineSettings(sigma_mm=4.0)
    problem = outline_problem(model, _view(model, start), _crop(), labels, FOCAL / DISTANCE_MM, settings)
    assert problem is not None
    pinned = Pinned(problem)
    found = descend(pinned, start, model.expression_bounds, 10)
    left = np.linalg.norm((found.translation - true.translation)[:2])
    assert left < 0.35 * np.linalg.norm(aside)


class Pinned:
    """An outline to which a head is moved up, down and aside, but neither turned nor reshaped."""

    def __init__(self, outline: OutlineProblem) -> None:
        self._outline = outline

    def cost(self, state: FitState) -> float:
        return self._outline.cost(state)

    def normal_equations(self, state: FitState) -> tuple[np.ndarray, np.ndarray]:
        normal, gradient = self._outline.normal_equations(state)
        free = np.isin(np.arange(len(gradient)), (3, 4))
        return np.where(np.outer(free, free), normal, np.eye(len(normal))), np.where(free, gradient, 0)


def test_a_face_all_covered_has_no_outline(model: MorphableModel) -> None:
    view = _view(model, _state(model))
    labels = np.where(_labels(model, view) == BACKGROUND, HAIR, FACE).astype(np.uint8)
    assert outline_problem(model, view, _crop(), labels, FOCAL / DISTANCE_MM) is None
