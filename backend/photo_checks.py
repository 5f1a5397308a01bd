"""Says in plain words what about a photo will not work, and what may look worse than hoped."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from .errors import FaceUnusable, NoFaceFound
from .frames import Pose
from .landmarks import DetectedFace
from .photo import Photo
from .resample import Window, cut

SMALLEST_FACE_PX = 42.0
SMALL_FACE_PX = 120.0
STRONG_YAW_DEG = 35.0
PROFILE_YAW_DEG = 60.0
STRONG_PITCH_DEG = 30.0

SAMPLE_SIDE = 128
"""Faces are judged at this size, so that the figures below do not depend on the resolution."""
BLURRED = 0.010
"""Variance of the Laplacian of the sample at unit contrast. 17 official portraits: at least 0.049 as
they are (faces from 84 px), 0.008 to 0.027 after a Gaussian blur of 1 % of the face, below 0.013
after 1.5 %."""
DARK = 75.0
"""Grey value (0 to 255) that 95 % of an underexposed face stay below (139 to 235 on 68 portraits)."""
BURNT_OUT_SHARE = 0.25
GREY_CHROMA = 2.0
"""Standard deviation of Lab chroma below which a face has no colour of its own."""
DRAWN_FLATNESS = 0.15
"""Share of neighbouring pixels of one grey value. Photos: at most 0.01 on 68 portraits; pictures
reduced to 4 to 12 flat colours: 0.15 to 0.55."""
FLAT_RANGE = 1
CLIPPED = 6
"""Grey values this close to black or white are flat in photos, too, and do not count."""

FACE_CUT_SHARE = 0.12
"""Share of the landmarks beyond the picture's edge that makes a face unusable."""
CROWN_ABOVE_FACE = 0.35
"""Height of hair and crown above the landmarks, in heights of their box."""

LEFT_EDGE, RIGHT_EDGE = 234, 454
"""MediaPipe's landmarks before the ears, on the picture's left and right of a frontal face."""


def choose_face(faces: list[DetectedFace], number: int | None = None) -> DetectedFace:
    """Face ``number`` (1 = the largest), or the largest.

    Raises:
        NoFaceFound: there is none, or none of that number.
    """
    if not faces:
        raise NoFaceFound(
            "No face was found in the photo.",
            "Use a photo that shows a person's face from the front, well lit and not covered.",
        )
    if number is None:
        return faces[0]
    if not 1 <= number <= len(faces):
        count = "only one face" if len(faces) == 1 else f"{len(faces)} faces"
        raise NoFaceFound(
            f"Face {number} was asked for, but the photo shows {count}.",
            f"Choose a number from 1 (the largest face) to {len(faces)}.",
        )
    return faces[number - 1]


def check_face(photo: Photo, face: DetectedFace, faces: list[DetectedFace]) -> list[str]:
    """Warnings about one face of a photo, before anything is fitted.

    Raises:
        FaceUnusable: too small, cut by the picture's edge, seen from the side, or drawn.
    """
    _refuse_small(face)
    _refuse_cut(photo, face)
    _refuse_profile(landmark_yaw_deg(face))
    sample = _sample(photo, face)
    _refuse_drawn(sample)
    found = (
        _several(face, faces),
        _small(face),
        _crown_cut(photo, face),
        _blurred(sample),
        _exposure(sample),
        _colourless(sample),
    )
    return [warning for warning in found if warning]


def check_pose(pose: Pose) -> list[str]:
    """Warnings about the fitted pose; raises :class:`FaceUnusable` for a profile view."""
    angles = pose.angles_deg
    _refuse_profile(angles["yaw"])
    warnings = []
    if abs(angles["yaw"]) > STRONG_YAW_DEG:
        warnings.append(
            f"The head is turned by {abs(angles['yaw']):.0f} degrees: its far side is not in the photo"
            " and will be guessed."
        )
    if abs(angles["pitch"]) > STRONG_PITCH_DEG:
        tilt = "down" if angles["pitch"] > 0 else "up"
        warnings.append(f"The head looks steeply {tilt}: parts of the face are hidden and will be guessed.")
    return warnings


def landmark_yaw_deg(face: DetectedFace) -> float:
    """Rough yaw from the landmarks' own depth: positive towards the picture's right."""
    (x0, _), (x1, _) = face.points_px[LEFT_EDGE], face.points_px[RIGHT_EDGE]
    depth = face.points_z[RIGHT_EDGE] - face.points_z[LEFT_EDGE]
    return float(np.rad2deg(np.arctan2(depth, x1 - x0)))


def sharpness(sample: NDArray[np.uint8]) -> float:
    """Variance of the Laplacian of an RGB face sample at unit contrast; falls with blur."""
    grey = cv2.cvtColor(sample, cv2.COLOR_RGB2GRAY).astype(np.float32)
    grey /= max(float(grey.std()), 1.0)
    return float(cv2.Laplacian(grey, cv2.CV_32F).var())


def _sample(photo: Photo, face: DetectedFace) -> NDArray[np.uint8]:
    x0, y0, x1, y1 = face.box
    return cut(photo.pixels, Window.centred((x0 + x1) / 2, (y0 + y1) / 2, face.size_px, SAMPLE_SIDE))


def _core(sample: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The middle of the sample, which is face on every head."""
    edge = SAMPLE_SIDE // 4
    return sample[edge:-edge, edge:-edge]


def _refuse_small(face: DetectedFace) -> None:
    if face.size_px < SMALLEST_FACE_PX:
        raise FaceUnusable(
            f"The face is only {face.size_px:.0f} pixels high, which is too small to rebuild.",
            f"Use a larger photo or one taken closer; {SMALL_FACE_PX:.0f} pixels or more work well.",
        )


def _refuse_cut(photo: Photo, face: DetectedFace) -> None:
    x, y = face.points_px[:, 0], face.points_px[:, 1]
    beyond = (x < -0.5) | (y < -0.5) | (x > photo.width - 0.5) | (y > photo.height - 0.5)
    if beyond.mean() > FACE_CUT_SHARE:
        raise FaceUnusable(
            "A large part of the face lies outside the photo.",
            "Use a photo that shows the whole face, best with some space around the head.",
        )


def _refuse_profile(yaw_deg: float) -> None:
    if abs(yaw_deg) > PROFILE_YAW_DEG:
        raise FaceUnusable(
            "The face is seen from the side, so half of it is not in the photo.",
            "Use a photo in which the person looks more towards the camera.",
        )


def flatness(sample: NDArray[np.uint8]) -> float:
    """Share of pixels whose 3 x 3 neighbours all have their grey value; near 0 in any photo."""
    grey = cv2.cvtColor(sample, cv2.COLOR_RGB2GRAY)
    neighbours = np.ones((3, 3), np.uint8)
    flat = cv2.dilate(grey, neighbours) - cv2.erode(grey, neighbours) <= FLAT_RANGE
    exposed = (grey >= CLIPPED) & (grey <= 255 - CLIPPED)
    return float(flat[exposed].mean()) if exposed.any() else 0.0


def _refuse_drawn(sample: NDArray[np.uint8]) -> None:
    # In near darkness eight bits leave no shading to judge by; that has a warning of its own.
    if not _is_dark(sample) and flatness(_core(sample)) > DRAWN_FLATNESS:
        raise FaceUnusable(
            "The face looks drawn rather than photographed.",
            "Likeness rebuilds people from photos; use a photo with natural shading.",
        )


def _several(face: DetectedFace, faces: list[DetectedFace]) -> str:
    if len(faces) < 2:
        return ""
    number = next(i for i, other in enumerate(faces, 1) if other is face)
    which = "the largest" if number == 1 else f"number {number}"
    return f"The photo shows {len(faces)} faces; {which} was taken. Another can be chosen by its number."


def _small(face: DetectedFace) -> str:
    if face.size_px >= SMALL_FACE_PX:
        return ""
    return f"The face is only {face.size_px:.0f} pixels high: the head will look soft from close by."


def _crown_cut(photo: Photo, face: DetectedFace) -> str:
    x0, y0, x1, y1 = face.box
    margin = 0.12 * (x1 - x0)
    if y0 - CROWN_ABOVE_FACE * (y1 - y0) < 0:
        return "The top of the head is cut off by the picture's edge and will be guessed."
    if x0 - margin < 0 or x1 + margin > photo.width - 1:
        return "One side of the head is cut off by the picture's edge and will be guessed."
    return ""


def _blurred(sample: NDArray[np.uint8]) -> str:
    return "The face is blurred: the skin will lack detail." if sharpness(sample) < BLURRED else ""


def _is_dark(sample: NDArray[np.uint8]) -> bool:
    return bool(np.percentile(cv2.cvtColor(_core(sample), cv2.COLOR_RGB2GRAY), 95) < DARK)


def _exposure(sample: NDArray[np.uint8]) -> str:
    if _is_dark(sample):
        return "The face is very dark: colours and shape may be off."
    luminance = cv2.cvtColor(_core(sample), cv2.COLOR_RGB2GRAY)
    if (luminance > 255 - CLIPPED).mean() > BURNT_OUT_SHARE:
        return "Parts of the face are burnt out to white: they will have no skin detail."
    return ""


def _colourless(sample: NDArray[np.uint8]) -> str:
    lab = cv2.cvtColor(_core(sample).astype(np.float32) / 255.0, cv2.COLOR_RGB2LAB)
    if float(np.hypot(*(lab[..., 1:].reshape(-1, 2).std(axis=0)))) > GREY_CHROMA:
        return ""
    return "The photo has no colours, so the head will be grey."
