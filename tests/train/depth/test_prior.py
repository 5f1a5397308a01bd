"""The geometric prior of a head whose bare shape is known."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from backend.fit import HeadFit
from backend.head_parse import BACKGROUND, BODY, EAR, FACE, HAIR
from backend.morphable import load_head_model
from backend.project import project_head
from backend.raster import TorchRasterizer
from train.depth.data import read_views
from train.depth.prior import add_priors

from . import eggs

SIDE = 64


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The mean head with a cap of hair, as the generator would write it."""
    path = tmp_path_factory.mktemp("head")
    line = eggs.write_view(path, "head", "head", 20.0, SIDE)
    model = load_head_model()
    identity = np.zeros(len(model.identity), np.float32)
    expression = np.zeros(len(model.expression_names), np.float32)
    shape = np.zeros_like(model.shape(identity, expression))
    camera, pose = eggs.camera_of(SIDE), eggs.pose_of(20.0)
    head = project_head(
        model, HeadFit(identity, expression, shape, pose, camera, 0.0, 0.0), camera, TorchRasterizer()
    )
    np.save(path / line["face_depth"], head.face_mm)
    masks = [head.face, head.ears, head.scalp, head.neck]
    regions = np.select(masks, [FACE, EAR, HAIR, BODY], BACKGROUND).astype(np.uint8)
    matte = np.where(head.skull, 255, 0).astype(np.uint8)
    eggs.cv2.imwrite(str(path / line["regions"]), regions)
    eggs.cv2.imwrite(str(path / line["alpha"]), np.dstack([matte] * 3))
    bare = {"identity": identity.tolist(), "expression": expression.tolist()}
    without = {name: value for name, value in line.items() if name != "prior"}
    return eggs.write_lines(path, [{**without, "scene": {"person": {"head": bare}}}])


def test_the_prior_keeps_the_face_and_rounds_the_rest(folder: Path) -> None:
    assert read_views(folder)[0].prior is None
    assert add_priors(folder) == 1
    view = read_views(folder)[0]
    assert view.prior is not None
    maps = view.read()
    near = np.abs(maps["prior"] - maps["face"])[(maps["regions"] == FACE) & np.isfinite(maps["face"])]
    # Its border is led into the rest over some pixels.
    assert np.median(near) < 0.5
    hair = maps["prior"][maps["regions"] == HAIR]
    assert np.isfinite(hair).mean() > 0.9
    assert np.nanmin(hair) > np.nanmin(maps["face"]) - 20
    assert np.nanmax(hair) < 900 + 60


def test_what_has_a_prior_keeps_it(folder: Path) -> None:
    add_priors(folder)
    path = folder / "head_prior.npy"
    path.write_bytes(b"kept")
    line = json.loads((folder / "manifest.jsonl").read_text())
    assert add_priors(folder) == 1
    assert path.read_bytes() == b"kept"
    assert json.loads((folder / "manifest.jsonl").read_text()) == line
    path.unlink()
