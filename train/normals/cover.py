"""Puts things before faces: bars as thick as fingers, microphones and wrists, of somebody else's picture.

What covers a face has the colours of another window, mostly skin, so that colour alone gives nothing
away. The true normals of the face stay what they are: the network guesses them, and says what it cannot see.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

THICK = (0.03, 0.09)
"""Of a bar, as a share of the side: a finger is 15 mm of 260."""
LONG = (0.15, 0.5)
"""Of a bar, as a share of the side."""
BARS = 5
"""At most, side by side."""
FRAYED = 0.5
"""Usual angle between neighbours, radians, over their number."""
SHADOW = 0.5
"""Darkest that a bar makes what it is about to cover."""


def covered(
    pixels: NDArray[np.uint8], other: NDArray[np.uint8], rng: np.random.Generator
) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """The window ``pixels`` (S,S,3) behind bars that show ``other`` (S,S,3), and the bars (S,S) in [0,1]."""
    mask = bars(len(pixels), rng)
    sharp = cv2.GaussianBlur(mask, (0, 0), 0.6)[..., None]
    near = cv2.GaussianBlur(mask, (0, 0), 0.02 * len(pixels))[..., None] * rng.uniform(0, SHADOW)
    mixed = sharp * other + (1 - sharp) * pixels * (1 - near)
    return np.rint(mixed).astype(np.uint8), mask


def bars(side: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """(S,S) 1 within one to five rounded bars beside each other, anywhere near the middle."""
    mask = np.zeros((side, side), np.float32)
    x, y = side * rng.uniform(0.2, 0.8, 2)
    angle, thick = rng.uniform(0, 2 * np.pi), side * rng.uniform(*THICK)
    for number in range(int(rng.integers(1, BARS + 1))):
        turned = angle + rng.normal(0, FRAYED / BARS)
        aside = number * 0.95 * thick * np.array([-np.sin(angle), np.cos(angle)])
        start = np.array([x, y]) + aside
        end = start + side * rng.uniform(*LONG) * np.array([np.cos(turned), np.sin(turned)])
        points = [tuple(np.rint(16 * point).astype(int).tolist()) for point in (start, end)]
        cv2.line(mask, *points, 1.0, max(round(thick), 1), cv2.LINE_AA, shift=4)
    return mask
