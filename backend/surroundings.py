"""The scene's other objects are laid over a finished still: what stands before the head stays there."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from .still import Still


def with_surroundings(still: Still, surroundings: NDArray[np.uint8]) -> Still:
    """Lay a layer over a still; what it covers was not invented.

    Args:
        still: of size (H,W), with or without alpha.
        surroundings: (H,W,4) sRGB, straight alpha: the other objects with the head cut out of them.
    """
    layer = surroundings.astype(np.float32)
    cover = layer[..., 3:] / 255
    below = still.pixels.astype(np.float32)
    solid = below[..., 3:] / 255 if below.shape[2] == 4 else np.ones_like(cover)
    alpha = cover + (1 - cover) * solid
    colour = (cover * layer[..., :3] + (1 - cover) * solid * below[..., :3]) / alpha.clip(1e-6)
    pixels = np.dstack([colour, 255 * alpha]) if below.shape[2] == 4 else colour
    invented = still.invented * (1 - cover[..., 0])
    return replace(still, pixels=_to_uint8(pixels), invented=_to_uint8(invented))


def _to_uint8(values: NDArray[np.floating]) -> NDArray[np.uint8]:
    return np.rint(values.clip(0, 255)).astype(np.uint8)
