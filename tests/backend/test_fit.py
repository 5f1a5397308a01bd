"""The fit recovers heads whose coefficients, pose and camera are known."""

from __future__ import annotations

import numpy as np
import pytest

from backend.camera import Camera
from backend.face_estimate import FaceErrors, FaceEstimate
from backend.fit import HeadFit, HeadFitter
from backend.frames import Pose, rotation_from_angles
from backend.landmarks import DetectedFace
from backend.morphable import MorphableModel, load_head_model
from backend.nets.face_crop import FACE_SIDE_MM, face_window
from backend.photo import Photo

CAMERA = Camera.centred(1400.0, 900, 700)


@pytest.fixture(scope="module")
def model() -> MorphableModel:
    return load_head_model()


@pytest.fixture(scope="module")
def fitter(model: MorphableModel) -> HeadFitter:
    return HeadFitter(model)


def _seen(
    model: MorphableModel, pose: Pose, identity: np.ndarray, weights: dict[str, float], noise_px: float = 0.0
) -> tuple[DetectedFace, np.ndarray]:
    """Landmarks of a known head as a detector would report them, and its vertices."""
    expression = np.array([weights.get(name, 0.0) for name in model.expression_names], np.float32)
    vertices = model.shape(identity, expression)
    points = CAMERA.project(pose.to_camera(model.landmarks_478.of(vertices)))
    points = points + np.random.default_rng(0).normal(0, noise_px, points.shape) if noise_px else points
    low, high = points.min(0), points.max(0)
    box = (float(low[0]), float(low[1]), float(high[0]), float(high[1]))
    face = DetectedFace(points.astype(np.float32), np.zeros(478, np.float32), dict(weights), box)
    return face, vertices


def _photo(focal_px: float | None) -> Photo:
    return Photo(np.zeros((CAMERA.height, CAMERA.width, 3), np.uint8), focal_px, "known")


def _angle_deg(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.rad2deg(np.arccos(np.clip((np.trace(a.T @ b) - 1) / 2, -1, 1))))


@pytest.mark.parametrize("angles", [(0, 0, 0), (25, -8, 5), (-40, 12, -15)])
def test_pose_is_recovered(model: MorphableModel, fitter: HeadFitter, angles: tuple[int, int, int]) -> None:
    pose = Pose(rotation_from_angles(*angles), np.array([20.0, -30.0, 1200.0]))
    identity = np.random.default_rng(1).normal(0, 0.6, len(model.identity)).astype(np.float32)
    face, _ = _seen(model, pose, identity, {"jawOpen": 0.3, "mouthSmileLeft": 0.6, "mouthSmileRight": 0.6})
    fit = fitter.fit(face, _photo(CAMERA.fx))
    assert _angle_deg(fit.pose.rotation, pose.rotation) < 1.5
    assert np.linalg.norm(fit.pose.translation_mm - pose.translation_mm) < 0.03 * 1200
    assert fit.rms_mm < 0.5


def test_shape_beats_the_mean_head(model: MorphableModel, fitter: HeadFitter) -> None:
    pose = Pose(rotation_from_angles(10, 0, 0), np.array([0.0, 0.0, 1000.0]))
    identity = np.random.default_rng(2).normal(0, 1, len(model.identity)).astype(np.float32)
    face, truth = _seen(model, pose, identity, {})
    fitted = fitter.fit(face, _photo(CAMERA.fx)).vertices(model)
    region = model.regions["face"]
    assert _aligned_error(fitted, truth, region) < 0.7 * _aligned_error(model.mean, truth, region)


def _aligned_error(shape: np.ndarray, truth: np.ndarray, region: np.ndarray) -> float:
    a, b = shape[region] - shape[region].mean(0), truth[region] - truth[region].mean(0)
    u, _, vt = np.linalg.svd(a.T @ b)
    rotation = u @ np.diag([1, 1, np.linalg.det(u @ vt)]) @ vt
    scale = (b * (a @ rotation)).sum() / (a * a).sum()
    return float(np.linalg.norm(scale * a @ rotation - b, axis=1).mean())


def test_unknown_focal_length_keeps_pose_and_projection(model: MorphableModel, fitter: HeadFitter) -> None:
    pose = Pose(rotation_from_angles(15, 5, 0), np.array([0.0, 0.0, 1300.0]))
    face, _ = _seen(model, pose, np.zeros(len(model.identity), np.float32), {}, noise_px=0.5)
    fit = fitter.fit(face, _photo(None))
    assert _angle_deg(fit.pose.rotation, pose.rotation) < 4.0
    assert 0.6 < fit.camera.fx / CAMERA.fx < 1.6


def test_bad_points_lose_their_vote(model: MorphableModel, fitter: HeadFitter) -> None:
    pose = Pose(rotation_from_angles(-10, 0, 0), np.array([0.0, 0.0, 1100.0]))
    face, _ = _seen(model, pose, np.zeros(len(model.identity), np.float32), {})
    points = face.points_px.copy()
    points[::20] += np.float32([60, -45])
    spoiled = DetectedFace(points, face.points_z, face.expression_scores, face.box)
    fit = fitter.fit(spoiled, _photo(CAMERA.fx))
    assert _angle_deg(fit.pose.rotation, pose.rotation) < 2.0
    assert np.abs(fit.identity).max() < 2.5


def test_residual_brings_the_mesh_under_its_landmarks(model: MorphableModel, fitter: HeadFitter) -> None:
    pose = Pose(rotation_from_angles(0, 0, 0), np.array([0.0, 0.0, 1000.0]))
    seen, _ = _seen(model, pose, np.zeros(len(model.identity), np.float32), {})
    corner = seen.points_px[61]
    near = np.exp(-((np.linalg.norm(seen.points_px - corner, axis=1) / 20) ** 2))
    points = seen.points_px + np.float32([-5, -4]) * near[:, None]  # a smirk that no unit can do
    face = DetectedFace(points, seen.points_z, seen.expression_scores, seen.box)
    fit = fitter.fit(face, _photo(CAMERA.fx))

    def error(vertices: np.ndarray) -> float:
        projected = fit.camera.project(fit.pose.to_camera(model.landmarks_478.of(vertices)))
        return float(np.linalg.norm(projected - points, axis=1)[near > 0.5].mean())

    assert error(fit.vertices(model)) < 0.5 * error(fit.vertices(model) - fit.residual_mm)


def test_expression_stays_in_range(model: MorphableModel, fitter: HeadFitter) -> None:
    pose = Pose(rotation_from_angles(0, 0, 0), np.array([0.0, 0.0, 1000.0]))
    face, _ = _seen(
        model, pose, np.zeros(len(model.identity), np.float32), {"jawOpen": 1.0, "eyeBlinkLeft": 1.0}
    )
    fit = fitter.fit(face, _photo(CAMERA.fx))
    assert fit.expression.min() >= 0 and fit.expression.max() <= 1
    assert fit.expression[model.expression_names.index("jawOpen")] > 0.6


def test_mean_head_is_found_with_nothing_invented(model: MorphableModel, fitter: HeadFitter) -> None:
    pose = Pose(rotation_from_angles(0, 0, 0), np.array([0.0, 0.0, 1000.0]))
    face, truth = _seen(model, pose, np.zeros(len(model.identity), np.float32), {})
    fit: HeadFit = fitter.fit(face, _photo(CAMERA.fx))
    assert np.abs(fit.identity).max() < 0.3
    assert np.linalg.norm(fit.vertices(model) - truth, axis=1)[model.regions["face"]].mean() < 0.5


def _estimate(model: MorphableModel, face: DetectedFace, identity: np.ndarray, angles: tuple) -> FaceEstimate:
    """What a network would say that sees this identity and these angles in the middle of its window."""
    window = face_window(face.points_px)
    span_mm = 1000.0 / CAMERA.fx * window.width / window.scale
    return FaceEstimate(
        identity=identity.astype(np.float32),
        expression=np.zeros(len(model.expression), np.float32),
        albedo=np.zeros(0, np.float32),
        light=np.zeros((9, 3), np.float32),
        rotation=rotation_from_angles(*angles).astype(np.float32),
        place=np.array([0.0, 0.0, np.log(span_mm / FACE_SIDE_MM)], np.float32),
        window=window,
        errors=FaceErrors(np.full(len(model.identity), 0.1), np.full(len(model.expression), 0.1), 1.0),
    )


def test_a_network_that_is_sure_is_believed_about_the_shape(
    model: MorphableModel, fitter: HeadFitter
) -> None:
    pose = Pose(rotation_from_angles(0, 0, 0), np.array([0.0, 0.0, 1000.0]))
    identity = np.random.default_rng(4).normal(0, 0.7, len(model.identity))
    face, truth = _seen(model, pose, identity, {}, noise_px=3.0)
    start = _estimate(model, face, identity, (0, 0, 0))
    alone, led = (fitter.fit(face, _photo(CAMERA.fx), seen).vertices(model) for seen in (None, start))
    region = model.regions["face"]
    assert _aligned_error(led, truth, region) < 0.5 * _aligned_error(alone, truth, region)


def test_a_network_that_is_wrong_about_the_pose_is_outvoted(
    model: MorphableModel, fitter: HeadFitter
) -> None:
    pose = Pose(rotation_from_angles(0, 0, 0), np.array([0.0, 0.0, 1000.0]))
    nobody = np.zeros(len(model.identity), np.float32)
    face, _ = _seen(model, pose, nobody, {})
    fit = fitter.fit(face, _photo(CAMERA.fx), _estimate(model, face, nobody, (30, 0, 0)))
    assert _angle_deg(fit.pose.rotation, pose.rotation) < 5.0
    assert fit.disagreement_deg > 25


@pytest.mark.parametrize("estimated", [False, True])
def test_nonsense_does_not_explode(model: MorphableModel, fitter: HeadFitter, estimated: bool) -> None:
    rng = np.random.default_rng(5)
    pose = Pose(rotation_from_angles(55, 0, 0), np.array([0.0, 0.0, 1000.0]))
    nobody = np.zeros(len(model.identity), np.float32)
    wild = {"jawOpen": 1.0, "eyeBlinkLeft": 1.0, "eyeBlinkRight": 1.0, "mouthFunnel": 1.0}
    seen, _ = _seen(model, pose, nobody, wild)
    points = seen.points_px.copy()
    points[200:] = points.mean(axis=0) + rng.normal(0, 60, points[200:].shape)
    face = DetectedFace(points, seen.points_z, seen.expression_scores, seen.box)
    start = _estimate(model, seen, nobody, (55, 0, 0)) if estimated else None
    fit = fitter.fit(face, _photo(None), start)
    assert np.abs(fit.identity).max() < 3
    assert fit.expression.min() >= 0 and fit.expression.max() <= 1
    assert np.isfinite(fit.vertices(model)).all()
    assert np.abs(fit.residual_mm).max() < 30
