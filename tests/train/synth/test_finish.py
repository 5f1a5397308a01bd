"""Exposure, tone and what happens to a picture on its way."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch

from backend.errors import PhotoUnreadable
from train.synth.background import KINDS, BackgroundParams, paint_backgrounds, sample_background
from train.synth.finish import FinishParams, develop, expose, sample_finish
from train.synth.person import stream
from train.synth.scene import sample_scene

PLAIN = FinishParams(0.22, (1.0, 1.0, 1.0), 1.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 100, False, 0)


def encoded(linear: float) -> float:
    return 12.92 * linear if linear < 0.0031308 else 1.055 * linear ** (1 / 2.4) - 0.055


@pytest.mark.parametrize("linear", [0.001, 0.05, 0.22, 0.45])
def test_a_plain_camera_writes_srgb(linear):
    picture = torch.full((1, 4, 4, 3), 0.22)
    picture[0, 0, 0] = linear
    metered = torch.zeros(1, 4, 4)
    metered[0, 2:] = 1
    assert expose(picture, metered, [PLAIN])[0, 0, 0, 0] == pytest.approx(encoded(linear), abs=0.004)


def test_exposure_follows_the_face_but_not_all_the_way():
    dark, light = torch.full((1, 8, 8, 3), 0.05), torch.full((1, 8, 8, 3), 0.4)
    whole = torch.ones(1, 8, 8)
    seen = [expose(picture, whole, [PLAIN]).mean().item() for picture in (dark, light)]
    assert encoded(0.05) < seen[0] < seen[1] < encoded(0.4)


def test_grey_pictures_are_grey_and_white_balance_tints():
    picture = torch.rand(1, 8, 8, 3, generator=torch.Generator().manual_seed(0))
    whole = torch.ones(1, 8, 8)
    grey = expose(picture, whole, [replace(PLAIN, grey=True)])
    assert (grey.amax(-1) - grey.amin(-1)).max() < 0.01
    warm = expose(picture, whole, [replace(PLAIN, white_balance=(1.3, 1.0, 0.7))])
    plain = expose(picture, whole, [PLAIN])
    assert warm[..., 0].mean() > plain[..., 0].mean()
    assert warm[..., 2].mean() < plain[..., 2].mean()


def test_an_untouched_picture_stays_and_poor_ones_lose_detail():
    picture = np.random.default_rng(0).random((32, 32, 3), np.float32)
    np.testing.assert_array_equal(develop(picture, PLAIN), np.rint(picture * 255).astype(np.uint8))

    def detail(**changes: float) -> float:
        return float(cv2.Laplacian(develop(picture, replace(PLAIN, **changes)).astype(float), -1).std())

    sharp = detail()
    for change in ({"blur_px": 1.0}, {"scale": 2.0}, {"motion_px": 4.0}):
        assert detail(**change) < 0.7 * sharp
    assert develop(picture, replace(PLAIN, scale=2.0)).shape == picture.shape


def test_noise_has_its_own_seed():
    picture = np.full((32, 32, 3), 0.5, np.float32)
    first, again, other = (develop(picture, replace(PLAIN, noise=4.0, seed=s)) for s in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert (first != other).mean() > 0.5
    assert first.std() == pytest.approx(4.0, rel=0.2)


@pytest.mark.parametrize("kind", KINDS)
def test_backgrounds_are_as_bright_as_asked(kind):
    params = [BackgroundParams(kind, seed, 0.2, 0.02) for seed in (1, 2)]
    painted = paint_backgrounds(params, 64, torch.device("cpu"))
    assert painted.shape == (2, 64, 64, 3)
    assert (painted >= 0).all()
    torch.testing.assert_close(painted.mean((1, 2, 3)), torch.full((2,), 0.2), rtol=0.25, atol=0)
    assert not torch.equal(painted[0], painted[1])


def test_pictures_of_a_folder_become_backgrounds_and_broken_ones_are_named(tmp_path):
    cv2.imwrite(str(tmp_path / "a.png"), np.full((40, 60, 3), (200, 50, 50), np.uint8))
    drawn = [sample_background(stream(seed, "b"), tmp_path) for seed in range(20)]
    photos = [params for params in drawn if params.kind == "photo"]
    assert 3 < len(photos) < 17
    painted = paint_backgrounds(photos[:1], 16, torch.device("cpu"))[0]
    assert (painted[..., 2] > 2 * painted[..., 0]).all()
    (tmp_path / "a.png").write_bytes(b"no picture")
    with pytest.raises(PhotoUnreadable, match=r"a\.png"):
        paint_backgrounds(photos[:1], 16, torch.device("cpu"))


def test_finishes_vary():
    finishes = [sample_finish(stream(seed, "finish")) for seed in range(200)]
    assert 0 < sum(f.grey for f in finishes) < 30
    assert min(f.jpeg for f in finishes) < 60
    assert max(f.scale for f in finishes) > 2


@pytest.mark.parametrize("kind", KINDS)
def test_backgrounds_of_many_seeds_can_be_painted(kind):
    params = [BackgroundParams(kind, seed, 0.2, 0.02) for seed in range(60)]
    assert paint_backgrounds(params, 16, torch.device("cpu")).isfinite().all()


def test_stripes_of_a_flag_never_run_out_of_colours():
    background = sample_scene(7033).background
    assert background.kind == "flags"
    assert paint_backgrounds([background], 16, torch.device("cpu")).isfinite().all()
