from __future__ import annotations

import numpy as np

from backend.colour_model import fit_colours, log_sum

NOISE = np.array([0.5, 0.5])


def two_clusters() -> np.ndarray:
    random = np.random.default_rng(0)
    dark = random.normal((10, 0), (1.0, 2.0), (300, 2))
    light = random.normal((60, 20), (3.0, 1.0), (100, 2))
    return np.concatenate([dark, light])


def test_clusters_are_found_with_their_shares() -> None:
    model = fit_colours(two_clusters(), 2, NOISE)
    np.testing.assert_allclose(model.means, [[10, 0], [60, 20]], atol=0.7)
    centres = model.log_terms(model.means)
    shares = np.exp(np.diag(centres)) * [
        2 * np.pi * np.hypot(1.0, 0.5) * np.hypot(2.0, 0.5),
        2 * np.pi * np.hypot(3.0, 0.5) * np.hypot(1.0, 0.5),
    ]
    np.testing.assert_allclose(shares, [0.75, 0.25], rtol=0.25)


def test_density_integrates_to_one() -> None:
    model = fit_colours(two_clusters(), 3, NOISE)
    x, y = np.meshgrid(np.arange(-10, 90, 0.25), np.arange(-20, 40, 0.25))
    density = np.exp(model.log_likelihood(np.column_stack([x.ravel(), y.ravel()])))
    assert abs(density.sum() * 0.25**2 - 1.0) < 1e-3


def test_one_sample_is_enough() -> None:
    model = fit_colours(np.array([[5.0, 5.0]]), 3, NOISE)
    near, far = model.log_likelihood(np.array([[5.0, 5.1], [9.0, 9.0]]))
    assert near > far and np.isfinite(far)


def test_log_sum_does_not_overflow() -> None:
    np.testing.assert_allclose(log_sum(np.array([[1000.0], [1000.0]])), 1000 + np.log(2))
