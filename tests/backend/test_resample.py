from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from backend.resample import Window, cut, inside, paste

windows = st.builds(
    Window.centred,
    x=st.floats(-300, 300),
    y=st.floats(-300, 300),
    side_px=st.floats(8, 2000),
    size=st.integers(8, 600),
)


@given(windows, st.floats(-1e3, 1e3), st.floats(-1e3, 1e3))
def test_points_return(window: Window, x: float, y: float) -> None:
    point = np.array([[x, y]])
    np.testing.assert_allclose(window.to_picture(window.to_window(point)), point, atol=1e-6)


@given(windows)
def test_centre_of_the_window_is_where_it_was_asked_for(window: Window) -> None:
    middle = np.array([(window.width - 1) / 2] * 2)
    around = window.to_picture(np.array([[-0.5, -0.5], [window.width - 0.5] * 2]))
    np.testing.assert_allclose(around.mean(axis=0), window.to_picture(middle), atol=1e-6)


def test_identity_window_keeps_the_picture() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (30, 40, 3), np.uint8)
    np.testing.assert_array_equal(cut(picture, Window(1.0, 0.0, 0.0, 40, 30)), picture)


def test_shrinking_by_a_whole_factor_is_the_mean_of_blocks() -> None:
    picture = np.random.default_rng(1).integers(0, 256, (32, 32, 3), np.uint8)
    window = Window.centred(15.5, 15.5, 32, 8)
    blocks = picture.reshape(8, 4, 8, 4, 3).mean(axis=(1, 3))
    assert np.abs(cut(picture, window) - blocks).max() <= 1.0


def test_a_ramp_is_sampled_where_the_window_says() -> None:
    ramp = np.tile(np.arange(200, dtype=np.uint8), (60, 1))
    for scale in (0.3, 0.77, 1.0, 2.5):
        window = Window(scale, 20.3, 10.6, 40, 20)
        x = window.to_picture(np.stack([np.arange(40.0), np.zeros(40)], 1))[:, 0]
        seen = x < 198
        error = cut(ramp, window)[5] - x
        assert abs(error[seen].mean()) < 0.4  # whole grey values are rounded twice when shrinking
        assert np.abs(error[seen]).max() < 0.95


def test_paste_puts_values_back_and_leaves_the_rest() -> None:
    x = np.mgrid[:90, :120].astype(np.float32)[1]
    window = Window.centred(60.0, 45.0, 50.0, 100)
    back = paste(cut((x * 2).astype(np.uint8), window).astype(np.float32), window, 120, 90, outside=-1.0)
    assert (back[:, :30] == -1).all()
    assert np.abs(back[30:60, 45:75] - 2 * x[30:60, 45:75]).max() < 1.6


def test_inside_marks_the_picture() -> None:
    mask = inside(Window(2.0, -5.0, 3.0, 40, 30), 12, 16)
    rows, columns = np.nonzero(mask)
    assert (columns.min(), columns.max()) == (9, 33)
    assert (rows.min(), rows.max()) == (0, 25)
