"""Cuts the square working picture around the head, with the camera that sees just that square."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .camera import FULL_FRAME_DIAGONAL_MM, Camera
from .frames import Pose
from .landmarks import DetectedFace
from .photo import Photo
from .resample import Window, cut, inside, paste

CROP_SIZE = 512
CROP_SIDE_MM = 520.0
"""Side of the square at the head's depth: 2.2 head heights, so that big hair and the neck fit."""

FOREHEAD_TOP, CHIN = 10, 152
"""MediaPipe's landmarks at the two ends of the face oval."""
FACE_OVAL_MM = 172.0
"""Distance of the two on an average adult head."""

NORMAL_LENS = 50.0 / FULL_FRAME_DIAGONAL_MM
"""Focal length over diagonal, only so that a rough crop has a camera at all."""


@dataclass(frozen=True)
class HeadCrop:
    """Square picture around the head: ``crop pixel = (photo pixel - offset) * scale``.

    Pixel centres lie at integer coordinates in both pictures.
    """

    pixels: NDArray[np.uint8]
    """(S,S,3) sRGB; outside the photo its border pixels are repeated."""
    inside: NDArray[np.bool_]
    """(S,S) True where the photo really has a pixel."""
    camera: Camera
    """The crop's own camera; it stands where the photo's camera stands (one camera space)."""
    scale: float
    offset_x: float
    offset_y: float

    @property
    def size(self) -> int:
        """S, pixels along one side."""
        return self.pixels.shape[0]

    @property
    def window(self) -> Window:
        """The crop as a window of the photo."""
        return Window(self.scale, self.offset_x, self.offset_y, self.size, self.size)

    def to_crop(self, points_photo: NDArray[np.floating]) -> NDArray[np.floating]:
        """Photo pixels (...,2) to crop pixels."""
        return self.window.to_window(points_photo)

    def to_photo(self, points_crop: NDArray[np.floating]) -> NDArray[np.floating]:
        """Crop pixels (...,2) to photo pixels."""
        return self.window.to_picture(points_crop)

    def map_to_photo(
        self, values: NDArray[np.float32], width: int, height: int, outside: float = 0.0
    ) -> NDArray[np.float32]:
        """A map of the crop (S,S) or (S,S,C) on the photo's grid, ``outside`` beyond the crop."""
        return paste(values, self.window, width, height, outside)


def rough_crop(photo: Photo, face: DetectedFace, size: int = CROP_SIZE) -> HeadCrop:
    """The crop before the head is fitted, from the size and place of the landmarks alone."""
    top, chin = face.points_px[FOREHEAD_TOP], face.points_px[CHIN]
    # A nodding head shortens the oval in the picture; the landmarks' own depth restores it.
    depth = float(face.points_z[FOREHEAD_TOP] - face.points_z[CHIN])
    oval_px = math.hypot(*(top - chin).tolist(), depth)
    x, y = ((top + chin) / 2).tolist()
    focal_px = photo.focal_px or NORMAL_LENS * math.hypot(photo.width, photo.height)
    camera = Camera.centred(focal_px, photo.width, photo.height)
    return square_crop(photo, camera, x, y, oval_px * CROP_SIDE_MM / FACE_OVAL_MM, size)


def head_crop(photo: Photo, camera: Camera, pose: Pose, size: int = CROP_SIZE) -> HeadCrop:
    """The crop aligned on the 3D head centre (the paper's re-alignment after the face fit).

    The square is centred on the projected head centre and :data:`CROP_SIDE_MM` wide at its depth.
    """
    x, y = camera.project(pose.translation_mm).tolist()
    side_px = CROP_SIDE_MM * camera.fx / float(pose.translation_mm[2])
    return square_crop(photo, camera, x, y, side_px, size)


def square_crop(
    photo: Photo, camera: Camera, x: float, y: float, side_px: float, size: int = CROP_SIZE
) -> HeadCrop:
    """Cut the square of ``side_px`` photo pixels around (x, y) and scale it to ``size``."""
    window = Window.centred(x, y, side_px, size)
    return HeadCrop(
        pixels=cut(photo.pixels, window),
        inside=inside(window, photo.width, photo.height),
        camera=camera.cropped(window.scale, window.offset_x, window.offset_y, size, size),
        scale=window.scale,
        offset_x=window.offset_x,
        offset_y=window.offset_y,
    )
