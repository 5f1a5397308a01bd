"""Labels of a photo on a window of it."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.resample import Window
from train.parsing.hand_labels import on_window
from train.parsing.sample import UNKNOWN


def test_same_size_window_is_the_photo():
    labels = np.random.default_rng(1).choice([0, 1, 2, 7, UNKNOWN], (40, 40)).astype(np.uint8)
    np.testing.assert_array_equal(on_window(labels, Window(1.0, 0.0, 0.0, 40, 40)), labels)


@settings(max_examples=20, deadline=None)
@given(scale=st.floats(0.4, 3.0), x=st.floats(-5, 20), y=st.floats(-5, 20))
def test_half_planes_keep_their_border(scale: float, x: float, y: float):
    labels = np.where(np.arange(60)[None, :] < 30, 1, 2).repeat(60, axis=0).astype(np.uint8)
    window = Window(scale, x, y, 32, 32)
    columns = window.to_picture(np.stack([np.arange(32.0), np.zeros(32)], axis=1))[:, 0]
    sure = np.abs(columns - 29.5) > 1.0 / min(scale, 1.0)
    expected = np.where(columns < 29.5, 1, 2)
    assert (on_window(labels, window)[:, sure] == expected[sure]).all()


def test_large_unsure_patch_stays_unsure():
    labels = np.full((40, 40), 1, np.uint8)
    labels[10:30, 10:30] = UNKNOWN
    assert on_window(labels, Window(2.0, 10.0, 10.0, 30, 30))[5, 5] == UNKNOWN
