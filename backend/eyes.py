"""Eyeballs: which way they look, and a texture that stays whole when they look elsewhere."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from .camera import Camera
from .frames import Pose
from .push_pull import push_pull
from .texture import Atlas, Painting, composite, shrunk, smoothstep

Tones = NDArray[np.float32]

EYES = ("eye_left", "eye_right")
IRIS_LANDMARK = {"eye_left": 473, "eye_right": 468}
"""MediaPipe's iris centres (left and right of the subject)."""
LID_LANDMARKS = {
    "eye_left": (263, 249, 390, 373, 374, 380, 381, 382, 362, 398, 384, 385, 386, 387, 388, 466),
    "eye_right": (33, 7, 163, 144, 145, 153, 154, 155, 133, 173, 157, 158, 159, 160, 161, 246),
}
"""Lid margins in order around the eye opening."""
IRIS_RADIUS_MM = 5.9
"""Half the horizontal visible iris diameter of adults, 11.7 mm (Ruefer et al., Cornea 2005)."""
PUPIL_MM, LIMBUS_MM = 1.9, 0.7
"""Pupil radius in room light; width over which the iris fades into the sclera."""
DEFAULT_SCLERA, DEFAULT_IRIS = np.float32([196, 186, 180]), np.float32([82, 64, 52])
"""sRGB of an eye that the photo hides."""
MAX_GAZE_DEG = 35.0
"""Comfortable limit of eye rotation; a landmark that asks for more is wrong."""


@dataclass(frozen=True)
class Eyeball:
    """One eye in the head frame."""

    name: str
    vertices: NDArray[np.int64]
    """(M,) indices of the model's vertices that form it."""
    centre_mm: NDArray[np.float64]
    """(3,) head frame."""
    rotation: NDArray[np.float64]
    """(3,3) gaze: turns the model's straight-ahead eyeball to where the person looks."""

    def mask(self, count: int) -> NDArray[np.bool_]:
        """(count,) True at this eyeball's vertices."""
        mask = np.zeros(count, bool)
        mask[self.vertices] = True
        return mask

    def turned(self, head_vertices: NDArray[np.floating]) -> NDArray[np.float32]:
        """(N,3) head vertices with this eyeball turned to its gaze."""
        result = np.array(head_vertices, np.float32)
        result[self.vertices] = (result[self.vertices] - self.centre_mm) @ self.rotation.T + self.centre_mm
        return result


def eyeball(
    name: str,
    vertices: NDArray[np.integer],
    head_vertices: NDArray[np.floating],
    points_px: NDArray[np.floating],
    camera: Camera,
    pose: Pose,
) -> Eyeball:
    """The eyeball ``name`` turned so that its iris lies under MediaPipe's iris landmark.

    Args:
        name: ``eye_left`` or ``eye_right``.
        vertices: (M,) model vertices of the eyeball.
        head_vertices: (N,3) head frame, mm.
        points_px: (478,2) landmarks in the photo.
        camera: the photo's camera.
        pose: head to camera.
    """
    ball = head_vertices[vertices].astype(np.float64)
    centre = (ball.min(0) + ball.max(0)) / 2
    radius = float(np.ptp(ball[:, :2], axis=0).mean() / 2)
    ray = camera.unproject(points_px[IRIS_LANDMARK[name]].astype(np.float64), np.ones(()))
    origin, direction = pose.to_head(np.zeros(3)), pose.rotation.T @ (ray / np.linalg.norm(ray))
    towards = _sphere_hit(origin, direction, centre, radius) - centre
    return Eyeball(name, np.asarray(vertices), centre, _gaze_rotation(towards / np.linalg.norm(towards)))


def _sphere_hit(
    origin: NDArray[np.float64], direction: NDArray[np.float64], centre: NDArray[np.float64], radius: float
) -> NDArray[np.float64]:
    """Where a ray meets a sphere first; the sphere's nearest point where it passes by."""
    along = float(direction @ (centre - origin))
    nearest = origin + along * direction
    gap = float(np.linalg.norm(nearest - centre))
    return nearest if gap >= radius else nearest - direction * np.sqrt(radius**2 - gap**2)


def _gaze_rotation(direction: NDArray[np.float64]) -> NDArray[np.float64]:
    """Shortest turn of straight ahead (+z) to a unit direction, limited to MAX_GAZE_DEG."""
    ahead = np.array([0.0, 0.0, 1.0])
    axis = np.cross(ahead, direction)
    sine = float(np.linalg.norm(axis))
    angle = min(float(np.arctan2(sine, direction[2])), np.deg2rad(MAX_GAZE_DEG))
    return cv2.Rodrigues(axis / max(sine, 1e-9) * angle)[0]


def finish_eyes(
    atlas: Atlas, painting: Painting, model_vertices: NDArray[np.floating], balls: tuple[Eyeball, ...]
) -> NDArray[np.uint8]:
    """Complete the eyes' texture: the photo between the lids, a matching eye around it.

    Sclera and iris take their tones from the visible texels, by angle from the pupil, so that an
    eye that looks elsewhere still has a whole iris.

    Args:
        atlas: texels of the image ``eyes``.
        painting: the photo between the lids.
        model_vertices: (N,3) head frame, eyes straight ahead.
        balls: both eyeballs.

    Returns:
        (size,size,3) uint8 sRGB.
    """
    colour, trust = atlas.from_grid(shrunk(painting, atlas)), atlas.from_grid(painting.trust)
    base = np.zeros((atlas.count, 3), np.float32)
    for ball in balls:
        local = np.zeros_like(model_vertices, np.float32)
        local[ball.vertices] = model_vertices[ball.vertices] - ball.centre_mm
        mine = atlas.choose(ball.mask(len(model_vertices)))
        offset = atlas.spread(local)[mine]
        from_axis = np.where(offset[:, 2] > 0, np.hypot(offset[:, 0], offset[:, 1]), 99.0)
        base[mine] = _radial_tones(from_axis, colour[mine], trust[mine])
    return composite(painting, push_pull(atlas.to_grid(base), atlas.covered))


def _radial_tones(from_axis_mm: Tones, colour: Tones, trust: Tones) -> Tones:
    """(M,3) colour by distance from the optical axis: pupil, iris, limbus, sclera."""
    sclera = _typical(colour, trust * (from_axis_mm > IRIS_RADIUS_MM + 1), DEFAULT_SCLERA)
    in_iris = (from_axis_mm < IRIS_RADIUS_MM - 0.8) & (from_axis_mm > PUPIL_MM + 0.4)
    iris = np.minimum(_typical(colour, trust * in_iris, DEFAULT_IRIS), sclera)
    pupil = iris * 0.15
    ring = smoothstep(from_axis_mm, IRIS_RADIUS_MM - 1.6, IRIS_RADIUS_MM)[:, None]
    tone = iris * (1 - 0.45 * ring)
    tone = pupil + (tone - pupil) * smoothstep(from_axis_mm, PUPIL_MM - 0.2, PUPIL_MM + 0.3)[:, None]
    white = smoothstep(from_axis_mm, IRIS_RADIUS_MM - LIMBUS_MM, IRIS_RADIUS_MM + LIMBUS_MM)[:, None]
    return tone + (sclera - tone) * white


def _typical(colour: Tones, trust: Tones, default: Tones) -> Tones:
    """Median of the well-seen colours (M,3), or the default where fewer than 20 texels are seen."""
    good = trust > 0.6
    return np.median(colour[good], axis=0).astype(np.float32) if good.sum() >= 20 else default


def lash_image(size: int = 256) -> NDArray[np.uint8]:
    """Dark strands (size,size,4) that thin out towards the tips; for lashes that the artist shows."""
    u, v = np.meshgrid((np.arange(size) + 0.5) / size, (np.arange(size) + 0.5) / size)
    strands = 0.5 + 0.5 * np.sin(2 * np.pi * (u * size / 9 + 0.6 * v))
    alpha = smoothstep(strands - 0.7 * np.abs(v - 0.5), 0.35, 0.65)
    colour = np.broadcast_to(np.float32([38, 28, 24]), (size, size, 3))
    return np.rint(np.dstack([colour, 255 * alpha])).astype(np.uint8)
