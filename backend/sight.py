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
class Sight:
    """The photo with the z-buffer and classes of the working crop."""

    pixels: NDArray[np.uint8]
    """(H,W,3) the photo, sRGB."""
    camera: Camera
    """The photo's camera."""
    crop: HeadCrop
    nearest_mm: NDArray[np.float32]
    """(S,S) depth of the nearest surface of the whole head in the crop, inf where there is none."""
    labels: NDArray[np.uint8]
    """(S,S) region classes of the crop."""

    def visible(self, points_cam: NDArray[np.floating]) -> NDArray[np.bool_]:
        """Whether points (...,3) in camera space lie on the nearest surface and inside the photo."""
        z = points_cam[..., 2]
        in_front = z > 1
        safe = np.where(in_front[..., None], points_cam, (0.0, 0.0, 1.0)).astype(np.float32)
        nearest = self._sample(self.nearest_mm, safe)
        photo = self.camera.project(safe)
        inside = ((photo >= 0) & (photo <= (self.camera.width - 1, self.camera.height - 1))).all(-1)
        return in_front & inside & (z <= nearest + DEPTH_SLACK_MM)

    def labels_at(self, points_cam: NDArray[np.floating]) -> NDArray[np.uint8]:
        """Class of the pixel at which points (...,3) are seen; 0 outside the crop."""
        safe = np.where(points_cam[..., 2:] > 1, points_cam, (0.0, 0.0, 1.0)).astype(np.float32)
        return self._sample(self.labels, safe)

    def _sample(self, grid: NDArray, points_cam: NDArray[np.floating]) -> NDArray:
        """Nearest value of a crop-sized grid, 0 beyond it."""
        size = self.crop.size
        at = np.rint(self.crop.camera.project(points_cam)).clip(-1, size).astype(np.int32)
        inside = ((at >= 0) & (at < size)).all(-1)
        x, y = at[..., 0].clip(0, size - 1), at[..., 1].clip(0, size - 1)
        return np.where(inside, grid[y, x], 0).astype(grid.dtype)
