"""Where the face network looks, and how its answer about place and pose becomes one in millimetres.

The window is an upright square around the landmarks. What the network says of the pose is meant within
that square, so that it needs no focal length to say it:

* ``rotation`` (3,3), head axes to the axes of a camera that looks straight at the window's middle;
* ``place`` (3,): where the head centre lies, right and down of the window's middle in sides of the window,
  and the logarithm of the millimetres that the side spans at the head centre over :data:`FACE_SIDE_MM`.

:class:`WindowCameras` turns both into camera space (docs/conventions.md) and back.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..resample import Window

FACE_SIZE = 224
"""Pixels along one side, as in Deng et al. 2019."""
MARGIN = 1.5
"""Side of the window over the longer side of the landmarks' box."""
FACE_SIDE_MM = 260.0
"""What a window spans at the head centre of an average head (162 mm from chin to hairline, seen at 1.3 m)."""


def face_window(points_px: NDArray[np.floating], size: int = FACE_SIZE) -> Window:
    """The square of ``size`` pixels around landmarks (L,2) of a picture."""
    low, high = points_px.min(axis=0), points_px.max(axis=0)
    x, y = ((low + high) / 2).tolist()
    return Window.centred(x, y, MARGIN * float((high - low).max()), size)


@dataclass(frozen=True)
class WindowCameras:
    """The cameras of B square windows, with square pixels; pixel centres lie at integer coordinates."""

    focal_px: Tensor
    """(B,)."""
    principal_px: Tensor
    """(B,2)."""
    side: int
    """Pixels along one side of the windows."""

    @property
    def middle_px(self) -> float:
        """Coordinate of the window's middle, in x and in y."""
        return (self.side - 1) / 2

    def translation_mm(self, place: Tensor) -> Tensor:
        """Head centres (B,3) in camera space for ``place`` (B,3)."""
        depth = self.focal_px / self.side * FACE_SIDE_MM * place[:, 2].exp()
        pixel = self.middle_px + self.side * place[:, :2]
        across = (pixel - self.principal_px) / self.focal_px[:, None] * depth[:, None]
        return torch.cat([across, depth[:, None]], dim=1)

    def place_of(self, translation_mm: Tensor) -> Tensor:
        """Inverse of :meth:`translation_mm`."""
        pixel = self.project(translation_mm[:, None])[:, 0]
        span_mm = translation_mm[:, 2] * self.side / self.focal_px
        return torch.cat([(pixel - self.middle_px) / self.side, (span_mm / FACE_SIDE_MM).log()[:, None]], 1)

    def rays(self) -> Tensor:
        """(B,3,3) the least turns that take the optical axis to the rays through the windows' middles.

        A head beside the optical axis looks turned although it is not; what a window shows depends on the
        rotation against its own ray alone.
        """
        across = (self.middle_px - self.principal_px) / self.focal_px[:, None]
        x, y, z = torch.nn.functional.normalize(
            torch.cat([across, torch.ones_like(across[:, :1])], dim=1), dim=1
        ).unbind(dim=1)
        share = 1 / (1 + z)
        rows = (1 - x * x * share, -x * y * share, x, -x * y * share, 1 - y * y * share, y, -x, -y, z)
        return torch.stack(rows, dim=1).unflatten(1, (3, 3))

    def to_camera(self, points_head: Tensor, rotation: Tensor, place: Tensor) -> Tensor:
        """Points (B,N,3) of the head frame, mm, in camera space, for an answer of the network."""
        return points_head @ (self.rays() @ rotation).mT + self.translation_mm(place)[:, None]

    def project(self, points_cam: Tensor) -> Tensor:
        """Window pixels (B,N,2) of points (B,N,3) in camera space with z > 0."""
        across = points_cam[..., :2] / points_cam[..., 2:]
        return across * self.focal_px[:, None, None] + self.principal_px[:, None]
