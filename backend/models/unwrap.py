"""UVs for models that have none: the skin on a cylinder around the head, eyeballs from the front.

The layout is symmetric about u = 0.5, as filling by symmetry needs it (texture.py). Its seam runs
down the back of the head.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

MARGIN = 0.01
"""Free border of the unit square."""


def unwrapped(
    mean: NDArray[np.floating], polygons: NDArray[np.int32], part: NDArray[np.uint8]
) -> NDArray[np.float64]:
    """(Q,4,2) per corner, v up, one unit square a part.

    Args:
        mean: (N,3) head frame, mm.
        polygons: (Q,4).
        part: (Q,) part of each polygon; 0 is the skin.
    """
    corners = np.where(polygons >= 0, polygons, polygons[:, :1])
    points = mean[corners]
    result = np.empty((*corners.shape, 2))
    for number in np.unique(part):
        mine = part == number
        flat = _cylinder(points[mine]) if number == 0 else points[mine][..., :2]
        result[mine] = _filled(flat, symmetric=number == 0)
    return result


def _cylinder(points: NDArray[np.floating]) -> NDArray[np.float64]:
    """(Q,4,2) angle about the vertical axis through the head centre, and height."""
    angle = np.arctan2(points[..., 0], points[..., 2])
    # A polygon across the seam goes to the side that holds most of it; the seam cuts it off there.
    middle = np.arctan2(points[..., 0].mean(1), points[..., 2].mean(1))[:, None]
    jump = np.abs(angle - middle) > np.pi
    angle = np.where(jump, np.sign(middle) * np.pi, angle)
    return np.stack([angle, points[..., 1]], axis=-1)


def _filled(flat: NDArray[np.floating], *, symmetric: bool) -> NDArray[np.float64]:
    """Coordinates stretched over the unit square but for its margin."""
    low, high = flat.min((0, 1)), flat.max((0, 1))
    if symmetric:
        reach = np.abs(flat[..., 0]).max()
        low[0], high[0] = -reach, reach
    return MARGIN + (1 - 2 * MARGIN) * (flat - low) / (high - low).clip(1e-9)
