"""The photo's own pixels: exact where nothing moved, sharp beside it, never across an edge."""

from __future__ import annotations

import numpy as np
import pytest

from backend.own_pixels import with_own_pixels

SIZE = 40
PHOTO = np.random.default_rng(4).integers(0, 256, (SIZE, SIZE, 3), np.uint8)
OPAQUE = np.full((SIZE, SIZE, 4), (9, 9, 9, 255), np.uint8)
KNOWN = np.full((SIZE, SIZE), 255, np.uint8)


def places(scale: float = 1.0, size: int = SIZE) -> np.ndarray:
    y, x = np.mgrid[0:size, 0:size]
    return (np.stack([x, y], axis=-1) + 0.5) * scale - 0.5


def test_at_the_photos_pose_it_is_the_photo() -> None:
    result = with_own_pixels(OPAQUE, KNOWN, places(), PHOTO)
    np.testing.assert_array_equal(result[..., :3], PHOTO)
    assert (result[..., 3] == 255).all()


def test_what_is_not_known_or_not_solid_stays() -> None:
    known, colour = KNOWN.copy(), OPAQUE.copy()
    known[:10] = 0
    colour[10:20, :, 3], known[10:20] = 128, 128
    result = with_own_pixels(colour, known, places(), PHOTO)
    np.testing.assert_array_equal(result[:20], colour[:20])
    np.testing.assert_array_equal(result[20:, :, :3], PHOTO[20:])


def test_up_to_the_border_of_what_is_known_or_shown_it_is_the_photo() -> None:
    """Behind a border a surface goes on unseen, or nothing is there: no edge between two surfaces."""
    known, colour, place = KNOWN.copy(), OPAQUE.copy(), places()
    known[:, :10] = 0
    colour[:10, :, 3], known[:10], place[:10] = 0, 0, 0
    result = with_own_pixels(colour, known, place, PHOTO)
    np.testing.assert_array_equal(result[10:, 10:, :3], PHOTO[10:, 10:])
    np.testing.assert_array_equal(result[:, :10], colour[:, :10])


def test_nothing_known_changes_nothing() -> None:
    assert with_own_pixels(OPAQUE, 0 * KNOWN, places(), PHOTO) is OPAQUE


def test_a_large_photo_is_made_smaller_first() -> None:
    """Single pixels of noise four times as fine would glitter; their mean is near the middle."""
    fine = np.random.default_rng(5).integers(0, 256, (4 * SIZE, 4 * SIZE, 3), np.uint8)
    result = with_own_pixels(OPAQUE, KNOWN, places(4.0), fine)
    mean = fine.reshape(SIZE, 4, SIZE, 4, 3).mean(axis=(1, 3))
    assert np.abs(result[1:-1, 1:-1, :3] - mean[1:-1, 1:-1]).max() < 1.5


def test_a_small_photo_is_enlarged_smoothly() -> None:
    y, x = np.mgrid[0:SIZE, 0:SIZE]
    smooth = np.stack([4 * x + 20, 4 * y + 20, 2 * x + 2 * y + 20], axis=-1).astype(np.uint8)
    result = with_own_pixels(OPAQUE, KNOWN, places(0.5), smooth)
    at = places(0.5)
    expected = np.stack([4 * at[..., 0], 4 * at[..., 1], 2 * at.sum(-1)], axis=-1) + 20
    assert np.abs(result[2:-2, 2:-2, :3] - expected[2:-2, 2:-2]).max() < 1.5


@pytest.mark.parametrize("axis", [0, 1])
def test_at_an_edge_between_surfaces_the_texture_stays(axis: int) -> None:
    place = places()
    if axis == 0:
        place[20:] += (0, 12)
        place[19:21] -= (0, 5)  # mixed by anti-aliasing
    else:
        place[:, 20:] += (12, 0)
        place[:, 19:21] -= (5, 0)
    result = np.moveaxis(with_own_pixels(OPAQUE, KNOWN, place, PHOTO)[..., :3], axis, 0)
    assert (result[18:22] == 9).all()
    assert (result[1:17] == np.moveaxis(PHOTO, axis, 0)[1:17]).all()
