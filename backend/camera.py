"""A pinhole camera in pixels (OpenCV axes: x right, y down, z forward)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FULL_FRAME_DIAGONAL_MM = 43.267
"""Diagonal of 36 x 24 mm film, to which the EXIF 35 mm equivalent focal length refers."""


@dataclass(frozen=True)
class Camera:
    """Intrinsics and picture size; pixel centres lie at integer coordinates."""

    fx: float
    fy: float
    cx: float
    cy: float
    width: int
    height: int

    @staticmethod
    def centred(focal_px: float, width: int, height: int) -> Camera:
        """A camera with square pixels whose axis passes through the picture's middle."""
        return Camera(focal_px, focal_px, (width - 1) / 2, (height - 1) / 2, width, height)

    @property
    def matrix(self) -> NDArray[np.float64]:
        """The 3x3 intrinsic matrix."""
        return np.array([[self.fx, 0, self.cx], [0, self.fy, self.cy], [0, 0, 1]], np.float64)

    def project(self, points_cam: NDArray[np.floating]) -> NDArray[np.floating]:
        """Project (..., 3) camera-space mm to (..., 2) pixels. Points must have z > 0."""
        z = points_cam[..., 2:3]
        xy = points_cam[..., :2] / z
        return xy * np.array([self.fx, self.fy], xy.dtype) + np.array([self.cx, self.cy], xy.dtype)

    def unproject(self, pixels: NDArray[np.floating], depth_mm: NDArray[np.floating]) -> NDArray[np.floating]:
        """Lift (..., 2) pixels with (...) depth along the optical axis to (..., 3) camera space."""
        x = (pixels[..., 0] - self.cx) / self.fx * depth_mm
        y = (pixels[..., 1] - self.cy) / self.fy * depth_mm
        return np.stack([x, y, depth_mm], axis=-1)

    def cropped(self, scale: float, offset_x: float, offset_y: float, width: int, height: int) -> Camera:
        """The camera of a crop whose pixel is ``crop = (photo - offset) * scale``."""
        return Camera(
            self.fx * scale,
            self.fy * scale,
            (self.cx - offset_x) * scale,
            (self.cy - offset_y) * scale,
            width,
            height,
        )
