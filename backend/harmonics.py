"""Spherical harmonics of light, in the one order and with the one pole that everything here uses.

Axes are those of the camera turned y-up: x right in the picture, y up, z towards the camera. The terms are
those of Ramamoorthi and Hanrahan (SIGGRAPH 2001) with the pole upwards, so that an environment turns about
the vertical by mixing pairs of them.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

SH_TERMS = 9
CONSTANT = 0.282095
"""The first term: the same in all directions."""
LOBE = np.array([1.0] + [2 / 3] * 3 + [1 / 4] * 5)
"""Convolution with the clamped cosine, over pi (Ramamoorthi and Hanrahan 2001, eq. 8)."""
PICTURED = np.array([CONSTANT, 0, 0, 0.488603 * 2 / 3, 0, 0, -0.315392 / 4, 0, -0.546274 / 4])
"""Mean of the terms over the picture of a ball: where z is 2/3, z squared 1/2, x and y squared 1/4."""


def sh_basis(directions: Tensor) -> Tensor:
    """Real spherical harmonics (...,9) of unit vectors (...,3): 1, y, x, z, xy, yz, 3y² - 1, xz, x² - z²."""
    x, y, z = directions.unbind(-1)
    return torch.stack(
        (
            torch.full_like(x, CONSTANT),
            0.488603 * y,
            0.488603 * x,
            0.488603 * z,
            1.092548 * x * y,
            1.092548 * y * z,
            0.315392 * (3 * y * y - 1),
            1.092548 * x * z,
            0.546274 * (x * x - z * z),
        ),
        dim=-1,
    )


def sh_slopes(directions: NDArray[np.floating]) -> NDArray[np.floating]:
    """(N,9,3) change of :func:`sh_basis`, as the polynomials that they are, with directions (N,3)."""
    x, y, z = directions.T
    slopes = np.zeros((len(directions), SH_TERMS, 3), directions.dtype)
    slopes[:, 1, 1] = slopes[:, 2, 0] = slopes[:, 3, 2] = 0.488603
    slopes[:, 4, 0], slopes[:, 4, 1] = 1.092548 * y, 1.092548 * x
    slopes[:, 5, 1], slopes[:, 5, 2] = 1.092548 * z, 1.092548 * y
    slopes[:, 6, 1] = 0.315392 * 6 * y
    slopes[:, 7, 0], slopes[:, 7, 2] = 1.092548 * z, 1.092548 * x
    slopes[:, 8, 0], slopes[:, 8, 2] = 0.546274 * 2 * x, -0.546274 * 2 * z
    return slopes
