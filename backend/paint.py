"""Textures of the morphable head: face, eyes, teeth and tongue."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from .assemble import IMAGE_OF_PART
from .crop import CROP_SIDE_MM
from .eyes import EYES, LID_LANDMARKS, Eyeball, finish_eyes
from .head_parse import BACKGROUND, BODY, EAR, FACE, GLASSES, HAIR, HEADWEAR, OTHER_HEAD
from .morphable import MorphableModel
from .mouth import TEETH, mouth_tones
from .push_pull import push_pull
from .sight import Seen, Sight
from .texture import Atlas, composite, fill_by_symmetry, paint, smoothstep

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

MOUTH_INSIDE = np.float32([58, 28, 26])
"""Unlit sRGB tone; scaled by the face's brightness."""
OUTLINE_FINER = 4
"""Lids and lips are drawn at this multiple of the photo's resolution."""
MIN_TONE_PX = 50
"""Fewer pixels of a class give no tone."""
SKIN_CHROMA, DARKEST_SKIN = 16.0, 0.35
"""Reach of one person's skin in Lab: chroma about the face's median, lightness as a share of it."""
SKIN_NECK_MM, HIDDEN_NECK_MM = (10.0, 35.0), (8.0, 16.0)
"""Distances below the jaw over which the head's own neck fades into the photo's: where that showed skin, and
where it showed none."""
NECK_EDGE_TEXELS, SPECKLE_TEXELS = 5.0, 10.0
BORDER_MM = 2.0
"""Skin so near to the border of the face in the photo carries shadows and colours of what lies beside it:
a turn would draw them out into stains."""
MIN_TEETH_PX = 60
"""Fewer pixels between the lips are their shadow, not teeth."""
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
        used = {IMAGE_OF_PART[part] for part in self.model.part_names}
        self.atlases = {name: self._atlas(name, *size) for name, size in sizes.items() if name in used}

    @cached_property
    def _below_jaw(self) -> Image:
        """(N,1) distance of each vertex from the face, mm, on the mean head."""
        face = cKDTree(self.model.mean[self.model.regions["face"]])
        return face.query(self.model.mean)[0][:, None].astype(np.float32)

    def _atlas(self, image: str, grid: int, size: int) -> Atlas:
        parts = [i for i, part in enumerate(self.model.part_names) if IMAGE_OF_PART[part] == image]
        chosen = np.isin(self.model.polygon_part, parts)
        return Atlas(self.model.polygons[chosen], self.model.uvs[chosen], grid, size)

    def face(self, vertices_cam: NDArray[np.floating], sight: Sight, points_px: Image) -> NDArray[np.uint8]:
        """The skin's texture (2048,2048,4); it fades out where the neck goes into clothes.

        Args:
            vertices_cam: (N,3) mm, camera space, with expression.
            sight: the photo.
            points_px: (478,2) landmarks in the photo.
        """
        atlas, regions = self.atlases["face"], self.model.regions
        seen = sight.see(atlas.spread(vertices_cam))
        allowed = np.zeros(atlas.count, bool)
        for region, classes in SUITABLE.items():
            allowed |= atlas.choose(regions[region]) & np.isin(seen.labels, classes)
        allowed &= ~(atlas.choose(regions["face"]) & _at_border(sight, seen))
        neck = atlas.choose(regions["neck"])
        cloth, sure_cloth = self._cloth(atlas, neck, sight, seen)
        allowed &= ~cloth
        # A model without eyeballs shows the eyes on its skin.
        for name in set(EYES).intersection(self.model.part_names):
            allowed &= ~_inside(points_px[list(LID_LANDMARKS[name])], seen)
        mouth = atlas.choose(regions["mouth_inside"])
        between_lips = mouth & _inside(points_px[list(INNER_LIPS)], seen)
        painting = paint(atlas, vertices_cam, sight, seen, allowed, through=between_lips)
        base = np.zeros((atlas.count, 3), np.float32)
        base_trust = np.zeros(atlas.count, np.float32)
        base[mouth], base_trust[mouth] = MOUTH_INSIDE * self._brightness(sight), 1.0
        scalp = atlas.choose(regions["scalp"])
        hair = _class_tone(sight, (HAIR, HEADWEAR))
        if hair is not None:
            base[scalp], base_trust[scalp] = hair, 0.6
        colour = fill_by_symmetry(atlas, painting, atlas.to_grid(base), atlas.to_grid(base_trust))
        bare = self._bare(atlas, seen, cloth, sure_cloth)
        # An ear fitted too large ends where the photo's background begins.
        ears = atlas.choose(regions["ear_left"] | regions["ear_right"])
        bare = np.where(ears, ~(seen.visible & (seen.labels == BACKGROUND)), bare)
        return np.dstack([colour, self._alpha(atlas, neck | ears, bare)])

    def _bare(
        self, atlas: Atlas, seen: Seen, cloth: NDArray[np.bool_], sure_cloth: NDArray[np.bool_]
    ) -> Image:
        """(M,) how much of the neck is shown where a texel is the neck's: what the body card cannot.

        A neck hardly turns with the head: the card, which stays, shows it as the photo does. Below the jaw
        the head's own neck leads into it, and ends sooner where the photo did not see it.
        """
        below_jaw = atlas.spread(self._below_jaw)[:, 0]
        skin = seen.visible & (seen.labels == BODY) & ~cloth
        begins, ends = (np.where(skin, *both) for both in zip(SKIN_NECK_MM, HIDDEN_NECK_MM, strict=True))
        # Under the jaw the photo's shadows tell little: what is dark there is no collar.
        other = seen.visible & (sure_cloth | (seen.labels == BACKGROUND))
        return np.where(other, 0.0, 1 - smoothstep(below_jaw, begins, ends)).astype(np.float32)

    @staticmethod
    def _alpha(atlas: Atlas, neck: NDArray[np.bool_], bare: NDArray[np.floating]) -> NDArray[np.uint8]:
        """(size,size) 255 everywhere but where the neck (M,) is not bare (M,), with a soft edge."""
        weight = atlas.to_grid(neck.astype(np.float32))
        share = cv2.GaussianBlur(atlas.to_grid((bare * neck).astype(np.float32)), (0, 0), NECK_EDGE_TEXELS)
        share /= cv2.GaussianBlur(weight, (0, 0), NECK_EDGE_TEXELS).clip(1e-6)
        soft = np.where(weight > 0, smoothstep(share, 0.35, 0.65), 1.0).astype(np.float32)
        # Between the charts the least of the neighbours counts, or the neck's rim would shine through.
        soft = np.where(atlas.covered, soft, cv2.erode(soft, np.ones((9, 9), np.uint8)))
        size = (atlas.size, atlas.size)
        return cv2.resize(np.rint(255 * soft).astype(np.uint8), size, interpolation=cv2.INTER_LINEAR)

    @staticmethod
    def _cloth(
        atlas: Atlas, neck: NDArray[np.bool_], sight: Sight, seen: Seen
    ) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """(M,) texels of the neck (M,) whose BODY pixels cannot be this person's skin, in light or shade,
        and those of them that are too bright to be a shadow.

        Speckles are left out: a collar is large, the shadow of a jaw is a line.
        """
        face = (sight.labels == FACE) & sight.crop.inside
        result = np.zeros(len(neck), bool)
        if face.sum() < MIN_TONE_PX or not neck.any():
            return result, result
        lab = cv2.cvtColor(sight.crop.pixels.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
        tone = np.median(lab[face], axis=0)
        at = np.rint(sight.crop.to_crop(seen.photo_px[neck])).astype(int).clip(0, sight.crop.size - 1)
        here = lab[at[:, 1], at[:, 0]]
        # Shade scales lightness and chroma alike: compare the chroma as if it were as light as the face.
        scale = (tone[0] / here[:, :1].clip(8)).clip(0.8, 2.5)
        chroma = np.linalg.norm(here[:, 1:] * scale - tone[1:], axis=1)
        result[neck] = (chroma > SKIN_CHROMA) | (here[:, 0] < DARKEST_SKIN * tone[0])
        clothed = neck & (seen.labels == BODY)
        share = cv2.GaussianBlur(atlas.to_grid((result & clothed).astype(np.float32)), (0, 0), SPECKLE_TEXELS)
        whole = cv2.GaussianBlur(atlas.to_grid(clothed.astype(np.float32)), (0, 0), SPECKLE_TEXELS)
        cloth = clothed & (atlas.from_grid(share) > 0.5 * atlas.from_grid(whole))
        bright = np.zeros(len(neck), bool)
        bright[neck] = here[:, 0] > tone[0]
        return cloth, cloth & bright

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
        seen = sight.see(atlas.spread(vertices_cam))
        depth = atlas.spread(vertices_cam[:, 2:])[:, 0]
        shown = np.zeros(atlas.count, bool)
        for ball in balls:
            mine = atlas.choose(ball.mask(len(straight)))
            front = depth < vertices_cam[ball.vertices, 2].mean()
            shown |= mine & front & _inside(points_px[list(LID_LANDMARKS[ball.name])], seen)
        nothing = np.zeros(atlas.count, bool)
        painting = paint(atlas, vertices_cam, sight, seen, nothing, through=shown)
        return finish_eyes(atlas, painting, straight, balls)

    def mouth(self, vertices_cam: NDArray[np.floating], sight: Sight, points_px: Image) -> NDArray[np.uint8]:
        """Teeth and tongue: the photo between the lips, usual tones elsewhere."""
        atlas = self.atlases["mouth"]
        seen = sight.see(atlas.spread(vertices_cam))
        between_lips = _inside(points_px[list(INNER_LIPS)], seen)
        nothing = np.zeros(atlas.count, bool)
        painting = paint(atlas, vertices_cam, sight, seen, nothing, through=between_lips)
        tones = mouth_tones(self.model, self._teeth_tone(sight, points_px), self._brightness(sight))
        base = atlas.spread(tones)
        return composite(painting, push_pull(atlas.to_grid(base), atlas.covered))

    def _teeth_tone(self, sight: Sight, points_px: Image) -> Image:
        """(3,) bright pixels between the lips, or the usual tone where the mouth is closed."""
        outline = points_px[list(INNER_LIPS)]
        mask = np.zeros((sight.camera.height, sight.camera.width), np.uint8)
        cv2.fillPoly(mask, [np.rint(outline).astype(np.int32)], 1)
        shown = sight.pixels[mask > 0].astype(np.float32)
        if len(shown) < MIN_TEETH_PX:
            return TEETH * self._brightness(sight)
        luma = shown.mean(1)
        return np.median(shown[luma >= np.percentile(luma, 60)], axis=0)

    @staticmethod
    def _brightness(sight: Sight) -> float:
        tone = _class_tone(sight, (FACE,))
        return 1.0 if tone is None else float(np.clip(tone.mean() / MEAN_SKIN_LUMA, 0.25, 1.2))


def _at_border(sight: Sight, seen: Seen) -> NDArray[np.bool_]:
    """(M,) texels whose pixel of the photo is nearly one of hair or background."""
    skin = np.isin(sight.labels, (FACE, GLASSES, EAR, BODY)).astype(np.uint8)
    inner = cv2.distanceTransform(skin, cv2.DIST_L2, 3) > BORDER_MM * sight.crop.size / CROP_SIDE_MM
    at = np.rint(sight.crop.to_crop(seen.photo_px)).astype(int).clip(0, sight.crop.size - 1)
    return ~inner[at[:, 1], at[:, 0]]


def _inside(outline_px: Image, seen: Seen) -> NDArray[np.bool_]:
    """(M,) texels seen inside a closed outline (K,2) in photo pixels."""
    low, high = outline_px.min(0) - 1, outline_px.max(0) + 1
    near = np.flatnonzero(((seen.photo_px >= low) & (seen.photo_px <= high)).all(1))
    width, height = np.ceil((high - low) * OUTLINE_FINER).astype(int) + 2
    mask = np.zeros((height, width), np.uint8)
    corners = (outline_px - low) * OUTLINE_FINER * 16
    cv2.fillPoly(mask, [np.rint(corners).astype(np.int32)], 1, shift=4)
    at = np.rint((seen.photo_px[near] - low) * OUTLINE_FINER).astype(np.int64)
    result = np.zeros(len(seen.labels), bool)
    result[near] = mask[at[:, 1], at[:, 0]] > 0
    return result


def _class_tone(sight: Sight, classes: tuple[int, ...]) -> Image | None:
    """Median sRGB colour (3,) of the crop's pixels of some classes; None below 50 pixels."""
    chosen = np.isin(sight.labels, classes) & sight.crop.inside
    if chosen.sum() < MIN_TONE_PX:
        return None
    return np.median(sight.crop.pixels[chosen], axis=0).astype(np.float32)
