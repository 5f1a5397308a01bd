"""Fitting the photo's background plate behind a frame of another size."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.float32]


def cover_size(width: int, height: int, frame_width: int, frame_height: int) -> tuple[int, int]:
    """The smallest size with the plate's proportions that covers the frame, in pixels."""
    scale = max(frame_width / width, frame_height / height)
    return max(frame_width, round(width * scale)), max(frame_height, round(height * scale))


def centre_crop(pixels: Pixels, frame_width: int, frame_height: int) -> Pixels:
    """The middle of a picture (H,W,C) as (frame_height, frame_width, C)."""
    height, width = pixels.shape[:2]
    top, left = (height - frame_height) // 2, (width - frame_width) // 2
    return np.ascontiguousarray(pixels[top : top + frame_height, left : left + frame_width])
