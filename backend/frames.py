"""Coordinate frames and every conversion between them (see docs/conventions.md).

* **head**: mm, right-handed, x to the subject's left, y up, z out of the face; origin at the head
  centre (midpoint between the ears of the mean head).
* **camera**: mm, OpenCV axes (x right, y down, z forward).
* **blender**: m, right-handed, z up; a head that looks at the viewer looks along -y.

Pose angles follow ``R = Ry(yaw) Rx(pitch) Rz(roll)`` in y-up axes: positive yaw turns the face
towards the picture's right, positive pitch looks down, positive roll tips the crown to the
picture's left.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating]

HEAD_TO_CAMERA_AXES = np.diag([1.0, -1.0, -1.0])
"""Axes of a frontal head in the camera: y flips to point down, z flips to point away."""

HEAD_TO_BLENDER_AXES = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]])
"""y-up, z-out to Blender's z-up with the face looking along -y."""

MM_PER_M = 1000.0


@dataclass(frozen=True)
class Pose:
    """Rigid placement of a head before a camera: ``x_cam = rotation @ x_head + translation``."""

    rotation: Array
    """(3,3) float64, head axes to camera axes (det +1)."""
    translation_mm: Array
    """(3,) float64, head centre in camera space."""

    def to_camera(self, points_head: Array) -> Array:
        """Move (..., 3) head-space mm to camera space."""
        return points_head @ self.rotation.T.astype(points_head.dtype) + self.translation_mm.astype(
            points_head.dtype
        )

    def to_head(self, points_cam: Array) -> Array:
        """Inverse of :meth:`to_camera`."""
        shifted = points_cam - self.translation_mm.astype(points_cam.dtype)
        return shifted @ self.rotation.astype(points_cam.dtype)

    @property
    def angles_deg(self) -> dict[str, float]:
        """``{"yaw", "pitch", "roll"}`` in degrees."""
        yaw, pitch, roll = angles_from_rotation(self.rotation)
        return {"yaw": yaw, "pitch": pitch, "roll": roll}

    def turned(self, yaw_deg: float = 0.0, pitch_deg: float = 0.0, roll_deg: float = 0.0) -> Pose:
        """The same head turned about its centre by changes of the three angles."""
        yaw, pitch, roll = angles_from_rotation(self.rotation)
        rotation = rotation_from_angles(yaw + yaw_deg, pitch + pitch_deg, roll + roll_deg)
        return Pose(rotation, self.translation_mm)

    def facing_like(self, other: Pose) -> Pose:
        """This head, turned so that it faces its camera as ``other`` faces its own.

        What a viewer sees of a head is its rotation against the line of sight, and lines of sight differ: a
        head at the picture's edge shows more of one side than its rotation alone says.
        """
        seen = _line_of_sight(other.translation_mm).T @ other.rotation
        return Pose(_line_of_sight(self.translation_mm) @ seen, self.translation_mm)


def _line_of_sight(point_cam: Array) -> Array:
    """(3,3) smallest rotation that turns the optical axis towards a point before the camera."""
    x, y, z = point_cam / np.linalg.norm(point_cam)
    cross = np.array([[0.0, 0.0, x], [0.0, 0.0, y], [-x, -y, 0.0]])
    return np.eye(3) + cross + cross @ cross / (1.0 + z)


def rotation_from_angles(yaw_deg: float, pitch_deg: float, roll_deg: float) -> Array:
    """(3,3) head-to-camera rotation of the pose angles in degrees."""
    y, p, r = np.deg2rad([yaw_deg, pitch_deg, roll_deg])
    ry = np.array([[np.cos(y), 0, np.sin(y)], [0, 1, 0], [-np.sin(y), 0, np.cos(y)]])
    rx = np.array([[1, 0, 0], [0, np.cos(p), -np.sin(p)], [0, np.sin(p), np.cos(p)]])
    rz = np.array([[np.cos(r), -np.sin(r), 0], [np.sin(r), np.cos(r), 0], [0, 0, 1]])
    return HEAD_TO_CAMERA_AXES @ ry @ rx @ rz


def angles_from_rotation(rotation: Array) -> tuple[float, float, float]:
    """Inverse of :func:`rotation_from_angles`: (yaw, pitch, roll) in degrees, pitch in +-90."""
    r = HEAD_TO_CAMERA_AXES @ np.asarray(rotation, np.float64)
    pitch = np.arcsin(np.clip(-r[1, 2], -1.0, 1.0))
    yaw = np.arctan2(r[0, 2], r[2, 2])
    roll = np.arctan2(r[1, 0], r[1, 1])
    return float(np.rad2deg(yaw)), float(np.rad2deg(pitch)), float(np.rad2deg(roll))


def head_to_blender(points_head_mm: Array) -> Array:
    """(..., 3) head-space mm to Blender's axes in metres (same origin)."""
    return (points_head_mm @ HEAD_TO_BLENDER_AXES.T / MM_PER_M).astype(points_head_mm.dtype)


def blender_to_head(points_blender_m: Array) -> Array:
    """Inverse of :func:`head_to_blender`."""
    return (points_blender_m @ HEAD_TO_BLENDER_AXES * MM_PER_M).astype(points_blender_m.dtype)
