"""The sRGB curve, and how bright a colour is (IEC 61966-2-1)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

LUMINANCE = np.array([0.2126, 0.7152, 0.0722])
"""Weights of linear red, green and blue."""


def to_linear(srgb: NDArray[np.floating]) -> NDArray[np.floating]:
    """sRGB in [0,1] to linear light."""
    return np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)


def from_linear(linear: NDArray[np.floating]) -> NDArray[np.floating]:
    """Linear light to sRGB; 1 is white, and what is brighter goes on along the curve."""
    return np.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear.clip(1e-9) ** (1 / 2.4) - 0.055)


LINEAR_OF_BYTE = to_linear(np.arange(256) / 255).astype(np.float32)
"""(256,) what a byte of a picture is in linear light."""
