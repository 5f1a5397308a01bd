"""The classical refiner: what it keeps, what it closes, what it admits to have invented."""

from __future__ import annotations

import numpy as np
import pytest

from backend.refine import ClassicalRefiner, cover_fit

PLATE = np.full((64, 80, 3), (10, 200, 30), np.uint8)
OTHER = np.full((240, 320, 3), (1, 2, 3), np.uint8)
KNOWN = np.zeros((64, 80), np.uint8)
KNOWN[16:48, 20:60] = 255


def _coarse(width: int = 80, height: int = 64) -> np.ndarray:
    coarse = np.zeros((height, width, 4), np.uint8)
    coarse[16:48, 20:60] = (200, 100, 50, 255)
    return coarse


def test_opaque_pixels_are_kept_and_the_plate_shows_elsewhere() -> None:
    still = ClassicalRefiner().refine(_coarse(), KNOWN, PLATE, transparent=False)
    assert (still.pixels[16:48, 20:60] == (200, 100, 50)).all()
    assert (still.pixels[:10] == (10, 200, 30)).all()
    assert still.invented.max() == 0 and still.invented_share == 0.0


def test_half_transparent_pixels_mix_with_the_plate() -> None:
    coarse = _coarse()
    coarse[16:48, 20:60, 3] = 51
    still = ClassicalRefiner().refine(coarse, coarse[..., 3], PLATE, transparent=False)
    expected = 0.2 * np.array([200, 100, 50]) + 0.8 * np.array([10, 200, 30])
    assert np.abs(still.pixels[30, 40] - expected).max() <= 1


def test_a_crack_is_closed_and_marked_as_invented() -> None:
    coarse = np.zeros((240, 320, 4), np.uint8)
    coarse[40:200, 60:260] = (200, 100, 50, 255)
    coarse[60:180, 159:161] = 0
    still = ClassicalRefiner().refine(coarse, coarse[..., 3], PLATE, transparent=False)
    assert np.abs(still.pixels[120, 159:161].astype(int) - (200, 100, 50)).max() <= 2
    assert (still.invented[80:160, 159:161] == 255).all()
    assert still.invented_share == pytest.approx(240 / (160 * 200), rel=0.05)


def test_what_the_photo_did_not_see_is_invented_whatever_covers_it() -> None:
    known = KNOWN.copy()
    known[16:48, 20:30] = 0
    still = ClassicalRefiner().refine(_coarse(), known, PLATE, transparent=False)
    assert (still.invented[16:48, 20:30] == 255).all() and still.invented[16:48, 30:60].max() == 0
    assert still.invented_share == pytest.approx(0.25)
    assert (still.pixels[16:48, 20:60] == (200, 100, 50)).all()


def test_a_wide_opening_stays_open() -> None:
    coarse = np.zeros((240, 320, 4), np.uint8)
    coarse[40:200, 60:260] = (200, 100, 50, 255)
    coarse[60:180, 130:190] = 0
    still = ClassicalRefiner().refine(coarse, coarse[..., 3], OTHER, transparent=False)
    assert (still.pixels[120, 160] == (1, 2, 3)).all()


def test_transparent_background_returns_straight_alpha() -> None:
    still = ClassicalRefiner().refine(_coarse(), KNOWN, PLATE, transparent=True)
    assert still.pixels.shape == (64, 80, 4)
    assert (still.pixels[30, 40] == (200, 100, 50, 255)).all()
    assert still.pixels[2, 2, 3] == 0


def test_result_says_that_it_is_interim() -> None:
    still = ClassicalRefiner().refine(_coarse(), KNOWN, PLATE, transparent=False)
    assert still.interim
    assert still.method


@pytest.mark.parametrize("size", [(80, 64), (64, 64), (160, 20), (33, 77)])
def test_cover_fit_fills_the_frame(size: tuple[int, int]) -> None:
    fitted = cover_fit(PLATE, *size)
    assert fitted.shape == (size[1], size[0], 3)
    assert (fitted == (10, 200, 30)).all()
