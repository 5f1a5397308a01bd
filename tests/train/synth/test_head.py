"""A head keeps its promises: neutral is the mean, eyes turn about their centres, necks stay welded."""

from __future__ import annotations

import json
from dataclasses import asdict, replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from train.synth.assets import load_assets
from train.synth.bust import BustParams
from train.synth.head import HeadParams, build_head, sample_head, sphere_centre
from train.synth.person import Who, stream

STILL = BustParams(0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
NEUTRAL = HeadParams((0.0,) * 80, (0.0,) * 52, (0.0, 0.0), STILL)
SOMEBODY = Who(age=50.0, masculinity=0.5, melanin=0.3)


def test_a_head_without_parameters_is_the_mean() -> None:
    assets = load_assets()
    torch.testing.assert_close(build_head([NEUTRAL], assets).vertices[0], assets.mean, atol=1e-3, rtol=0)


def test_heads_of_a_batch_do_not_touch_each_other() -> None:
    assets = load_assets()
    people = [sample_head(stream(seed, "head"), SOMEBODY) for seed in range(3)]
    together = build_head(people, assets)
    for number, person in enumerate(people):
        alone = build_head([person], assets)
        torch.testing.assert_close(together.vertices[number], alone.vertices[0], atol=1e-3, rtol=0)
        torch.testing.assert_close(together.bust[number], alone.bust[0], atol=2e-3, rtol=0)


@pytest.mark.parametrize("gaze", [(20.0, 0.0), (0.0, 15.0), (-12.0, -8.0)])
def test_the_pupil_turns_about_the_eyes_centre(gaze: tuple[float, float]) -> None:
    assets = load_assets()
    eye = assets.mask("eye_left")
    before = assets.mean[eye]
    after = build_head([replace(NEUTRAL, gaze_deg=gaze)], assets).vertices[0, eye]
    centre = torch.from_numpy(assets.model.eye_centre("left", assets.model.mean)).float()
    pupil = before[:, 2].argmax()
    torch.testing.assert_close((after - centre).norm(dim=1), (before - centre).norm(dim=1), atol=0.01, rtol=0)
    (x0, y0, z0), (x1, y1, z1) = (before[pupil] - centre).tolist(), (after[pupil] - centre).tolist()
    across = np.rad2deg(np.arctan2(x1, z1) - np.arctan2(x0, z0))
    down = np.rad2deg(np.arctan2(-y1, np.hypot(x1, z1)) - np.arctan2(-y0, np.hypot(x0, z0)))
    assert (across, down) == pytest.approx(gaze, abs=1.0)


@settings(max_examples=15, deadline=None)
@given(centre=st.tuples(*[st.floats(-50, 50)] * 3), radius=st.floats(5, 30), seed=st.integers(0, 99))
def test_sphere_centre_finds_the_centre(centre: tuple[float, ...], radius: float, seed: int) -> None:
    directions = np.random.default_rng(seed).standard_normal((1, 40, 3))
    points = np.array(centre) + radius * directions / np.linalg.norm(directions, axis=2, keepdims=True)
    found = sphere_centre(torch.from_numpy(points).double())[0]
    np.testing.assert_allclose(found.numpy(), centre, atol=1e-6)


def test_a_turned_body_stays_welded_and_leaves_the_face_alone() -> None:
    assets = load_assets()
    still = sample_head(stream(3, "head"), SOMEBODY)
    still = replace(still, bust=replace(still.bust, turn_deg=0.0, tilt_deg=0.0, lean_deg=0.0))
    turned = replace(still, bust=replace(still.bust, turn_deg=35.0, tilt_deg=10.0, lean_deg=-6.0))
    before, after = (build_head([p], assets) for p in (still, turned))
    face = assets.mask("face")
    torch.testing.assert_close(after.vertices[:, face], before.vertices[:, face])
    assert (after.bust - before.bust).norm(dim=-1).max() > 50
    ring = after.vertices[:, assets.bust.ring_head]
    torch.testing.assert_close(after.bust[:, assets.bust.ring], ring, atol=0.02, rtol=0)


def test_turning_left_brings_the_right_shoulder_forward() -> None:
    assets = load_assets()
    turned = replace(NEUTRAL, bust=replace(STILL, turn_deg=30.0))
    shape = build_head([NEUTRAL, turned], assets)
    right = shape.bust[0, :, 0].argmin()
    assert shape.bust[1, right, 2] > shape.bust[0, right, 2] + 50


def test_age_sex_and_weight_show_in_the_shape() -> None:
    young, old = (
        np.mean([sample_head(stream(s, "head"), Who(age, 0.5, 0.3)).identity for s in range(40)], axis=0)
        for age in (20.0, 80.0)
    )
    direction = np.asarray(_direction("age"))
    assert (old - young) @ direction / (direction @ direction) == pytest.approx(1.0, abs=0.25)


def _direction(name: str) -> np.ndarray:
    from train.synth.assets import identity_directions

    return identity_directions()[name]


def test_params_travel_as_json_and_depend_on_the_seed_alone() -> None:
    first, again, other = (sample_head(stream(seed, "head"), SOMEBODY) for seed in (5, 5, 6))
    assert first == again != other
    assert json.loads(json.dumps(asdict(first)))["gaze_deg"] == list(first.gaze_deg)


def test_scalp_roots_lie_on_the_skin_above_the_nape() -> None:
    assets = load_assets()
    shape = build_head([sample_head(stream(s, "head"), SOMEBODY) for s in range(2)], assets)
    roots, normals, corners, weights = shape.scalp_samples(300, torch.Generator().manual_seed(0))
    assert assets.mask("scalp")[corners].all()
    torch.testing.assert_close(weights.sum(dim=1), torch.ones(300))
    for person in range(2):
        naive = torch.stack([w @ shape.vertices[person, c] for c, w in zip(corners, weights, strict=True)])
        torch.testing.assert_close(roots[person], naive, atol=1e-3, rtol=0)
    torch.testing.assert_close(normals.norm(dim=2), torch.ones(2, 300))
    outward = roots - roots.new_tensor([0.0, 25.0, 5.0])
    assert ((outward * normals).sum(dim=2) > 0).float().mean() > 0.99
