"""Spherical harmonics turn as directions do, and light is plain data."""

from __future__ import annotations

import json
from dataclasses import asdict

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.harmonics import sh_basis
from train.synth.light import sample_light, sky_of, stack_lights, towards, turned
from train.synth.person import stream


def around(direction: np.ndarray, degrees: float) -> np.ndarray:
    """Turned about y: +x comes to +z for 90 degrees."""
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    x, y, z = direction
    return np.array([c * x - s * z, y, s * x + c * z])


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 1000), st.floats(-180, 180))
def test_a_turned_sky_shows_in_turned_directions_what_it_showed_before(seed, degrees):
    rng = np.random.default_rng(seed)
    sky, direction = rng.normal(size=(9, 3)), rng.normal(size=3)
    direction /= np.linalg.norm(direction)
    before = sh_basis(torch.from_numpy(direction)).numpy() @ sky
    after = sh_basis(torch.from_numpy(around(direction, degrees))).numpy() @ turned(sky, degrees)
    np.testing.assert_allclose(after, before, atol=1e-5)


def test_an_even_sky_lights_everything_alike():
    normals = torch.nn.functional.normalize(torch.randn(20, 3, dtype=torch.float64), dim=1)
    lit = sh_basis(normals).numpy() @ sky_of([], (0.2, 0.3, 0.4))
    np.testing.assert_allclose(lit, np.tile([0.2, 0.3, 0.4], (20, 1)), rtol=1e-5)


def test_a_soft_box_lights_what_faces_it_most():
    sky = sky_of([((1, 0, 0), (1.0, 1.0, 1.0))], (0.0, 0.0, 0.0))
    towards_it, away = (sh_basis(torch.tensor([x, 0.0, 0.0])).numpy() @ sky for x in (1.0, -1.0))
    assert (towards_it > 5 * abs(away)).all()
    assert towards_it[0] == pytest.approx(1.0, abs=0.3)


def test_azimuth_goes_to_the_right_and_height_up():
    assert towards(0, 0) == pytest.approx((0, 0, 1))
    assert towards(90, 0) == pytest.approx((1, 0, 0))
    assert towards(30, 90) == pytest.approx((0, 1, 0), abs=1e-9)


@pytest.mark.parametrize("seed", range(40))
def test_light_is_json_and_stacks(seed):
    light = sample_light(stream(seed, "light"))
    assert json.loads(json.dumps(asdict(light)))["name"] == light.name
    lights = stack_lights([light, sample_light(stream(seed + 1, "light"))], torch.device("cpu"))
    assert lights.sky.shape == (2, 9, 3)
    assert torch.allclose(lights.direction.norm(dim=-1), torch.ones(()), atol=1e-5)
    assert (lights.colour >= 0).all()
