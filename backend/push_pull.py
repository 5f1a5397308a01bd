"""Fills the unknown pixels of a picture smoothly from the known ones with a pyramid."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

EPSILON = 1e-6
FEWEST_PIXELS = 1
BLUR = np.array([1.0, 3.0, 3.0, 1.0], np.float32) / 8.0
"""Even-length binomial kernel: halves a picture around the corners of its pixels, without a shift."""


def push_pull(
    image: NDArray[np.floating] | NDArray[np.uint8], weight: NDArray[np.floating] | NDArray[np.bool_]
) -> NDArray[np.float32]:
    """Fill a picture where its weight is small (Gortler et al., The Lumigraph, 1996, section 3.4).

    Args:
        image: (H,W,C) or (H,W); values where ``weight`` is 0 are ignored (they may be anything finite).
        weight: (H,W) trust in [0,1]; a pixel of weight 1 keeps its value exactly.

    Returns:
        float32 of the image's shape. Without any known pixel the result is 0.
    """
    values = np.asarray(image, np.float32)
    flat = values[..., None] if values.ndim == 2 else values
    trust = np.clip(np.asarray(weight, np.float32), 0.0, 1.0)
    return _fill(flat, trust).reshape(values.shape)


def _fill(values: NDArray[np.float32], trust: NDArray[np.float32]) -> NDArray[np.float32]:
    weight = trust[..., None]
    if trust.min() >= 1.0:
        return values
    if trust.size == FEWEST_PIXELS:
        return np.where(weight > EPSILON, values, 0.0).astype(np.float32)
    height, width = trust.shape
    coarse_trust = _halve(trust)
    coarse = _halve(values * weight) / np.maximum(coarse_trust, EPSILON)[..., None]
    # Pulled weights are raised towards 1: a coarse pixel with any solid support is good enough to
    # stop the recursion from washing it out with far colours.
    below = _fill(coarse, np.minimum(1.0, coarse_trust * 2.0))
    return weight * values + (1.0 - weight) * _double(below, width, height)


def _halve(grid: NDArray[np.float32]) -> NDArray[np.float32]:
    """Half the resolution (rounded up), normalised over borders by reflection."""
    height, width = grid.shape[:2]
    padded = cv2.copyMakeBorder(
        grid,
        1,
        1 + height % 2,
        1,
        1 + width % 2,
        cv2.BORDER_REFLECT if min(height, width) > 1 else cv2.BORDER_REPLICATE,
    )
    smooth = cv2.sepFilter2D(padded, -1, BLUR, BLUR, anchor=(1, 1))
    return _as_grid(smooth[1:-1:2, 1:-1:2], grid)


def _double(grid: NDArray[np.float32], width: int, height: int) -> NDArray[np.float32]:
    """Twice the resolution, bilinear, cropped to ``width`` x ``height``."""
    size = (2 * grid.shape[1], 2 * grid.shape[0])
    bigger = cv2.resize(grid, size, interpolation=cv2.INTER_LINEAR)
    return _as_grid(bigger, grid)[:height, :width]


def _as_grid(result: NDArray[np.float32], like: NDArray[np.float32]) -> NDArray[np.float32]:
    """Give back the channel axis that OpenCV drops for one channel."""
    return result[..., None] if like.ndim == 3 and result.ndim == 2 else result
