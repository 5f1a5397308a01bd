"""What the normal network says of a face reaches the fit for the right pixels, or not at all."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from backend.camera import Camera
from backend.crop import square_crop
from backend.face_normals import NetworkNormalEstimator, normal_estimator
from backend.landmarks import DetectedFace
from backend.morphable import load_head_model
from backend.nets.face_crop import face_window
from backend.nets.layers import folded
from backend.nets.normal_net import ARCHITECTURE, NORMAL_SIDE, STRIDE, NormalNet
from backend.photo import Photo
from train.common.export import write_weights

POINTS = np.random.default_rng(0).uniform((60, 40), (160, 150), (478, 2)).astype(np.float32)
FACE = DetectedFace(POINTS, np.zeros(478, np.float32), {}, (60.0, 40.0, 160.0, 150.0))
PHOTO = Photo(np.random.default_rng(1).integers(0, 256, (240, 320, 3), np.uint8), None, "noise")


@pytest.fixture(scope="module")
def net() -> NormalNet:
    torch.manual_seed(0)
    return folded(NormalNet()).requires_grad_(False)


def test_the_map_covers_the_faces_window_in_half_as_many_pixels(net: NormalNet) -> None:
    found = NetworkNormalEstimator(net).estimate(PHOTO, FACE)
    side = NORMAL_SIDE // STRIDE
    assert found.normals.shape == (side, side, 3) and found.spread.shape == (side, side)
    np.testing.assert_allclose(np.linalg.norm(found.normals, axis=2), 1, atol=1e-5)
    assert (found.spread > 0).all() and (found.covered >= 0).all() and (found.covered <= 1).all()
    window = face_window(POINTS, NORMAL_SIDE)
    corners = np.array([[-0.5, -0.5], [side - 0.5] * 2])
    np.testing.assert_allclose(
        found.window.to_picture(corners), window.to_picture(STRIDE * corners + (STRIDE - 1) / 2), atol=1e-3
    )


def test_a_crop_of_the_photo_sees_what_covers_the_face(net: NormalNet) -> None:
    found = NetworkNormalEstimator(net).estimate(PHOTO, FACE)
    size = found.window.width
    found = replace(found, covered=np.linspace(0.1, 1, size * size, dtype=np.float32).reshape(size, size))
    crop = square_crop(PHOTO, Camera.centred(400.0, 320, 240), 120.0, 90.0, 300.0, 64)
    seen = found.covered_in(crop)
    rng = np.random.default_rng(2)
    inside = 0
    for row, column in rng.integers(0, 64, (60, 2)):
        x, y = found.window.to_window(crop.to_photo(np.array([float(column), float(row)])))
        if min(x, y) > -0.4 and max(x, y) < size - 0.6:
            near = found.covered[max(int(y), 0) : int(y) + 2, max(int(x), 0) : int(x) + 2]
            assert np.abs(near - seen[row, column]).min() < 1e-6
            inside += 1
        elif min(x, y) < -0.6 or max(x, y) > size - 0.4:
            assert seen[row, column] == 0
    assert 10 < inside < 60


def test_without_sound_weights_the_relief_is_left_alone(net: NormalNet, tmp_path: Path) -> None:
    model, path = load_head_model(), tmp_path / "normals.safetensors"
    assert normal_estimator(model, weights=path) is None
    path.write_bytes(b"no weights")
    assert normal_estimator(model, weights=path) is None
    write_weights(net, path, {"architecture": ARCHITECTURE, "side": "128"})
    assert normal_estimator(model, weights=path) is not None
    assert normal_estimator(replace(model, name="another"), weights=path) is None
