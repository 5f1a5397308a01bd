"""A head that is narrower than the photo's is widened where its outline is seen, and nowhere else."""

from __future__ import annotations

import numpy as np
import pytest

from backend.camera import Camera
from backend.crop import HeadCrop
from backend.fit import HeadFit
from backend.frames import Pose, rotation_from_angles
from backend.head_parse import BACKGROUND, BODY, FACE, HAIR
from backend.morphable import MorphableModel, load_head_model
from backend.outline_problem import model_border, skin_border
from backend.outline_residual import outline_residual
from backend.raster import FragmentArrays, default_rasterizer, rasterize_arrays, triangulate

SIDE, FOCAL, DISTANCE_MM = 256, 900.0, 1000.0
WIDER = np.float32([1.06, 1.0, 1.0])


@pytest.fixture(scope="module")
def model() -> MorphableModel:
    return load_head_model()


def _crop() -> HeadCrop:
    return HeadCrop(
        np.zeros((SIDE, SIDE, 3), np.uint8), np.ones((SIDE, SIDE), bool),
        Camera.centred(FOCAL, SIDE, SIDE), 1.0, 0.0, 0.0,
    )  # fmt: skip


def _fit(model: MorphableModel) -> HeadFit:
    return HeadFit(
        identity=np.zeros(len(model.identity), np.float32),
        expression=np.zeros(len(model.expression), np.float32),
        residual_mm=np.zeros_like(model.mean),
        pose=Pose(rotation_from_angles(12, -4, 3), np.array([4.0, -3.0, DISTANCE_MM])),
        camera=_crop().camera,
        rms_px=0.0,
        rms_mm=0.0,
    )


def _view(model: MorphableModel, fit: HeadFit, head: np.ndarray) -> FragmentArrays:
    triangles = triangulate(model.polygons[model.solid]).vertices
    return rasterize_arrays(fit.pose.to_camera(head), triangles, _crop().camera)


def _labels(model: MorphableModel, view: FragmentArrays, around: int) -> np.ndarray:
    """What a parser would say of a bald head: hair on the scalp, a body below it."""
    scalp, neck = (model.regions[name][view.triangles].sum(axis=1) >= 2 for name in ("scalp", "neck"))
    region = np.select([scalp, neck], [HAIR, BODY], FACE)
    return np.where(view.covered, region[view.face.clip(0)], around).astype(np.uint8)


def _off_px(model: MorphableModel, fit: HeadFit, head: np.ndarray, labels: np.ndarray) -> float:
    view = _view(model, fit, head)
    distance, known = skin_border(labels, _crop().inside)
    face = view.covered & model.regions["face"][view.triangles].all(axis=1)[view.face.clip(0)]
    return float(np.abs(distance[model_border(model, view) & known & face]).mean())


def test_a_narrow_head_is_widened_to_the_photos_outline(model: MorphableModel) -> None:
    fit, true = _fit(model), model.mean * WIDER
    labels = _labels(model, _view(model, fit, true), BACKGROUND)
    missing = outline_residual(model, fit, _crop(), labels, default_rasterizer("cpu"))
    assert missing.dtype == np.float32
    before, after = (_off_px(model, fit, head, labels) for head in (model.mean, model.mean + missing))
    assert before > 2
    assert after < 0.3 * before
    outwards = missing[:, 0] * np.sign(model.mean[:, 0])
    assert 2 < outwards.max() < 8


def test_what_the_outline_does_not_tell_stays(model: MorphableModel) -> None:
    fit = _fit(model)
    labels = _labels(model, _view(model, fit, model.mean * WIDER), BACKGROUND)
    missing = np.linalg.norm(outline_residual(model, fit, _crop(), labels, default_rasterizer("cpu")), axis=1)
    nose = np.linalg.norm(model.mean - model.mean[model.mean[:, 2].argmax()], axis=1) < 15
    assert missing[nose].max() < 0.3
    assert missing[model.mean[:, 2] < -60].max() < 0.5


def test_a_head_that_fits_hardly_moves(model: MorphableModel) -> None:
    fit = _fit(model)
    labels = _labels(model, _view(model, fit, model.mean), BACKGROUND)
    assert np.abs(outline_residual(model, fit, _crop(), labels, default_rasterizer("cpu"))).max() < 0.5


@pytest.mark.parametrize("what", ["hair", "nothing", "far"])
def test_no_outline_no_change(model: MorphableModel, what: str) -> None:
    fit = _fit(model)
    head = model.mean * (1.4 if what == "far" else 1.06)
    labels = _labels(model, _view(model, fit, head), HAIR if what == "hair" else BACKGROUND)
    if what == "nothing":
        labels[:] = BACKGROUND
    missing = outline_residual(model, fit, _crop(), labels, default_rasterizer("cpu"))
    if what == "hair":
        labels[labels == BODY] = HAIR
        missing = outline_residual(model, fit, _crop(), labels, default_rasterizer("cpu"))
    assert not missing.any() if what != "far" else np.abs(missing).max() < 8
