"""A finished picture of a turned head, with an account of the gaps that were filled."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Still:
    """What *Render New Pose* returns."""

    pixels: NDArray[np.uint8]
    """(H,W,3) sRGB, or (H,W,4) with straight alpha if a transparent background was asked for."""
    invented: NDArray[np.uint8]
    """(H,W) 255 where the photo had no pixel for the head and one was made up, 0 where it did; between
    where its pixels are stretched."""
    invented_share: float
    """Share of the head's pixels that were made up, 0 to 1."""
    method: str
    """How holes were filled, in words for the artist."""
    interim: bool
    """Whether a classical method stands in for the network."""
