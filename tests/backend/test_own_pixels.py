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


def soft_edge() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Render, known, plate, and the photo that shows the render's head in its true colours over the plate."""
    plate = np.full((SIZE, SIZE, 3), (40, 90, 200), np.uint8)
    alpha = np.linspace(1, 0.4, SIZE)[None, :, None] * np.ones((SIZE, 1, 1))
    true = np.random.default_rng(6).integers(90, 130, (SIZE, SIZE, 3))
    # A texture has the brightness of the hair and a calmer tint.
    texture = np.broadcast_to(true.mean(-1, keepdims=True), true.shape)
    photo = np.rint(alpha * true + (1 - alpha) * plate).astype(np.uint8)
    colour = np.rint(np.dstack([texture, 255 * alpha])).astype(np.uint8)
    return colour, colour[..., 3], plate, photo


def over(colour: np.ndarray, below: np.ndarray) -> np.ndarray:
    alpha = colour[..., 3:] / 255
    return alpha * colour[..., :3] + (1 - alpha) * below


def test_a_soft_edge_over_its_own_background_is_the_photo() -> None:
    colour, known, plate, photo = soft_edge()
    result = with_own_pixels(colour, known, places(), photo, plate)
    np.testing.assert_allclose(over(result, plate), photo, atol=1.5)
    np.testing.assert_array_equal(result[..., 3], colour[..., 3])
    without = with_own_pixels(colour, known, places(), photo)
    assert np.abs(over(without, plate) - photo)[:, -10:].mean() > 3


def test_before_another_background_a_soft_edge_holds_nothing_of_the_photos() -> None:
    colour, known, plate, photo = soft_edge()
    result = with_own_pixels(colour, known, places(), photo, plate)
    assert np.abs(result[..., :3].astype(int) - colour[..., :3]).max() < 45
    seam = with_own_pixels(colour, known, places(), photo, np.zeros_like(plate))
    # With a wrong background the photo's pixels do not agree with the texture, which then stays.
    np.testing.assert_array_equal(seam[:, -8:, :3], colour[:, -8:, :3])


def test_the_rim_of_a_surface_that_goes_on_in_the_photo_keeps_its_texture() -> None:
    """Half a pixel of cheek before the background, where the photo shows cheek: nothing is taken out."""
    plate = np.full((SIZE, SIZE, 3), (20, 30, 60), np.uint8)
    skin = np.full((SIZE, SIZE, 3), (200, 160, 140), np.uint8)
    colour = np.dstack([skin, np.full((SIZE, SIZE), 128, np.uint8)])
    result = with_own_pixels(colour, colour[..., 3], places(), skin, plate)
    np.testing.assert_array_equal(result, colour)
