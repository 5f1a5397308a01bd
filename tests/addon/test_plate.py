"""The plate covers every frame."""

from __future__ import annotations

import numpy as np
import pytest
from likeness.addon.plate import centre_crop, cover_size


@pytest.mark.parametrize("size", [(640, 480), (480, 640), (33, 1000)])
@pytest.mark.parametrize("frame", [(640, 480), (1920, 1080), (7, 501)])
def test_the_scaled_plate_covers_the_frame_and_touches_it(size, frame):
    width, height = cover_size(*size, *frame)
    assert width >= frame[0]
    assert height >= frame[1]
    assert width == frame[0] or height == frame[1]
    assert width / height == pytest.approx(size[0] / size[1], abs=1 / min(frame) * max(1, size[0] / size[1]))


def test_the_middle_is_kept():
    pixels = np.arange(5 * 7 * 1, dtype=np.float32).reshape(5, 7, 1)
    assert np.array_equal(centre_crop(pixels, 3, 5), pixels[:, 2:5])
