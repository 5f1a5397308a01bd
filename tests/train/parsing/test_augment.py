from __future__ import annotations

import numpy as np
import pytest

from backend.head_parse import EAR, FACE, HAIR, HEAD_CLASSES
from train.parsing.augment import Geometry, augment, centred
from train.parsing.sample import UNKNOWN, Sample

from . import pictures

GEOMETRY = Geometry(side=64, crop=96, rotation_deg=35.0, zoom=(0.7, 1.4))


def windows(count: int) -> list[Sample]:
    return [augment(pictures.person(k, 192), GEOMETRY, np.random.default_rng(k)) for k in range(count)]


def test_labels_move_with_the_picture() -> None:
    """Wherever a window looks, its mattes and its classes still say the same, up to their borders."""
    for window in windows(20):
        assert window.pixels.shape == (64, 64, 3) and window.pixels.dtype == np.uint8
        known = (window.regions != UNKNOWN) & (window.trusted > 0)
        head = np.isin(window.regions, HEAD_CLASSES)
        assert ((window.head > 127) == head)[known].mean() > 0.96
        assert ((window.person > 127) == (window.regions > 0))[known].mean() > 0.96


def test_equal_random_numbers_give_equal_windows() -> None:
    for ours, theirs in zip(windows(3), windows(3), strict=True):
        assert all(
            np.array_equal(a, b) for a, b in zip(vars(ours).values(), vars(theirs).values(), strict=True)
        )


def test_windows_show_what_they_are_for_and_differ() -> None:
    found = windows(40)
    for code in (FACE, HAIR, EAR):
        assert sum((window.regions == code).any() for window in found) > 25
    assert len({window.pixels.tobytes() for window in found}) == 40
    assert any((window.regions == UNKNOWN).any() for window in found), "no photo ends inside a window"


@pytest.mark.parametrize("side", [64, 96, 192])
def test_the_whole_sample_stays_in_place_at_any_size(side: int) -> None:
    sample = pictures.person(side=192)
    ours = centred(sample, side)
    block = 192 // side if 192 % side == 0 else 1
    expected = sample.regions.reshape(side, block, side, block).transpose(0, 2, 1, 3).reshape(side, side, -1)
    pure = (expected == expected[..., :1]).all(axis=-1)
    np.testing.assert_array_equal(ours.regions[pure], expected[..., 0][pure])
