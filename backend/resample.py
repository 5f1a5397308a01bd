"""Cuts a window out of a picture at any scale, with pixel centres kept exact."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Window:
    """A rectangle of a picture: ``window pixel = (picture pixel - offset) * scale``.

    Pixel centres lie at integer coordinates in both. The window may reach over the picture's edge.
    """

    scale: float
    offset_x: float
    offset_y: float
    width: int
    height: int

    @staticmethod
    def centred(x: float, y: float, side_px: float, size: int) -> Window:
        """The square of ``side_px`` picture pixels around (x, y), ``size`` window pixels wide."""
        scale = size / side_px
        half = (size - 1) / 2 / scale
        return Window(scale, x - half, y - half, size, size)

    def to_window(self, points_px: NDArray[np.floating]) -> NDArray[np.floating]:
        """Picture pixels (...,2) to window pixels."""
        return (points_px - self._offset(points_px.dtype)) * self.scale

    def to_picture(self, points_px: NDArray[np.floating]) -> NDArray[np.floating]:
        """Window pixels (...,2) to picture pixels."""
        return points_px / self.scale + self._offset(points_px.dtype)

    def _offset(self, dtype: np.dtype) -> NDArray[np.floating]:
        return np.array([self.offset_x, self.offset_y], dtype)


def cut(pixels: NDArray[np.uint8], window: Window) -> NDArray[np.uint8]:
    """The window's pixels (h,w) or (h,w,C); beyond the picture its border pixels are repeated.

    Bilinear on a grid at least as fine as the picture's, then averaged: an area filter when the
    window shrinks the picture, plain bilinear when it enlarges it.
    """
    fine = max(1, math.ceil(1.0 / window.scale))
    step = 1.0 / (window.scale * fine)
    shift = (fine - 1) / 2 * step  # the first of `fine` samples of a pixel lies left of its centre
    matrix = np.array(
        [[step, 0.0, window.offset_x - shift], [0.0, step, window.offset_y - shift]], np.float64
    )
    sampled = cv2.warpAffine(
        pixels,
        matrix,
        (window.width * fine, window.height * fine),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )
    if fine == 1:
        return sampled
    return cv2.resize(sampled, (window.width, window.height), interpolation=cv2.INTER_AREA)


def look_up(values: NDArray, window: Window, outside: float = float("nan")) -> NDArray:
    """A map (h,w) at the window's pixels without mixing, for what has no mean: classes, depths with jumps."""
    step = 1.0 / window.scale
    matrix = np.array([[step, 0.0, window.offset_x], [0.0, step, window.offset_y]], np.float64)
    return cv2.warpAffine(
        values,
        matrix,
        (window.width, window.height),
        flags=cv2.INTER_NEAREST | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=(outside,) * 4,
    )


def paste(
    values: NDArray[np.float32], window: Window, width: int, height: int, outside: float = 0.0
) -> NDArray[np.float32]:
    """A map of the window (h,w) or (h,w,C) on the picture's own grid, ``outside`` elsewhere."""
    step = 1.0 / window.scale
    matrix = np.array([[step, 0.0, window.offset_x], [0.0, step, window.offset_y]], np.float64)
    return cv2.warpAffine(
        values,
        matrix,
        (width, height),
        flags=cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=(outside,) * 4,
    )


def inside(window: Window, width: int, height: int) -> NDArray[np.bool_]:
    """(h,w) True where the window shows the picture itself rather than repeated border pixels."""
    x = np.arange(window.width) / window.scale + window.offset_x
    y = np.arange(window.height) / window.scale + window.offset_y
    columns = (x >= -0.5) & (x <= width - 0.5)
    rows = (y >= -0.5) & (y <= height - 0.5)
    return rows[:, None] & columns[None, :]
