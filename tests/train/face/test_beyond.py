"""Displacements that the components cannot show are smooth, mostly symmetric, and bounded in strength."""

from __future__ import annotations

import numpy as np
import pytest

from backend.morphable import load_head_model
from train.face.beyond import LENGTHS_MM, STEEPEST, displacement, draw_waves


def _moved(seed: int, strength: float = 1.0) -> np.ndarray:
    return displacement(np.random.default_rng(seed), strength)


def test_equal_seeds_give_equal_faces_and_strength_scales() -> None:
    np.testing.assert_array_equal(_moved(1), _moved(1))
    np.testing.assert_allclose(_moved(1, 0.5), _moved(1) / 2, atol=1e-6)


def test_the_usual_displacement_is_what_the_documentation_says() -> None:
    face = load_head_model().regions["face"]
    found = np.mean([np.linalg.norm(_moved(seed)[face], axis=1).mean() for seed in range(20)])
    assert 1.5 < found < 4.0


def test_components_cannot_show_all_of_it() -> None:
    model = load_head_model()
    face = model.regions["face"]
    basis = model.identity[:, face].reshape(len(model.identity), -1).T.astype(np.float64)
    for seed in range(3):
        moved = _moved(seed)[face].ravel()
        left = moved - basis @ np.linalg.lstsq(basis, moved, rcond=None)[0]
        assert np.linalg.norm(left) > 0.2 * np.linalg.norm(moved)


@pytest.mark.parametrize("length", LENGTHS_MM)
def test_a_process_is_as_steep_as_it_may_be(length: float) -> None:
    waves = draw_waves(np.random.default_rng(0), length)
    points = np.random.default_rng(1).uniform(-80, 80, (4000, 3)).astype(np.float32)
    step = np.float32([0.5, 0, 0])
    slopes = (waves.at(points + step) - waves.at(points)) / step[0]
    # Of a squared exponential process: usual value over length scale.
    assert np.sqrt((slopes**2).mean()) == pytest.approx(STEEPEST * np.sqrt(LENGTHS_MM[0] / length), rel=0.35)


def test_most_is_alike_on_both_sides() -> None:
    model = load_head_model()
    mirrored = model.mean * np.float32([-1, 1, 1])
    distance = np.linalg.norm(model.mean[:, None, :2] - mirrored[None, ::40, :2], axis=2)
    partner = distance.argmin(axis=0)
    alike, unlike = 0.0, 0.0
    for seed in range(8):
        moved = _moved(seed)
        there = moved[partner] * np.float32([-1, 1, 1])
        alike += float(((moved[::40] + there) ** 2).sum())
        unlike += float(((moved[::40] - there) ** 2).sum())
    assert unlike < 0.5 * alike
