"""Painting: a flat card takes the photo's pixels, hidden texels none, and gaps fill by symmetry."""

from __future__ import annotations

import numpy as np
import pytest

from backend.camera import Camera
from backend.crop import HeadCrop
from backend.sight import Sight
from backend.texture import Atlas, Painting, fill_by_symmetry, paint, smoothstep

SIDE = 64
CAMERA = Camera.centred(200.0, SIDE, SIDE)
DEPTH = 400.0
GRID = 32


def _photo() -> np.ndarray:
    y, x = np.mgrid[:SIDE, :SIDE]
    return np.stack([3 * x, 3 * y, 128 + 40 * np.sin(x / 9)], -1).astype(np.uint8)


def _sight(nearest: np.ndarray | float = np.inf) -> Sight:
    photo = _photo()
    crop = HeadCrop(photo, np.ones((SIDE, SIDE), bool), CAMERA, 1.0, 0.0, 0.0)
    depth = np.broadcast_to(np.float32(nearest), (SIDE, SIDE)).copy()
    return Sight(photo, CAMERA, crop, depth, np.ones((SIDE, SIDE), np.uint8))


def _card(tilt: float = 0.0) -> np.ndarray:
    """Corners (4,3) of a card that fills the photo, counter-clockwise from the top left."""
    corners = np.array([[0, 0], [0, SIDE - 1], [SIDE - 1, SIDE - 1], [SIDE - 1, 0]], float)
    points = CAMERA.unproject(corners, np.full(4, DEPTH))
    points[2:, 2] += tilt
    return points


ATLAS = Atlas(
    np.array([[0, 1, 2, 3]], np.int32), np.array([[[0, 1], [0, 0], [1, 0], [1, 1]]], np.float32), GRID, SIDE
)


def _painted(vertices: np.ndarray, sight: Sight, allowed: np.ndarray | None = None) -> Painting:
    seen = sight.see(ATLAS.spread(vertices))
    everywhere = np.ones((GRID, GRID), bool) if allowed is None else allowed
    return paint(ATLAS, vertices, sight, seen, ATLAS.from_grid(everywhere))


def test_a_card_takes_the_photos_own_pixels() -> None:
    painting = _painted(_card(), _sight())
    inner = (slice(8, -8), slice(8, -8))
    u = (np.arange(SIDE) + 0.5) / SIDE * (SIDE - 1)
    assert painting.trust[8:-8, 8:-8].min() == 1.0
    assert painting.colour[inner][..., 0] == pytest.approx(np.tile(3 * u[8:-8], (SIDE - 16, 1)), abs=2.0)
    assert painting.colour[inner][..., 1] == pytest.approx(
        np.tile(3 * u[8:-8, None], (1, SIDE - 16)), abs=2.0
    )


def test_what_something_hides_is_not_trusted() -> None:
    nearest = np.full((SIDE, SIDE), np.inf)
    nearest[:, : SIDE // 2] = DEPTH - 50
    painting = _painted(_card(), _sight(nearest))
    assert painting.trust[:, : GRID // 2 - 1].max() == 0.0
    assert painting.trust[8:-8, GRID // 2 + 6 : -6].min() == 1.0


def test_wrong_kind_of_pixel_is_not_trusted() -> None:
    allowed = np.ones((GRID, GRID), bool)
    allowed[: GRID // 2] = False
    painting = _painted(_card(), _sight(), allowed)
    assert painting.trust[: GRID // 2 - 1].max() == 0.0


def test_a_grazing_surface_is_not_trusted() -> None:
    painting = _painted(_card(tilt=4000.0), _sight())
    assert painting.trust.max() < 0.2


def test_visibility_needs_to_be_in_the_photo_and_in_front() -> None:
    sight = _sight(DEPTH)
    points = np.array([[0, 0, DEPTH], [0, 0, DEPTH + 3], [0, 0, DEPTH + 20], [900, 0, DEPTH], [0, 0, -DEPTH]])
    assert sight.see(points.astype(np.float32)).visible.tolist() == [True, True, False, False, False]


def test_unseen_half_takes_its_mirror_image() -> None:
    colour = np.zeros((SIDE, SIDE, 3), np.uint8)
    colour[:, : SIDE // 2] = np.linspace(20, 200, SIDE // 2)[None, :, None]
    trust = np.zeros((GRID, GRID), np.float32)
    trust[:, : GRID // 2] = 1.0
    none = np.zeros((GRID, GRID), np.float32)
    filled = fill_by_symmetry(ATLAS, Painting(colour, trust), np.zeros((GRID, GRID, 3), np.float32), none)
    assert np.abs(filled[:, :30].astype(int) - colour[:, :30].astype(int)).max() <= 1
    assert np.abs(filled[:, 34:].astype(int) - colour[:, ::-1][:, 34:].astype(int)).max() <= 8


def test_base_tone_holds_where_neither_side_is_seen() -> None:
    painting = Painting(np.full((SIDE, SIDE, 3), 100, np.uint8), np.zeros((GRID, GRID), np.float32))
    base = np.full((GRID, GRID, 3), 55, np.float32)
    filled = fill_by_symmetry(ATLAS, painting, base, np.ones((GRID, GRID), np.float32))
    assert (filled == 55).all()


def test_smoothstep_ends_and_middle() -> None:
    assert smoothstep(np.array([0.0, 0.2, 0.3, 0.4, 1.0]), 0.2, 0.4) == pytest.approx([0, 0, 0.5, 1, 1])
