"""Tells hair, face, ears, neck and background of a working crop apart without a network: the fallback."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from .crop import HeadCrop
from .head_parse import (
    BACKGROUND,
    BODY,
    EAR,
    FACE,
    FOREHEAD_LIMIT,
    HAIR,
    HEADWEAR,
    OTHER_HEAD,
    HeadParse,
    ParseGuide,
    continued,
    face_axes,
)
from .parse_materials import (
    BROW_HEIGHT,
    SKIN,
    STRANDS,
    WORK_SIDE,
    Field,
    Mask,
    Place,
    materials_of,
    place_parts,
    ramp,
)
from .person_mask import PersonSegmenter

ROOTS_HEIGHT, NAPE_HEIGHT, EARLOBE_HEIGHT = 0.6, 0.35, 0.1
"""Heights above the chin in face heights: lowest roots of hair, where neck ends, lobes end."""
HEADWEAR_HEIGHT, HEADWEAR_SIDE = 0.8, 0.8
"""Cloth above and within this is a hat or scarf."""
LOCK_PX = 5
BORDER_SMOOTHING_PX = 1.6
"""Of the borders between classes, at :data:`WORK_SIDE`."""
SKULL_MARGIN = 0.03
"""By which the fitted skull may be too large, in face heights (5 mm)."""
SOLID_PX = (4.0, 12.0)
"""Distance inside the silhouette over which a matte becomes solid: no wall shines through a head."""
SMALL_HOLE = 0.002
"""Holes in a head below this share of the crop are shine and shade, not background."""
FEWEST_HAIR_PIXELS = 25


class InterimHeadParser:
    """Parser without a network: what is left when its weights are missing, and its baseline.

    Each pixel of the person is skin, hair or cloth by a naive Bayes decision between where the
    fitted head expects them and colour mixtures learnt from this very photo in a few rounds of
    expectation maximisation (the idea of GrabCut, Rother et al. 2004), smoothed along the
    picture's edges (cost-volume filtering, Hosni et al. 2011).
    """

    interim = True

    def __init__(self, segmenter: PersonSegmenter | None = None) -> None:
        self._segmenter = segmenter or PersonSegmenter()

    def parse(self, crop: HeadCrop, guide: ParseGuide) -> HeadParse:
        """See :meth:`backend.head_parse.HeadParser.parse`."""
        person = self._segmenter.segment_head(crop.pixels)
        if person.any():
            person = solid_person(person, guide)
        pixels = cv2.resize(crop.pixels, (WORK_SIDE, WORK_SIDE), interpolation=cv2.INTER_AREA)
        solid = cv2.resize(person, (WORK_SIDE, WORK_SIDE), interpolation=cv2.INTER_AREA) > 0.5
        place = place_parts(guide, crop.size)
        materials = materials_of(pixels, solid, place, guide.landmarks_px * (WORK_SIDE / crop.size))
        parts = _parts(materials, solid, place)
        return _full_size(parts, person, crop)


def solid_person(person: Field, guide: ParseGuide) -> Field:
    """(S,S) matte that holds at least the fitted skull and has no holes but those seen through hair."""
    axes = face_axes(guide.landmarks_px)
    reach = 2 * round(SKULL_MARGIN * axes.height_px) + 1
    brush = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (reach, reach))
    # Ears are fitted least surely, and a hollow between ear and head is true background.
    skull = cv2.morphologyEx((guide.skull & ~guide.ears).astype(np.uint8), cv2.MORPH_OPEN, brush)
    skull = cv2.GaussianBlur(cv2.erode(skull, brush).astype(np.float32), (0, 0), 2.0)
    person = np.maximum(person, skull)
    holes = (person <= 0.5).astype(np.uint8)
    _, number, stats, _ = cv2.connectedComponentsWithStats(holes, connectivity=4)
    small = stats[:, cv2.CC_STAT_AREA] < SMALL_HOLE * person.size
    inside = ((holes == 0) | small[number]).astype(np.uint8)
    depth = cv2.distanceTransform(inside, cv2.DIST_L2, 5)
    return np.maximum(person, ramp(depth, *SOLID_PX)).astype(np.float32)


def _parts(materials: Field, solid: Mask, place: Place) -> NDArray[np.uint8]:
    """(256,256) classes: skin by its place, hair only where it hangs together with the head."""
    material = materials.argmax(axis=2)
    hair = _hanging_together(solid & (material == STRANDS), place)
    hair |= _islands(solid & ~hair & ~place.face & ~place.ears & (place.heights > 0.1), hair)
    rest = solid & ~hair
    skin = rest & (material == SKIN)
    labels = np.where(solid, BODY, BACKGROUND).astype(np.uint8)
    labels[hair] = HAIR
    labels[rest & (place.heights > HEADWEAR_HEIGHT) & (place.sides < HEADWEAR_SIDE)] = HEADWEAR
    labels[skin & (place.heights > NAPE_HEIGHT)] = OTHER_HEAD
    labels[skin & (place.heights > BROW_HEIGHT) & (place.heights < FOREHEAD_LIMIT)] = FACE
    labels[skin & place.ears & (place.heights > EARLOBE_HEIGHT)] = EAR
    labels[rest & place.face] = FACE
    labels[below_hair(labels == OTHER_HEAD, solid)] = FACE
    return labels


def below_hair(scalp: Mask, solid: Mask) -> Mask:
    """Bald patches that do not reach the silhouette: a high forehead with hair above it."""
    count, components, _, _ = cv2.connectedComponentsWithStats(scalp.astype(np.uint8), connectivity=8)
    rim = cv2.erode(solid.astype(np.uint8), np.ones((5, 5), np.uint8)) == 0
    bald = np.zeros(count, bool)
    bald[np.unique(components[scalp & rim])] = True
    return scalp & ~bald[components]


def _hanging_together(hair: Mask, place: Place) -> Mask:
    """Drop specks, and strands that hang on the head by less than a lock (dark collars, seams)."""
    lock = np.ones((LOCK_PX, LOCK_PX), np.uint8)
    locks = cv2.morphologyEx(hair.astype(np.uint8), cv2.MORPH_OPEN, lock)
    count, components, stats, _ = cv2.connectedComponentsWithStats(locks, connectivity=8)
    kept = np.zeros(count, bool)
    for k in range(1, count):
        top = float(place.heights[components == k].max())
        kept[k] = stats[k, cv2.CC_STAT_AREA] > FEWEST_HAIR_PIXELS and top > ROOTS_HEIGHT
    near = cv2.dilate(kept[components].astype(np.uint8), np.ones((2 * LOCK_PX + 1,) * 2, np.uint8)) > 0
    # Thin hair above the ears is kept as it is: a buzz cut is a line along the silhouette.
    return hair & (near | (place.heights > ROOTS_HEIGHT))


def _islands(others: Mask, hair: Mask) -> Mask:
    """Patches of other material enclosed by hair (shine, hair slides): they are hair, too."""
    count, components, stats, _ = cv2.connectedComponentsWithStats(others.astype(np.uint8), connectivity=4)
    near_hair = cv2.dilate(hair.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    enclosed = np.zeros(count, bool)
    for k in range(1, count):
        patch = (components == k).astype(np.uint8)
        rim = (cv2.dilate(patch, np.ones((3, 3), np.uint8)) > 0) & (patch == 0)
        enclosed[k] = (
            stats[k, cv2.CC_STAT_AREA] < 250 and near_hair[rim].mean() > 0.7 and hair[rim].mean() > 0.5
        )
    return enclosed[components]


def _full_size(parts: NDArray[np.uint8], person: Field, crop: HeadCrop) -> HeadParse:
    """Classes and matte at the crop's size, with smooth borders: meshes are cut along them."""
    size = (crop.size, crop.size)
    # Classes are continued past the 256 px silhouette, which the finer person matte then cuts.
    classes = continued(parts, parts != BACKGROUND)
    best = np.zeros(size, np.uint8)
    most = np.zeros(size, np.float32)
    body = np.zeros(size, np.float32)
    for part in np.unique(classes).tolist():
        share = cv2.GaussianBlur((classes == part).astype(np.float32), (0, 0), BORDER_SMOOTHING_PX)
        share = cv2.resize(share, size, interpolation=cv2.INTER_LINEAR)
        best, most = np.where(share > most, np.uint8(part), best), np.maximum(share, most)
        if part == BODY:
            body = share
    labels = np.where(person > 0.5, best, BACKGROUND).astype(np.uint8)
    return HeadParse(labels, (person * (1.0 - body)).astype(np.float32), person)
