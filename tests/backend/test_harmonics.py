"""Harmonics of light: an orthonormal basis, its convolution, and what a ball in a picture shows."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from backend.harmonics import CONSTANT, LOBE, PICTURED, sh_basis


def test_the_basis_is_orthonormal_on_the_sphere() -> None:
    points = torch.randn(200_000, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    basis = sh_basis(torch.nn.functional.normalize(points, dim=1))
    gram = 4 * np.pi * basis.T @ basis / len(points)
    assert torch.allclose(gram, torch.eye(9, dtype=torch.float64), atol=0.03)


def test_convolution_with_the_cosine_lobe_is_its_integral() -> None:
    rng = np.random.default_rng(1)
    points = rng.normal(size=(400_000, 3))
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    radiance = sh_basis(torch.from_numpy(points)).numpy() @ np.arange(1.0, 10.0)
    normal = np.array([0.6, 0.0, 0.8])
    irradiance = 4 * np.mean(radiance * (points @ normal).clip(0))
    ours = sh_basis(torch.from_numpy(normal)).numpy() @ (np.arange(1.0, 10.0) * LOBE)
    assert irradiance == pytest.approx(ours, rel=0.03)


def test_the_picture_of_a_ball_shows_the_mean_of_the_terms() -> None:
    y, x = np.mgrid[-1:1:400j, -1:1:400j]
    inside = x**2 + y**2 < 1
    z = np.sqrt(1 - (x**2 + y**2)[inside])
    normals = np.stack([x[inside], y[inside], z], axis=1)
    shown = sh_basis(torch.from_numpy(normals)).numpy().mean(axis=0)
    np.testing.assert_allclose(shown, PICTURED, atol=2e-3)


def test_the_first_term_is_constant() -> None:
    assert pytest.approx(0.5 / np.sqrt(np.pi), abs=1e-6) == CONSTANT
