"""Estimated light as lamps and worlds: what they show is what was estimated."""

from __future__ import annotations

import math

import numpy as np
import pytest
from likeness.addon.light import key_light, sh_basis, world_directions, world_picture

LAMP = np.array([0.6, 0.64, 0.48])
"""Unit vector: from the picture's right, above and before."""
WARM = np.array([0.9, 0.7, 0.5])
FILL = 0.25
"""Light from all sides beside the lamp."""


def sphere(count: int = 20_000) -> np.ndarray:
    """Directions (N,3) spread evenly (Fibonacci)."""
    step = np.arange(count) + 0.5
    z, turn = 1 - 2 * step / count, step * math.pi * (1 + math.sqrt(5))
    return np.stack([np.sqrt(1 - z * z) * np.cos(turn), np.sqrt(1 - z * z) * np.sin(turn), z], axis=-1)


def harmonics_of(shown: np.ndarray) -> np.ndarray:
    """(9,3) projection of what surfaces facing :func:`sphere` show (N,3)."""
    return 4 * math.pi / len(shown) * sh_basis(sphere(len(shown))).T @ shown


@pytest.fixture
def light() -> np.ndarray:
    return harmonics_of((sphere() @ LAMP).clip(0)[:, None] * WARM + FILL)


def test_the_basis_is_orthonormal():
    basis = sh_basis(sphere())
    assert 4 * math.pi / len(basis) * basis.T @ basis == pytest.approx(np.eye(9), abs=2e-3)


def test_the_basis_is_the_backends():
    torch = pytest.importorskip("torch")
    from backend.harmonics import sh_basis as theirs

    directions = sphere(50)
    assert sh_basis(directions) == pytest.approx(theirs(torch.from_numpy(directions)).numpy(), abs=1e-6)


def test_a_lamp_is_found_again(light):
    lamp = key_light(light)
    assert lamp.direction == pytest.approx(LAMP, abs=1e-3)
    assert lamp.strength * lamp.colour / math.pi == pytest.approx(WARM, rel=1e-2)
    assert lamp.colour.max() == 1


def test_even_light_has_no_direction_and_no_strength():
    lamp = key_light(harmonics_of(np.ones((1000, 3))))
    assert lamp.strength < 0.05
    assert np.isfinite([*lamp.direction, *lamp.colour]).all()


def test_directions_cover_the_sphere_once():
    directions, solid_angle = world_directions(16)
    assert np.linalg.norm(directions, axis=-1) == pytest.approx(np.ones((16, 32)))
    assert 32 * solid_angle.sum() == pytest.approx(4 * math.pi, rel=1e-2)
    assert directions[0, 0, 2] > 0.9  # row 0 is the top


@pytest.mark.parametrize("turn", [0.0, 1.1])
def test_the_world_shows_what_was_estimated(light, turn):
    """Naive: every surface adds up what every pixel sends."""
    cosine, sine = math.cos(turn), math.sin(turn)
    camera = np.array([[cosine, -sine, 0], [sine, cosine, 0], [0, 0, 1]]) @ np.array(
        [[1, 0, 0], [0, 0, -1], [0, 1, 0]]
    )
    picture = world_picture(light, camera)
    assert picture.min() > 0
    directions, solid_angle = world_directions(len(picture))
    for normal in sphere(40):
        shown = np.zeros(3)
        for row, angle in enumerate(solid_angle):
            for pixel, direction in zip(picture[row], directions[row], strict=True):
                shown += pixel * max(0.0, (camera @ normal) @ direction) * angle / math.pi
        assert shown == pytest.approx((sh_basis(normal) @ light), abs=0.06)
