"""What the photo's camera sees of the head: pixels, classes and what hides what."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .camera import Camera
from .crop import HeadCrop

DEPTH_SLACK_MM = 4.0
"""A surface this far behind the z-buffer still counts as seen (skin under a thin fringe does not)."""


@dataclass(frozen=True)
class Seen:
    """Points (M,) of a surface as the photo shows them."""

    photo_px: NDArray[np.float32]
    """(M,2) photo pixels."""
    labels: NDArray[np.uint8]
    """(M,) class of the pixel there, 0 outside the crop."""
    visible: NDArray[np.bool_]
    """(M,) whether nothing lies before the point and it is inside the photo."""


@dataclass(frozen=True)
class Sight:
    """The photo with the z-buffer and classes of the working crop."""

    pixels: NDArray[np.uint8]
    """(H,W,3) the photo, sRGB."""
    camera: Camera
    """The photo's camera."""
    crop: HeadCrop
    nearest_mm: NDArray[np.float32]
    """(Z,Z) depth of the nearest surface of the whole head, inf where there is none; covers the crop
    at a resolution of its own."""
    labels: NDArray[np.uint8]
    """(S,S) region classes of the crop."""

    def see(self, points_cam: NDArray[np.floating]) -> Seen:
        """Look at points (M,3) in camera space, mm."""
        z = points_cam[:, 2]
        in_front = z > 1
        safe = np.where(in_front[:, None], points_cam, np.float32([0, 0, 1])).astype(np.float32)
        photo_px = self.camera.project(safe)
        inside = _both((photo_px >= 0) & (photo_px <= (self.camera.width - 1, self.camera.height - 1)))
        crop_px = self.crop.to_crop(photo_px)
        nearest = _sample(self.nearest_mm, crop_px, self.crop.size)
        visible = in_front & inside & (z <= nearest + DEPTH_SLACK_MM)
        return Seen(photo_px, _sample(self.labels, crop_px, self.crop.size), visible)


def _both(pairs: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """(M,2) to (M,), as ``all(1)``, which takes several times as long over so short an axis."""
    return pairs[:, 0] & pairs[:, 1]


def _sample(grid: NDArray, crop_px: NDArray[np.floating], crop_size: int) -> NDArray:
    """Nearest value (M,) of a square grid that covers the crop, 0 beyond it."""
    size = grid.shape[0]
    finer = np.float32(size / crop_size)
    at = np.rint((crop_px + np.float32(0.5)) * finer - np.float32(0.5)).clip(-1, size).astype(np.int32)
    inside = _both((at >= 0) & (at < size))
    index = np.where(inside, at[:, 1] * size + at[:, 0], 0)
    return np.where(inside, grid.ravel()[index], 0).astype(grid.dtype)
