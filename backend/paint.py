"""Textures of the morphable head: face, eyes, teeth and tongue."""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from .assemble import IMAGE_OF_PART
from .eyes import Eyeball, finish_eyes, opening_mask
from .morphable import MorphableModel
from .parse import BODY, EAR, FACE, GLASSES, HAIR, HEADWEAR, OTHER_HEAD
from .sight import Sight
from .texture import Atlas, composite, fill_by_symmetry, paint

FACE_SIZE, FACE_GRID = 2048, 1024
EYES_SIZE, EYES_GRID = 1024, 512
MOUTH_SIZE, MOUTH_GRID = 1024, 512
INNER_LIPS = (78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308, 415, 310, 311, 312, 13, 82, 81, 80, 191)
"""MediaPipe's inner lip contour, in order."""

SUITABLE = {
    "face": (FACE, GLASSES),
    "scalp": (HAIR, OTHER_HEAD, HEADWEAR, FACE),
    "ear_left": (EAR, FACE),
    "ear_right": (EAR, FACE),
    "neck": (BODY, FACE),
}
"""Pixel classes that a region of the skin may show."""

MOUTH_INSIDE = np.float32([92, 38, 36])
TEETH, TONGUE = np.float32([214, 200, 184]), np.float32([168, 92, 88])
"""Unlit sRGB tones of what a closed mouth hides; scaled by the face's brightness."""
MEAN_SKIN_LUMA = 165.0
"""Brightness of a well-lit face, against which hidden tones are scaled."""

Image = NDArray[np.float32]


@dataclass
class HeadPainter:
    """Paints the images of one model; texel layouts are prepared once."""

    model: MorphableModel
    atlases: dict[str, Atlas] = field(init=False)

    def __post_init__(self) -> None:
        sizes = {
            "face": (FACE_GRID, FACE_SIZE),
            "eyes": (EYES_GRID, EYES_SIZE),
            "mouth": (MOUTH_GRID, MOUTH_SIZE),
        }
        self.atlases = {name: self._atlas(name, *size) for name, size in sizes.items()}

    def _atlas(self, image: str, grid: int, size: int) -> Atlas:
        parts = [i for i, part in enumerate(self.model.part_names) if IMAGE_OF_PART[part] == image]
        chosen = np.isin(self.model.polygon_part, parts)
        return Atlas(self.model.polygons[chosen], self.model.uvs[chosen], grid, size)

    def face(self, vertices_cam: NDArray[np.floating], sight: Sight, points_px: Image) -> NDArray[np.uint8]:
        """The skin's texture (2048,2048,3).

        Args:
            vertices_cam: (N,3) mm, camera space, with expression.
            sight: the photo.
            points_px: (478,2) landmarks in the photo.
        """
        atlas, regions = self.atlases["face"], self.model.regions
        points = atlas.spread(vertices_cam)
        labels = sight.labels_at(points)
        allowed = np.zeros(labels.shape, bool)
        for region, classes in SUITABLE.items():
            allowed |= atlas.choose(regions[region]) & np.isin(labels, classes)
        inside = atlas.choose(regions["mouth_inside"])
        allowed = np.where(inside, self._between_lips(points, sight, points_px), allowed)
        for name in ("eye_left", "eye_right"):
            opening = opening_mask(name, points_px, sight.camera.width, sight.camera.height)
            allowed &= ~_at_photo(opening, points, sight)
        painting = paint(atlas, vertices_cam, sight, allowed)
        base = np.zeros((*labels.shape, 3), np.float32)
        base_trust = np.zeros(labels.shape, np.float32)
        base[inside] = MOUTH_INSIDE * self._brightness(sight)
        base_trust[inside] = 1.0
        scalp = atlas.choose(regions["scalp"])
        hair = _class_tone(sight, (HAIR, HEADWEAR))
        if hair is not None:
            base[scalp], base_trust[scalp] = hair, 0.6
        return fill_by_symmetry(atlas, painting, base, base_trust)

    def eyes(
        self,
        vertices_cam: NDArray[np.floating],
        sight: Sight,
        points_px: Image,
        straight: NDArray[np.floating],
        balls: tuple[Eyeball, ...],
    ) -> NDArray[np.uint8]:
        """The eyes' shared texture; ``straight`` (N,3) are head vertices with eyes ahead."""
        atlas = self.atlases["eyes"]
        points = atlas.spread(vertices_cam)
        allowed = np.zeros(points.shape[:2], bool)
        for ball in balls:
            mine = np.zeros(len(straight), bool)
            mine[ball.vertices] = True
            opening = opening_mask(ball.name, points_px, sight.camera.width, sight.camera.height)
            allowed |= atlas.choose(mine) & _at_photo(opening, points, sight)
        painting = paint(atlas, vertices_cam, sight, allowed)
        return finish_eyes(atlas, painting, straight, balls)

    def mouth(self, vertices_cam: NDArray[np.floating], sight: Sight, points_px: Image) -> NDArray[np.uint8]:
        """Teeth and tongue: the photo between the lips, plain tones elsewhere."""
        atlas = self.atlases["mouth"]
        points = atlas.spread(vertices_cam)
        painting = paint(atlas, vertices_cam, sight, self._between_lips(points, sight, points_px))
        base = np.zeros((*points.shape[:2], 3), np.float32)
        base[:] = TEETH * self._brightness(sight)
        base[atlas.choose(self.model.regions["tongue"])] = TONGUE * self._brightness(sight)
        return composite(painting, base)

    def _between_lips(self, points: Image, sight: Sight, points_px: Image) -> NDArray[np.bool_]:
        mask = np.zeros((sight.camera.height, sight.camera.width), np.uint8)
        cv2.fillPoly(mask, [np.rint(points_px[list(INNER_LIPS)] * 16).astype(np.int32)], 1, shift=4)
        return _at_photo(mask.astype(bool), points, sight)

    @staticmethod
    def _brightness(sight: Sight) -> float:
        tone = _class_tone(sight, (FACE,))
        return 1.0 if tone is None else float(np.clip(tone.mean() / MEAN_SKIN_LUMA, 0.25, 1.2))


def _at_photo(mask: NDArray[np.bool_], points_cam: Image, sight: Sight) -> NDArray[np.bool_]:
    """Value of a photo-sized mask where camera-space points (...,3) are seen."""
    safe = np.where(points_cam[..., 2:] > 1, points_cam, (0.0, 0.0, 1.0)).astype(np.float32)
    at = sight.camera.project(safe).astype(np.float32)
    return cv2.remap(mask.astype(np.uint8), at, None, cv2.INTER_NEAREST) > 0


def _class_tone(sight: Sight, classes: tuple[int, ...]) -> Image | None:
    """Median sRGB colour (3,) of the crop's pixels of some classes; None below 50 pixels."""
    chosen = np.isin(sight.labels, classes) & sight.crop.inside
    if chosen.sum() < 50:
        return None
    return np.median(sight.crop.pixels[chosen], axis=0).astype(np.float32)
