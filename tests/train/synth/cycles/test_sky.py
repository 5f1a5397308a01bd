"""Pictures of the sky have the harmonics that were asked for, and no darkness below black."""

from __future__ import annotations

import numpy as np

from train.synth.cycles.sky import directions, environment, irradiance
from train.synth.light import sky_of, towards


def test_an_even_sky_is_even():
    picture = environment(sky_of([], (0.2, 0.5, 1.0)))
    np.testing.assert_allclose(picture, np.broadcast_to([0.2, 0.5, 1.0], picture.shape), rtol=0.02)


def test_soft_light_from_one_side_is_met_without_negative_light():
    wanted = sky_of([(towards(60, 20), (0.35, 0.3, 0.25))], (0.15, 0.15, 0.2))
    picture = environment(wanted)
    assert picture.min() >= 0
    np.testing.assert_allclose(irradiance(picture), wanted, atol=0.01)


def test_the_brightest_place_lies_where_the_light_is():
    direction = towards(-70, 35)
    picture = environment(sky_of([(direction, (1.0, 1.0, 1.0))], (0.1, 0.1, 0.1)))
    looks = directions(len(picture))
    brightest = looks.reshape(-1, 3)[picture[..., 1].argmax()]
    assert brightest @ np.array(direction) > 0.97


def test_rows_run_from_zenith_to_nadir():
    looks = directions(16)
    np.testing.assert_allclose(np.linalg.norm(looks, axis=-1), 1)
    assert looks[0, :, 1].min() > 0.9
    assert looks[-1, :, 1].max() < -0.9
