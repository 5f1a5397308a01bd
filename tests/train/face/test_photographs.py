"""What the product sees in photographs reaches the network unchanged."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.resample import Window
from train.common.errors import BrokenSample, EmptyDataset
from train.face.data import Jitter
from train.face.photographs import Photographs, read_photographs, window_tensors
from train.face.portraits import seen_from

from . import photos

STILL, STRAYING = Jitter(0.0, 0.0), Jitter(0.05, 0.1)


def test_what_was_written_is_read(tmp_path: Path) -> None:
    written = photos.portrait(1)
    found = read_photographs(photos.folder(tmp_path))[1]
    _, skin = found.read()
    np.testing.assert_array_equal(skin, written.skin)
    np.testing.assert_allclose(found.landmarks_px, written.landmarks_px, atol=1e-3)
    assert found.focal_px == written.focal_px and tuple(found.principal_px) == pytest.approx(
        written.principal_px
    )


def test_landmarks_skin_and_camera_move_with_the_window(tmp_path: Path) -> None:
    (first, *_) = read_photographs(photos.folder(tmp_path, 1))
    window = Window(2.0, 20.0, 10.0, 64, 64)
    sample = window_tensors(first, *first.read(), window)
    expected = (first.landmarks_px - np.array([20, 10])) * 2
    torch.testing.assert_close(sample["landmarks"], torch.from_numpy(expected).float())
    assert sample["focal"] == 2 * first.focal_px
    # The skin's square begins at column 35, row 30: 30 pixels right and 40 below the window's corner.
    assert sample["skin"][45, 35] == 1 and sample["skin"][35, 35] == 0 and sample["skin"][45, 25] == 0
    assert sample["picture"].shape == (3, 64, 64) and sample["picture"].abs().max() <= 1


def test_equal_numbers_give_equal_windows(tmp_path: Path) -> None:
    source = Photographs([photos.folder(tmp_path)], 64, STRAYING, seed=1)
    first, again, other = (source.sample(n)["landmarks"] for n in (3, 3, 4))
    assert torch.equal(first, again) and not torch.equal(first, other)


@settings(max_examples=25, deadline=None)
@given(
    scales=st.tuples(st.floats(0.2, 4), st.floats(0.2, 4)),
    places=st.tuples(*[st.floats(-50, 50)] * 4),
    x=st.floats(-30, 90),
    y=st.floats(-30, 90),
)
def test_a_window_seen_from_another_is_the_same_place(
    scales: tuple[float, float], places: tuple[float, float, float, float], x: float, y: float
) -> None:
    window = Window(scales[0], places[0], places[1], 32, 32)
    other = Window(scales[1], places[2], places[3], 64, 64)
    point = np.array([x, y])
    through = seen_from(window, other).to_picture(point)
    np.testing.assert_allclose(other.to_picture(through), window.to_picture(point), atol=1e-6)


def test_what_is_broken_is_named(tmp_path: Path) -> None:
    with pytest.raises(EmptyDataset, match="No folder"):
        Photographs([], 64, STILL, 0)
    with pytest.raises(EmptyDataset, match=r"manifest\.jsonl"):
        read_photographs(tmp_path)
    folder = photos.folder(tmp_path, 1)
    (found,) = read_photographs(folder)
    found.skin.write_bytes(b"no mask")
    with pytest.raises(BrokenSample, match="p0_skin"):
        found.read()
    found.image.unlink()
    with pytest.raises(BrokenSample, match=r"p0\.jpg"):
        found.read()
    path = folder / "manifest.jsonl"
    entry = json.loads(path.read_text())
    for broken in ({**entry, "landmarks_478": [[0, 0]]}, {**entry, "camera": {}}):
        path.write_text(json.dumps(broken))
        with pytest.raises(BrokenSample, match="line 1"):
            read_photographs(folder)
