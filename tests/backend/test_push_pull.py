from __future__ import annotations

import numpy as np
import pytest

from backend.push_pull import push_pull


def random_picture(seed: int, shape: tuple[int, ...]) -> np.ndarray:
    return np.random.default_rng(seed).uniform(0, 255, shape).astype(np.float32)


@pytest.mark.parametrize("shape", [(64, 64, 3), (37, 51, 3), (5, 200, 1), (1, 9, 3), (40, 33)])
def test_known_pixels_stay_and_holes_lie_within_the_range_of_known_values(shape: tuple[int, ...]) -> None:
    picture = random_picture(1, shape)
    known = np.random.default_rng(2).random(shape[:2]) < 0.2
    known[0, 0] = True
    filled = push_pull(np.where(known.reshape(known.shape + (1,) * (len(shape) - 2)), picture, 9e3), known)
    assert filled.shape == shape and filled.dtype == np.float32
    np.testing.assert_array_equal(filled[known], picture[known])
    assert filled.min() >= picture[known].min() - 1e-2
    assert filled.max() <= picture[known].max() + 1e-2


def test_constant_stays_constant() -> None:
    known = np.zeros((70, 45), bool)
    known[3:6, 40:44] = True
    filled = push_pull(np.full((70, 45, 3), 77.0), known)
    np.testing.assert_allclose(filled, 77.0, atol=1e-3)


def test_a_ramp_with_a_hole_is_continued_without_a_shift() -> None:
    ramp = np.tile(np.arange(128, dtype=np.float32), (128, 1))
    known = np.ones((128, 128), bool)
    known[48:80, 48:80] = False
    filled = push_pull(ramp, known)
    error = (filled - ramp)[48:80, 48:80]
    assert np.abs(error).max() < 8.0
    assert abs(float(error.mean())) < 0.6


def test_filling_is_symmetric() -> None:
    picture = random_picture(3, (64, 64, 3))
    known = np.random.default_rng(4).random((64, 64)) < 0.05
    mirrored = push_pull(picture[:, ::-1], known[:, ::-1])[:, ::-1]
    np.testing.assert_allclose(push_pull(picture, known), mirrored, atol=1e-2)


def test_half_trusted_pixels_are_blended() -> None:
    picture = np.zeros((32, 32, 1), np.float32)
    picture[16, 16] = 100.0
    weight = np.ones((32, 32), np.float32)
    weight[16, 16] = 0.5
    assert 30.0 < push_pull(picture, weight)[16, 16, 0] < 90.0


def test_nothing_known_gives_zero() -> None:
    assert not push_pull(np.full((8, 9, 3), 5.0), np.zeros((8, 9))).any()
