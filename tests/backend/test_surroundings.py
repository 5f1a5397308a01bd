"""Other objects of the scene before, beside and behind the head."""

from __future__ import annotations

import numpy as np
import pytest

from backend.still import Still
from backend.surroundings import with_surroundings

RNG = np.random.default_rng(3)


def still(channels: int) -> Still:
    pixels = RNG.integers(0, 256, (6, 8, channels), np.uint8)
    return Still(pixels, np.full((6, 8), 200, np.uint8), 0.25, "test", True)


@pytest.mark.parametrize("channels", [3, 4])
def test_nothing_changes_nothing(channels: int) -> None:
    before = still(channels)
    after = with_surroundings(before, np.zeros((6, 8, 4), np.uint8))
    solid = before.pixels[..., 3] > 0 if channels == 4 else np.ones((6, 8), bool)
    np.testing.assert_array_equal(after.pixels[solid], before.pixels[solid])
    np.testing.assert_array_equal(after.invented, before.invented)


@pytest.mark.parametrize("channels", [3, 4])
def test_layers_mix_as_a_loop_over_pixels_does(channels: int) -> None:
    before = still(channels)
    layer = RNG.integers(0, 256, (6, 8, 4), np.uint8)
    after = with_surroundings(before, layer)
    for place in np.ndindex(6, 8):
        cover = layer[place][3] / 255
        solid = before.pixels[place][3] / 255 if channels == 4 else 1.0
        alpha = cover + (1 - cover) * solid
        mixed = (cover * layer[place][:3] + (1 - cover) * solid * before.pixels[place][:3]) / alpha
        assert np.abs(after.pixels[place][:3] - mixed).max() <= 0.51
        assert abs(int(after.invented[place]) - 200 * (1 - cover)) <= 0.51
    assert (after.method, after.invented_share) == ("test", 0.25)
