"""The words of the parsing stage: classes, mattes, and the guide that the fitted head gives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from .crop import HeadCrop

BACKGROUND, FACE, HAIR, EAR, BODY, OTHER_HEAD, HEADWEAR, GLASSES = range(8)
"""Classes of the evaluation format; BODY includes the neck, OTHER_HEAD is the bald scalp."""

HEAD_CLASSES = (FACE, HAIR, EAR, OTHER_HEAD, HEADWEAR, GLASSES)

FACE_OVAL = (
    10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377,
    152, 148, 176, 149, 150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109,
)  # fmt: skip
"""MediaPipe's outline of the face, clockwise from the top of the forehead."""
FOREHEAD_LIMIT = 1.12
"""Highest usual hairline above the chin in face heights; skin above it counts as bald scalp."""
FOREHEAD_TOP, CHIN, LEFT_EDGE, RIGHT_EDGE = 10, 152, 234, 454


@dataclass(frozen=True)
class HeadParse:
    """What each pixel of a working crop shows."""

    labels: NDArray[np.uint8]
    """(S,S) one of the eight classes above."""
    matte: NDArray[np.float32]
    """(S,S) in [0,1]: how much of the pixel is head (everything but background, neck and body)."""
    person: NDArray[np.float32]
    """(S,S) in [0,1]: how much of the pixel is the person at all."""


@dataclass(frozen=True)
class ParseGuide:
    """Where the fitted head says its parts are; all masks are (S,S) bool."""

    landmarks_px: NDArray[np.float32]
    """(478,2) in crop pixels."""
    skull: NDArray[np.bool_]
    """The whole head above the neck, without hair."""
    face: NDArray[np.bool_]
    ears: NDArray[np.bool_]
    neck: NDArray[np.bool_]


class HeadParser(Protocol):
    """Parses a working crop."""

    @property
    def interim(self) -> bool:
        """Whether a classical method still stands in for a network."""
        ...

    def parse(self, crop: HeadCrop, guide: ParseGuide) -> HeadParse:
        """Classes and mattes of one crop, guided by the fitted head."""
        ...


@dataclass(frozen=True)
class FaceAxes:
    """The upright of a face in the picture, for 'above the chin' and 'beside the face'."""

    chin: NDArray[np.float64]
    """(2,) pixels."""
    up: NDArray[np.float64]
    """(2,) unit vector from the chin to the forehead."""
    height_px: float
    """Chin to the top of the forehead."""

    def heights(self, size: int) -> NDArray[np.float32]:
        """(size,size) height above the chin, in face heights."""
        return self._along(self.up, size)

    def sides(self, size: int) -> NDArray[np.float32]:
        """(size,size) distance from the middle line, in face heights (never negative)."""
        return np.abs(self._along(np.array([self.up[1], -self.up[0]]), size))

    def _along(self, axis: NDArray[np.float64], size: int) -> NDArray[np.float32]:
        y, x = np.mgrid[:size, :size].astype(np.float32)
        return ((x - self.chin[0]) * axis[0] + (y - self.chin[1]) * axis[1]) / np.float32(self.height_px)


def face_axes(landmarks_px: NDArray[np.floating]) -> FaceAxes:
    """Axes of a face from its landmarks (478,2)."""
    chin = landmarks_px[CHIN].astype(np.float64)
    up = landmarks_px[FOREHEAD_TOP] - chin
    height = float(np.linalg.norm(up))
    return FaceAxes(chin, up / height, height)


def face_oval(landmarks_px: NDArray[np.floating], size: int) -> NDArray[np.bool_]:
    """(size,size) inside of the landmarks' outline of the face."""
    return polygon(landmarks_px[list(FACE_OVAL)], size)


def polygon(points_px: NDArray[np.floating], size: int) -> NDArray[np.bool_]:
    """(size,size) inside of a closed polygon (n,2) in pixels."""
    mask = np.zeros((size, size), np.uint8)
    cv2.fillPoly(mask, [np.rint(points_px).astype(np.int32)], 1)
    return mask.astype(bool)


def continued(labels: NDArray[np.uint8], known: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """(S,S) labels that are right where ``known``, elsewhere those of the nearest known pixel."""
    if not known.any():
        return labels
    _, nearest = cv2.distanceTransformWithLabels(
        (~known).astype(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    class_of = np.zeros(int(nearest.max()) + 1, np.uint8)
    class_of[nearest[known]] = labels[known]
    return class_of[nearest]


def guide_from_landmarks(landmarks_px: NDArray[np.floating], size: int) -> ParseGuide:
    """A guide from the landmarks (478,2) alone, for use without a fitted head.

    The skull is an ellipse around the face oval, ears are patches beside it, the neck lies below.
    """
    axes = face_axes(landmarks_px)
    heights, sides = axes.heights(size), axes.sides(size)
    oval = face_oval(landmarks_px, size)
    forehead = (heights > 0.7) & (heights < FOREHEAD_LIMIT)
    width = float(np.linalg.norm(landmarks_px[LEFT_EDGE] - landmarks_px[RIGHT_EDGE])) / axes.height_px
    skull = ((heights - 0.68) / 0.66) ** 2 + (sides / (0.56 * width)) ** 2 < 1.0
    face = oval | (forehead & (((heights - 0.68) / 0.6) ** 2 + (sides / (0.5 * width)) ** 2 < 1.0))
    ears = np.zeros_like(oval)
    for edge in (LEFT_EDGE, RIGHT_EDGE):
        outward = landmarks_px[edge] - landmarks_px[[LEFT_EDGE, RIGHT_EDGE]].mean(axis=0)
        centre = landmarks_px[edge] + 0.08 * outward - 0.04 * axes.height_px * axes.up
        radii = 0.07 * axes.height_px, 0.17 * axes.height_px
        tilt = float(np.rad2deg(np.arctan2(axes.up[0], -axes.up[1])))
        ears |= _ellipse(centre, radii, tilt, size)
    neck = (heights < 0.12) & (heights > -0.35) & (sides < 0.36) & ~oval
    return ParseGuide(landmarks_px.astype(np.float32), skull | oval | ears, face, ears & ~face, neck)


def _ellipse(
    centre: NDArray[np.floating], radii: tuple[float, float], tilt_deg: float, size: int
) -> NDArray[np.bool_]:
    mask = np.zeros((size, size), np.uint8)
    middle = round(float(centre[0])), round(float(centre[1]))
    cv2.ellipse(mask, middle, (round(radii[0]), round(radii[1])), tilt_deg, 0, 360, 1, -1)
    return mask.astype(bool)
