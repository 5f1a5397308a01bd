"""Glasses sit before the eyes, outside the face, on both ears."""

from __future__ import annotations

import json
from dataclasses import asdict

import pytest
import torch

from backend.head_parse import GLASSES
from train.synth.assets import load_assets
from train.synth.glasses import FRAMES, RIM_COLUMNS, GlassesParams, build_glasses, sample_glasses
from train.synth.head import HeadShape, build_head, sample_head
from train.synth.person import Who, stream

OLD = Who(70.0, 0.5, 0.3)


def glasses_of(seed: int) -> GlassesParams:
    return sample_glasses(stream(seed, "glasses"), OLD)


def worn(count: int) -> list[GlassesParams]:
    return [p for p in map(glasses_of, range(40)) if p.frame != "none"][:count]


def wearing(frame: str) -> GlassesParams:
    return next(p for p in map(glasses_of, range(900)) if p.frame == frame)


@pytest.fixture(scope="module")
def shape() -> HeadShape:
    return build_head([sample_head(stream(k, "head"), OLD) for k in range(4)], load_assets())


def test_parameters_are_plain_data() -> None:
    params = wearing("metal")
    again = json.loads(json.dumps(asdict(params)))
    assert GlassesParams(**{k: tuple(v) if isinstance(v, list) else v for k, v in again.items()}) == params


def test_most_people_wear_none_and_the_old_more_often() -> None:
    young = sum(sample_glasses(stream(s, "glasses"), Who(20.0, 0.5, 0.3)).frame != "none" for s in range(400))
    old = sum(glasses_of(s).frame != "none" for s in range(400))
    assert 10 < young < old < 240


@pytest.mark.parametrize("frame", list(FRAMES))
def test_lenses_lie_before_the_eyes(shape: HeadShape, frame: str) -> None:
    frames, lenses = build_glasses([wearing(frame)] * 4, shape)
    assert frames.shown.all()
    assert lenses.shown.all() == (frame == "sun")
    assert (frames.region == GLASSES).all()
    for half, side in enumerate(("left", "right")):
        lens = lenses.vertices[:, half * (RIM_COLUMNS + 1) :][:, : RIM_COLUMNS + 1]
        eye = shape.vertices[:, shape.assets.mask(f"eye_{side}")]
        assert (lens[..., 2].amin(dim=1) > eye[..., 2].mean(dim=1)).all()
        assert ((lens - eye.mean(dim=1, keepdim=True))[..., :2].mean(dim=1).abs() < 12).all()


def test_rims_stay_out_of_the_face(shape: HeadShape) -> None:
    _, lenses = build_glasses(worn(4), shape)
    sunk = (shape.push_out(lenses.vertices) - lenses.vertices).norm(dim=-1)
    assert sunk.max() < 4


def test_temples_reach_both_ears(shape: HeadShape) -> None:
    frames, _ = build_glasses([wearing("acetate")] * 4, shape)
    for side in ("left", "right"):
        ear = shape.vertices[:, shape.assets.mask(f"ear_{side}")]
        assert (torch.cdist(frames.vertices, ear).flatten(1).amin(dim=1) < 8).all()


def test_nobody_wears_any_but_one_is_enough(shape: HeadShape) -> None:
    none = next(p for p in map(glasses_of, range(40)) if p.frame == "none")
    assert build_glasses([none] * 4, shape) == ()
    frames, _ = build_glasses([none, wearing("metal"), none, none], shape)
    assert frames.shown.tolist() == [False, True, False, False]


def test_nothing_is_degenerate(shape: HeadShape) -> None:
    for surface in build_glasses(worn(4), shape):
        corners = surface.vertices[:, surface.triangles]
        area = torch.linalg.cross(corners[:, :, 1] - corners[:, :, 0], corners[:, :, 2] - corners[:, :, 0])
        assert torch.isfinite(surface.vertices).all()
        assert (area.norm(dim=-1) > 1e-4).float().mean() > 0.99
