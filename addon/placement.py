"""Where pivot and camera stand in Blender so that head and photo coincide (see docs/conventions.md).

The root of a head is its pivot's place. The camera looks along Blender's +y, level, and the head
stands before it, turned as in the photo.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..backend.frames import HEAD_TO_BLENDER_AXES, MM_PER_M, Pose
from ..backend.protocol import CameraHeader

CAMERA_TO_BLENDER_AXES = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, -1.0, 0.0]])
"""OpenCV axes (x right, y down, z forward) to Blender's world seen by a camera along +y."""

CAMERA_EULER = (math.pi / 2, 0.0, 0.0)
"""Blender's cameras look along their own -z; this turns them to +y with z up."""

PIVOT_ROTATION_ORDER = "YXZ"
"""Blender's name of R = Rz(yaw) Rx(pitch) Ry(-roll), which is Ry(yaw) Rx(pitch) Rz(roll) of y-up axes."""

SENSOR_WIDTH_MM = 36.0
"""Full-frame film, on which artists know focal lengths."""


@dataclass(frozen=True)
class Lens:
    """Intrinsics as Blender's camera wants them, with ``sensor_fit = 'HORIZONTAL'``."""

    focal_mm: float
    sensor_width_mm: float
    shift_x: float
    shift_y: float


def lens(camera: CameraHeader) -> Lens:
    """Blender's lens for a pinhole camera with square pixels and pixel centres at integers.

    Blender measures from the picture's corner, so a pixel centre at 0 lies at 0.5; its shifts are
    shares of the picture's width, positive to the right and up.
    """
    width = float(camera.width)
    return Lens(
        focal_mm=camera.fx * SENSOR_WIDTH_MM / width,
        sensor_width_mm=SENSOR_WIDTH_MM,
        shift_x=(width / 2 - (camera.cx + 0.5)) / width,
        shift_y=((camera.cy + 0.5) - camera.height / 2) / width,
    )


def pivot_rotation(rotation: NDArray[np.floating]) -> NDArray[np.float64]:
    """(3,3) rotation of the pivot in Blender for a head-to-camera rotation (3,3)."""
    return CAMERA_TO_BLENDER_AXES @ np.asarray(rotation, np.float64) @ HEAD_TO_BLENDER_AXES.T


def camera_location(pose: Pose) -> tuple[float, float, float]:
    """Where the photo's camera stands, m, seen from the root."""
    x, y, z = -(CAMERA_TO_BLENDER_AXES @ pose.translation_mm) / MM_PER_M
    return float(x), float(y), float(z)


def in_sight(camera: CameraHeader, pose: Pose, box: NDArray[np.floating]) -> bool:
    """Whether a box (2,3: lowest and highest corner, m, seen from the root) may show in the photo's frame.

    What is farther behind the head than the camera is before it does not count: that is scenery.
    """
    eye = np.array(camera_location(pose))
    reach = 2 * float(pose.translation_mm[2]) / MM_PER_M
    nearest, farthest = box[0, 1] - eye[1], box[1, 1] - eye[1]
    if farthest <= 0 or nearest > reach:
        return False
    depth = min(farthest, reach)  # the frame is widest there
    centre, focal = np.array([camera.cx, camera.cy]), np.array([camera.fx, camera.fy])
    low = (-0.5 - centre) / focal * depth
    high = (np.array([camera.width, camera.height]) - 0.5 - centre) / focal * depth
    left, right, bottom, top = low[0] + eye[0], high[0] + eye[0], eye[2] - high[1], eye[2] - low[1]
    return bool(box[0, 0] < right and box[1, 0] > left and box[0, 2] < top and box[1, 2] > bottom)


def euler_from_angles(yaw_deg: float, pitch_deg: float, roll_deg: float) -> tuple[float, float, float]:
    """The pivot's ``rotation_euler`` (radians, order ``YXZ``) for pose angles in degrees."""
    return math.radians(pitch_deg), -math.radians(roll_deg), math.radians(yaw_deg)


def angles_from_euler(euler: tuple[float, float, float]) -> tuple[float, float, float]:
    """Inverse of :func:`euler_from_angles`: (yaw, pitch, roll) in degrees."""
    return math.degrees(euler[2]), math.degrees(euler[0]), -math.degrees(euler[1])
