"""What the network says of a face reaches the fit in the photo's own camera, or not at all."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from backend.camera import Camera
from backend.face_estimate import (
    USUAL_EXPRESSION_ERROR,
    USUAL_IDENTITY_ERROR,
    FaceErrors,
    FaceEstimate,
    NetworkFaceEstimator,
    errors_of,
    face_estimator,
)
from backend.frames import rotation_from_angles
from backend.landmarks import DetectedFace
from backend.morphable import load_head_model
from backend.nets.face_crop import WindowCameras, face_window
from backend.nets.face_net import FaceDimensions, light_face_net
from backend.photo import Photo

CAMERA = Camera.centred(900.0, 320, 240)
POINTS = np.random.default_rng(0).uniform((60, 40), (160, 150), (478, 2)).astype(np.float32)


@pytest.fixture(scope="module")
def face() -> DetectedFace:
    return DetectedFace(POINTS, np.zeros(478, np.float32), {}, (60.0, 40.0, 160.0, 150.0))


def _errors() -> FaceErrors:
    model = load_head_model()
    return FaceErrors(np.full(len(model.identity), 0.5), np.full(len(model.expression), 0.1), 2.0)


def test_a_pose_within_the_window_becomes_one_before_the_photos_camera() -> None:
    window, translation = face_window(POINTS), np.array([-40.0, -25.0, 1200.0])
    rotation = rotation_from_angles(20, -10, 5)
    principal = window.to_window(np.array([CAMERA.cx, CAMERA.cy]))
    cameras = WindowCameras(
        torch.tensor([CAMERA.fx * window.scale], dtype=torch.float64),
        torch.from_numpy(principal)[None],
        window.width,
    )
    estimate = FaceEstimate(
        identity=np.zeros(80, np.float32),
        expression=np.zeros(52, np.float32),
        albedo=np.zeros(0, np.float32),
        light=np.zeros((9, 3), np.float32),
        rotation=(cameras.rays()[0].T @ torch.from_numpy(rotation)).numpy(),
        place=cameras.place_of(torch.from_numpy(translation)[None])[0].numpy(),
        window=window,
        errors=_errors(),
    )
    pose = estimate.pose(CAMERA)
    np.testing.assert_allclose(pose.rotation, rotation, atol=1e-6)
    np.testing.assert_allclose(pose.translation_mm, translation, atol=1e-6)


def test_the_network_answers_within_bounds_and_repeatably(face: DetectedFace) -> None:
    model = load_head_model()
    torch.manual_seed(0)
    net = light_face_net(FaceDimensions.of(model)).eval().requires_grad_(False)
    rng = np.random.default_rng(0)
    photo = Photo(rng.integers(0, 256, (240, 320, 3), np.uint8), None, "noise")
    one, other = (NetworkFaceEstimator(net, _errors()).estimate(photo, face) for _ in range(2))
    assert one.identity.shape == (len(model.identity),)
    assert one.light.shape == (9, 3)
    assert (one.expression >= 0).all() and (one.expression <= 1).all()
    np.testing.assert_allclose(one.rotation @ one.rotation.T, np.eye(3), atol=1e-5)
    np.testing.assert_array_equal(one.identity, other.identity)
    assert one.surprise == pytest.approx(float(np.sqrt((one.identity**2).mean())), rel=1e-4)


def test_without_sound_weights_the_landmarks_stand_in(tmp_path: Path) -> None:
    model = load_head_model()
    assert face_estimator(model, weights=tmp_path / "none.safetensors") is None
    damaged = tmp_path / "face.safetensors"
    damaged.write_bytes(b"no weights")
    assert face_estimator(model, weights=damaged) is None


def test_the_network_is_not_asked_about_another_model(tmp_path: Path) -> None:
    assert face_estimator(replace(load_head_model(), name="another"), weights=tmp_path / "any") is None


def test_errors_come_from_the_file_where_it_speaks_of_this_model() -> None:
    model = load_head_model()
    k, e = len(model.identity), len(model.expression)
    known = {"identity_sigma": json.dumps([0.25] * k), "rotation_sigma_deg": "3.0"}
    errors = errors_of(known, model)
    assert (errors.identity == 0.25).all()
    assert (errors.expression == np.full(e, USUAL_EXPRESSION_ERROR)).all()
    assert errors.rotation_deg == pytest.approx(3.0 / np.sqrt(3))


@pytest.mark.parametrize("text", ["[1.0, 2.0]", "no list", "[", '"a"', json.dumps([-1.0] * 80), "{}"])
def test_errors_that_make_no_sense_are_not_believed(text: str) -> None:
    assert (errors_of({"identity_sigma": text}, load_head_model()).identity == USUAL_IDENTITY_ERROR).all()
