"""The polish on heads whose answer is known: it explains more than before, and moves towards the truth."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest

from backend.camera import Camera
from backend.colour import from_linear
from backend.crop import HeadCrop, head_crop
from backend.descent import FitState
from backend.face_estimate import FaceErrors, FaceEstimate
from backend.fit import HeadFitter, Solved
from backend.frames import HEAD_TO_CAMERA_AXES, Pose, rotation_from_angles
from backend.head_parse import BACKGROUND, BODY, EAR, FACE, OTHER_HEAD, HeadParse
from backend.landmarks import DetectedFace
from backend.light import shading
from backend.morphable import MorphableModel, load_head_model
from backend.nets.face_crop import FACE_SIDE_MM, face_window
from backend.normals import vertex_normals
from backend.photo import Photo
from backend.polish import Polisher
from backend.raster import default_rasterizer, rasterize_arrays, triangulate

SIDE, DISTANCE_MM = 256, 1000.0
CAMERA = Camera.centred(SIDE * DISTANCE_MM / 420.0, SIDE, SIDE)
CROP_SIDE = 256
NETWORK_ERROR, COMMON_MM = 0.6, 2.0
"""Of the coefficients that the network says, and of landmarks that err together."""


@dataclass(frozen=True)
class KnownHead:
    """A picture of a bald head, and what stages before the polish would say of it."""

    truth: np.ndarray
    """(N,3) head frame."""
    photo: Photo
    face: DetectedFace
    estimate: FaceEstimate
    labels: np.ndarray
    """(S,S) classes of the photo."""


@pytest.fixture(scope="module")
def model() -> MorphableModel:
    return load_head_model()


def _known_head(model: MorphableModel, seed: int) -> KnownHead:
    rng = np.random.default_rng(seed)
    identity = rng.normal(0, 1, len(model.identity)).astype(np.float32)
    expression = rng.uniform(0, 0.2, len(model.expression)).astype(np.float32)
    angles = rng.normal(0, [20, 6, 4])
    pose = Pose(rotation_from_angles(*angles), np.array([0.0, 0.0, DISTANCE_MM]))
    truth = model.shape(identity, expression)
    vertices = pose.to_camera(truth)
    triangles = triangulate(model.polygons[model.solid]).vertices
    assert model.albedo is not None
    light = rng.normal(0, 0.15, (9, 1)).repeat(3, axis=1)
    light[0], light[3] = 2.8, 0.8
    normals = vertex_normals(vertices, triangles) @ HEAD_TO_CAMERA_AXES
    colours = model.albedo.of(rng.normal(0, 0.7, len(model.albedo))) * shading(normals, light)
    drawn = rasterize_arrays(vertices, triangles, CAMERA)
    pixels = np.rint(255 * from_linear(drawn.interpolate(colours.astype(np.float32)).clip(0, 1)))
    pixels = np.where(drawn.covered[..., None], pixels, 90).astype(np.uint8)
    ears = model.regions["ear_left"] | model.regions["ear_right"]
    classes = np.select([model.regions["scalp"], model.regions["neck"], ears], [OTHER_HEAD, BODY, EAR], FACE)
    nearest = drawn.triangles[drawn.face.clip(0), 0]
    labels = np.where(drawn.covered, classes[nearest], BACKGROUND).astype(np.uint8)
    points = CAMERA.project(pose.to_camera(model.landmarks_478.of(truth)))
    middle, px_per_mm = points.mean(axis=0), CAMERA.fx / DISTANCE_MM
    bent = (points - middle) @ rng.normal(0, COMMON_MM / 60, (2, 2))
    seen = (points + bent + rng.normal(0, 0.5 * px_per_mm, points.shape)).astype(np.float32)
    scores = dict(zip(model.expression_names, expression.tolist(), strict=True))
    face = DetectedFace(seen, np.zeros(478, np.float32), scores, (*seen.min(0), *seen.max(0)))
    estimate = _estimate(model, face, identity, expression, pose, rng)
    return KnownHead(truth, Photo(pixels, CAMERA.fx, "known"), face, estimate, labels)


def _estimate(
    model: MorphableModel,
    face: DetectedFace,
    identity: np.ndarray,
    expression: np.ndarray,
    pose: Pose,
    rng: np.random.Generator,
) -> FaceEstimate:
    window = face_window(face.points_px)
    span_mm = DISTANCE_MM / CAMERA.fx * window.width / window.scale
    return FaceEstimate(
        identity=(identity + rng.normal(0, NETWORK_ERROR, len(identity))).astype(np.float32),
        expression=expression,
        albedo=np.zeros(0, np.float32),
        light=np.zeros((9, 3), np.float32),
        rotation=pose.rotation.astype(np.float32),
        place=np.array([0.0, 0.0, np.log(span_mm / FACE_SIDE_MM)], np.float32),
        window=window,
        errors=FaceErrors(np.full(len(identity), NETWORK_ERROR), np.full(len(expression), 0.1), 2.0),
    )


@dataclass(frozen=True)
class Polished:
    """One head before and after."""

    known: KnownHead
    solved: Solved
    crop: HeadCrop
    parse: HeadParse
    polished: FitState


@pytest.fixture(scope="module")
def polished(model: MorphableModel) -> list[Polished]:
    fitter, polisher = HeadFitter(model), Polisher(model, default_rasterizer("cpu"))
    heads = []
    for seed in range(6):
        known = _known_head(model, seed)
        solved = fitter.solve(known.face, known.photo, known.estimate)
        fit = fitter.finished(solved, known.photo)
        crop = head_crop(known.photo, fit.camera, fit.pose, CROP_SIDE)
        at = np.rint(crop.to_photo(np.stack(np.meshgrid(*[np.arange(CROP_SIDE)] * 2), axis=-1)))
        x, y = at.astype(int).clip(0, SIDE - 1).transpose(2, 0, 1)
        nothing = np.zeros((CROP_SIDE, CROP_SIDE), np.float32)
        parse = HeadParse(known.labels[y, x], nothing, nothing)
        found = polisher.polish(solved, crop, parse)
        heads.append(Polished(known, solved, crop, parse, found))
    return heads


def _error_mm(model: MorphableModel, state: FitState, truth: np.ndarray) -> float:
    """Mean distance of the face's vertices, laid onto the truth by the best similarity."""
    face = model.regions["face"]
    shape = model.shape(state.identity, state.expression)[face]
    a, b = shape - shape.mean(0), truth[face] - truth[face].mean(0)
    u, _, vt = np.linalg.svd(a.T @ b)
    turn = u @ np.diag([1, 1, np.linalg.det(u @ vt)]) @ vt
    scale = (b * (a @ turn)).sum() / (a * a).sum()
    return float(np.linalg.norm(scale * a @ turn - b, axis=1).mean())


def test_what_is_minimised_never_grows(model: MorphableModel, polished: list[Polished]) -> None:
    polisher = Polisher(model, default_rasterizer("cpu"))
    for head in polished:
        objective = polisher.objective(head.solved, head.crop, head.parse)
        assert objective.cost(head.polished) <= objective.cost(head.solved.state)


def test_heads_come_closer_to_the_truth_on_average(model: MorphableModel, polished: list[Polished]) -> None:
    before = [_error_mm(model, head.solved.state, head.known.truth) for head in polished]
    after = [_error_mm(model, head.polished, head.known.truth) for head in polished]
    assert np.mean(after) < np.mean(before)


def test_pixels_leave_the_focal_length_to_the_landmarks(
    model: MorphableModel, polished: list[Polished]
) -> None:
    head = polished[0]
    unknown = replace(head.known.photo, focal_px=None)
    solved = HeadFitter(model).solve(head.known.face, unknown, head.known.estimate)
    found = Polisher(model, default_rasterizer("cpu")).polish(solved, head.crop, head.parse)
    assert found.log_focal == solved.state.log_focal
    assert not np.allclose(found.identity, solved.state.identity)


def test_a_model_without_colours_and_skull_stays_as_it_is(
    model: MorphableModel, polished: list[Polished]
) -> None:
    head = polished[0]
    bare = replace(model, albedo=None, mean=model.mean + np.float32([0, 0, 500]))
    found = Polisher(bare, default_rasterizer("cpu")).polish(head.solved, head.crop, head.parse)
    np.testing.assert_allclose(found.identity, head.solved.state.identity, atol=0.05)
