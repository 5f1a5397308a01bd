"""Normals that are known bend a head towards them, and nothing else does."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from backend.camera import Camera
from backend.descent import FitState, Sum, descend
from backend.face_normals import NormalMap
from backend.fit import HeadFitter
from backend.frames import HEAD_TO_CAMERA_AXES, rotation_from_angles
from backend.landmarks import DetectedFace
from backend.light import shading
from backend.morphable import MorphableModel, load_head_model
from backend.nets.face_crop import face_window
from backend.normal_problem import NormalWitness, light_of_axes
from backend.normals import vertex_normals
from backend.photo import Photo
from backend.raster import default_rasterizer, rasterize_arrays, triangulate

CAMERA = Camera.centred(900.0, 400, 300)
PHOTO = Photo(np.zeros((300, 400, 3), np.uint8), CAMERA.fx, "black")
SIDE = 96


@pytest.fixture(scope="module")
def model() -> MorphableModel:
    return load_head_model()


def _state(model: MorphableModel, seed: int) -> FitState:
    rng = np.random.default_rng(seed)
    return FitState(
        rotation_from_angles(12, -6, 4), np.array([90.0, -40.0, 1100.0]), float(np.log(CAMERA.fx)),
        rng.normal(0, 1, len(model.identity)), np.zeros(len(model.expression)),
    )  # fmt: skip


def _vertices(model: MorphableModel, state: FitState) -> np.ndarray:
    shape = model.shape(state.identity, state.expression)
    return (shape @ state.rotation.T + state.translation).astype(np.float32)


def _map(model: MorphableModel, state: FitState) -> NormalMap:
    """What a network that errs nowhere says of a state: drawn here, in the window's own axes."""
    vertices, triangles = _vertices(model, state), triangulate(model.polygons[model.solid]).vertices
    points = model.landmarks_478.of(vertices)
    window = face_window(CAMERA.project(points), SIDE)
    empty = NormalMap(
        np.zeros((SIDE, SIDE, 3), np.float32),
        np.full((SIDE, SIDE), 0.05, np.float32),
        np.zeros((SIDE, SIDE), np.float32),
        window,
    )
    drawn = rasterize_arrays(vertices, triangles, empty.crop(CAMERA).camera)
    normals = drawn.interpolate(vertex_normals(vertices, triangles)) @ HEAD_TO_CAMERA_AXES
    # What turns the window's axes into the photo's turns them back when it is transposed.
    turn = replace(empty, normals=np.broadcast_to(np.eye(3, dtype=np.float32), (1, 3, 3))).before(CAMERA)[0]
    length = np.linalg.norm(normals, axis=2, keepdims=True)
    return replace(empty, normals=(normals / np.where(length > 0, length, 1) @ turn.T).astype(np.float32))


def test_white_skin_in_three_lights_shows_its_normal() -> None:
    normals = np.random.default_rng(0).normal(size=(20, 3))
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    np.testing.assert_allclose(shading(normals, light_of_axes()), normals, atol=1e-6)


def test_axes_of_a_window_beside_the_optical_axis_are_turned(model: MorphableModel) -> None:
    found = _map(model, _state(model, 0))
    ahead = replace(found, normals=np.zeros_like(found.normals) + np.float32([0, 0, 1])).before(CAMERA)[0, 0]
    middle = found.window.to_picture(np.full(2, (SIDE - 1) / 2))
    ray = np.array([*((middle - [CAMERA.cx, CAMERA.cy]) / CAMERA.fx), 1.0])
    # The window's own axis looks along the ray; what faces it looks back along it.
    np.testing.assert_allclose(ahead @ HEAD_TO_CAMERA_AXES, -ray / np.linalg.norm(ray), atol=1e-6)


def test_the_head_that_was_drawn_costs_next_to_nothing(model: MorphableModel) -> None:
    truth, other = _state(model, 1), _state(model, 2)
    witness = NormalWitness(model, default_rasterizer("cpu"))
    problem = witness.problem(truth, PHOTO, _map(model, truth))
    assert problem.cost(truth) < 0.4 * problem.cost(other)


def test_a_head_bends_towards_the_normals(model: MorphableModel) -> None:
    truth, triangles = _state(model, 3), triangulate(model.polygons[model.solid]).vertices
    points = CAMERA.project(model.landmarks_478.of(_vertices(model, truth)))
    # Landmarks err together, as those of a detector do: alone they draw another face.
    points += 2.0 * np.sin(points / 25.0)
    face = DetectedFace(points.astype(np.float32), np.zeros(len(points), np.float32), {}, (0, 0, 1, 1))
    solved = HeadFitter(model).solve(face, PHOTO)
    relief = NormalWitness(model, default_rasterizer("cpu")).problem(solved.state, PHOTO, _map(model, truth))
    found = descend(Sum((solved.problem, relief)), solved.state, model.expression_bounds, 6)
    skin = relief.skin.vertices
    normals = [vertex_normals(_vertices(model, s), triangles)[skin] for s in (truth, solved.state, found)]
    before, after = (np.linalg.norm(n - normals[0], axis=1).mean() for n in normals[1:])
    assert after < 0.85 * before


def test_doubtful_normals_weigh_less_and_averted_skin_nothing(model: MorphableModel) -> None:
    state = _state(model, 4)
    witness, sure = NormalWitness(model, default_rasterizer("cpu")), _map(model, _state(model, 4))
    weights = witness.problem(state, PHOTO, sure).weights
    doubted = witness.problem(state, PHOTO, replace(sure, spread=2 * sure.spread)).weights
    np.testing.assert_allclose(doubted, weights / 4, rtol=1e-4)
    turned = replace(state, rotation=rotation_from_angles(60, 0, 0))
    problem = witness.problem(turned, PHOTO, _map(model, turned))
    outward = vertex_normals(_vertices(model, turned), triangulate(model.polygons[model.solid]).vertices)
    averted = outward[problem.skin.vertices][:, 2] > 0
    assert averted.any() and (problem.weights[averted] == 0).all() and (problem.weights > 0).any()
