"""The product's side of the depth network: it corrects the prior, and the prior stands in for it."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from torch import Tensor

from backend.crop import HeadCrop
from backend.depth import GeometricPrior, HeadDepth
from backend.depth_network import NetworkHeadDepth, _spread, head_depth_estimator
from backend.fit import HeadFit
from backend.head_parse import BACKGROUND, BODY, EAR, FACE, HAIR, HeadParse
from backend.morphable import load_head_model
from backend.nets.depth_net import (
    ARCHITECTURE,
    DEPTH_ASSET,
    DEPTH_SIDE,
    FARTHEST,
    UNIT_MM,
    DepthNet,
    HeadView,
    LikenessDepthNet,
    load_depth_net,
)
from backend.project import ProjectedHead, project_head
from backend.raster import TorchRasterizer
from tests.train.depth import eggs
from train.common.export import write_weights

SIDE = 512
CENTRE_MM = 900.0


@pytest.fixture(scope="module")
def stage() -> tuple[HeadCrop, HeadParse, ProjectedHead]:
    """What the stage is given of the mean head with a cap of hair."""
    model = load_head_model()
    identity = np.zeros(len(model.identity), np.float32)
    expression = np.zeros(len(model.expression_names), np.float32)
    none = np.zeros_like(model.shape(identity, expression))
    camera, pose = eggs.camera_of(SIDE), eggs.pose_of(15.0)
    fit = HeadFit(identity, expression, none, pose, camera, 0.0, 0.0)
    head = project_head(model, fit, camera, TorchRasterizer())
    masks = [head.face, head.ears, head.scalp, head.neck]
    labels = np.select(masks, [FACE, EAR, HAIR, BODY], BACKGROUND).astype(np.uint8)
    matte = head.skull.astype(np.float32)
    pixels = np.random.default_rng(0).integers(0, 256, (SIDE, SIDE, 3), np.uint8)
    crop = HeadCrop(pixels, np.ones((SIDE, SIDE), bool), camera, 1.0, 0.0, 0.0)
    return crop, HeadParse(labels, matte, matte), head


@pytest.fixture(scope="module")
def prior(stage: tuple[HeadCrop, HeadParse, ProjectedHead]) -> HeadDepth:
    return GeometricPrior().estimate(*stage, CENTRE_MM)


class Adding(DepthNet):
    """Says the prior and so much more."""

    def __init__(self, more: float) -> None:
        super().__init__()
        self.more = more

    def forward(self, view: HeadView) -> Tensor:
        return view.prior.nan_to_num(0.0) + self.more


def test_an_untrained_network_says_what_the_prior_says(
    stage: tuple[HeadCrop, HeadParse, ProjectedHead], prior: HeadDepth
) -> None:
    found = NetworkHeadDepth(LikenessDepthNet().eval()).estimate(*stage, CENTRE_MM)
    for name in ("front", "back", "face"):
        np.testing.assert_allclose(getattr(found, name), getattr(prior, name), atol=1e-3)


def test_hair_moves_and_the_face_stays(
    stage: tuple[HeadCrop, HeadParse, ProjectedHead], prior: HeadDepth
) -> None:
    _, parse, head = stage
    found = NetworkHeadDepth(Adding(0.1)).estimate(*stage, CENTRE_MM)
    hair = (parse.labels == HAIR) & np.isfinite(prior.front)
    np.testing.assert_allclose((prior.front - found.front)[hair], 10.0, atol=0.1)
    seen = np.isfinite(head.face_mm) & (parse.labels == FACE)
    inner = cv2.erode(seen.astype(np.uint8), np.ones((25, 25), np.uint8)) > 0
    assert inner.sum() > 5000
    np.testing.assert_allclose(found.front[inner], head.face_mm[inner], atol=1e-3)
    np.testing.assert_array_equal(np.isfinite(found.front), np.isfinite(prior.front))


def test_a_mad_network_makes_no_spikes(
    stage: tuple[HeadCrop, HeadParse, ProjectedHead], prior: HeadDepth
) -> None:
    for more in (1e6, -1e6):
        found = NetworkHeadDepth(Adding(more)).estimate(*stage, CENTRE_MM)
        off = np.abs(found.front - CENTRE_MM)
        assert np.nanmax(off) <= FARTHEST * UNIT_MM + np.nanmax(np.abs(prior.front - CENTRE_MM))
        both = np.isfinite(found.back) & np.isfinite(found.front)
        assert (found.back >= found.front)[both].all()


def test_a_fitted_ear_keeps_its_shell_behind_it(
    stage: tuple[HeadCrop, HeadParse, ProjectedHead], prior: HeadDepth
) -> None:
    """The model shows that ear itself; a shell before it would hide it."""
    found = NetworkHeadDepth(Adding(0.1)).estimate(*stage, CENTRE_MM)
    ears = stage[2].ears & np.isfinite(prior.front)
    assert ears.sum() > 200
    assert (found.front >= prior.front - 1e-3)[ears].all()


def test_without_weights_the_prior_does_the_work(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        assert head_depth_estimator("cpu", tmp_path / "depth.safetensors") == GeometricPrior()
    assert caplog.text == ""
    if not DEPTH_ASSET.exists():
        assert head_depth_estimator("cpu") == GeometricPrior()


def test_damaged_weights_are_told_and_the_prior_does_the_work(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "depth.safetensors"
    path.write_bytes(b"nothing of the kind")
    assert head_depth_estimator("cpu", path) == GeometricPrior()
    assert "depth.safetensors" in caplog.text


def test_sound_weights_take_over(tmp_path: Path) -> None:
    path = tmp_path / "depth.safetensors"
    write_weights(LikenessDepthNet(), path, {"architecture": ARCHITECTURE, "net": "likeness"})
    found = head_depth_estimator("cpu", path)
    assert isinstance(found, NetworkHeadDepth) and not found.interim


class Sized(Adding):
    """Remembers how large a view it was shown."""

    side = 128

    def forward(self, view: HeadView) -> Tensor:
        self.shown = view.picture.shape, view.prior.shape
        return super().forward(view)


def test_a_network_is_asked_at_the_side_that_it_knows(
    stage: tuple[HeadCrop, HeadParse, ProjectedHead], prior: HeadDepth
) -> None:
    net = Sized(0.1)
    answer = NetworkHeadDepth(net).answer(stage[0], stage[1], prior, CENTRE_MM)
    assert net.shown == ((1, 3, 128, 128), (1, 128, 128))
    inner = cv2.erode(np.isfinite(prior.front).astype(np.uint8), np.ones((15, 15), np.uint8)) > 0
    np.testing.assert_allclose((prior.front - answer)[inner], 10.0, atol=0.1)


@pytest.mark.parametrize("side", ["100", "0", "-128", "wide"])
def test_a_file_for_no_possible_side_is_damaged(tmp_path: Path, side: str) -> None:
    path = tmp_path / "depth.safetensors"
    words = {"architecture": ARCHITECTURE, "net": "likeness"}
    write_weights(LikenessDepthNet(), path, {**words, "side": side})
    assert head_depth_estimator("cpu", path) == GeometricPrior()
    write_weights(LikenessDepthNet(), path, {**words, "side": "64"})
    assert load_depth_net(path).side == 64
    write_weights(LikenessDepthNet(), path, words)
    assert load_depth_net(path).side == DEPTH_SIDE


def test_changes_end_where_nothing_is_known() -> None:
    values, known = np.full((4, 4), 2.0, np.float32), np.zeros((4, 4), bool)
    known[:, :2] = True
    spread = _spread(values * known, known, 8)
    np.testing.assert_allclose(spread[:, :5], 2.0)
    np.testing.assert_array_equal(spread[:, 5:], 0.0)
    assert torch.from_numpy(spread).isfinite().all()


def test_hair_and_a_high_forehead_stay_before_the_scalp(
    stage: tuple[HeadCrop, HeadParse, ProjectedHead],
) -> None:
    """The model's bald forehead would come out through what the network draws in."""
    crop, parse, head = stage
    high = np.where(head.scalp & (np.arange(SIDE) < SIDE // 2), FACE, parse.labels).astype(np.uint8)
    found = NetworkHeadDepth(Adding(-0.3)).estimate(crop, replace(parse, labels=high), head, CENTRE_MM)
    for label in (HAIR, FACE):
        covered = head.scalp & (high == label) & np.isfinite(found.front)
        assert covered.sum() > 500
        assert (found.front <= head.front_mm + 1e-3)[covered].all()
