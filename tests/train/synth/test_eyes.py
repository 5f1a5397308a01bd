"""Iris and sclera lie where the head's layout has them."""

from __future__ import annotations

import pytest
import torch

from train.synth.assets import load_assets
from train.synth.eyes import IRIS_DEG, EyeParams, build_eyes, paint_eyes, sample_eyes
from train.synth.head import build_head, sample_head
from train.synth.person import Who, stream

BLUE = EyeParams((0.05, 0.10, 0.4), ring=0.0, pupil=1.0, redness=0.0, yellowness=0.0)


@pytest.mark.parametrize("side", ["left", "right"])
def test_the_iris_lies_round_the_gaze(side: str) -> None:
    assets = load_assets()
    texture = paint_eyes([BLUE], torch.device("cpu"))[0]
    triangles, uvs = assets.part(f"eye_{side}")
    centre = torch.from_numpy(assets.model.eye_centre(side, assets.model.mean)).float()
    arm = torch.nn.functional.normalize(assets.mean[triangles].mean(dim=1) - centre, dim=1)
    angle = torch.rad2deg(torch.acos(arm[:, 2]))
    size = texture.shape[0]
    u, v = uvs.mean(dim=1).unbind(dim=1)
    colour = texture[((1 - v) * size).long(), (u * size).long()]
    is_blue = colour[:, 2] > 1.5 * colour[:, 0]
    assert is_blue[(angle > 11) & (angle < IRIS_DEG - 6)].all()
    assert not is_blue[(angle > IRIS_DEG + 6) & (angle < 90)].any()


def test_dark_people_have_brown_eyes() -> None:
    irises = [sample_eyes(stream(s, "eyes"), Who(30.0, 0.5, 0.9)).iris for s in range(50)]
    assert all(red > blue for red, _, blue in irises)


def test_eyes_are_shown_to_everybody() -> None:
    shape = build_head([sample_head(stream(0, "head"), Who(30.0, 0.5, 0.2))] * 2, load_assets())
    surface = build_eyes([BLUE, BLUE], shape)
    assert surface.shown.all()
    assert surface.uvs.min() >= 0
    assert surface.uvs.max() <= 1
