"""Tells hair, face, ears, neck and background of a working crop apart, until a network is trained."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from .colour_model import ColourModel, fit_colours, log_sum
from .crop import HeadCrop
from .head_parse import (
    BACKGROUND,
    BODY,
    EAR,
    FACE,
    FOREHEAD_LIMIT,
    GLASSES,
    HAIR,
    HEAD_CLASSES,
    HEADWEAR,
    OTHER_HEAD,
    HeadParse,
    HeadParser,
    ParseGuide,
    face_axes,
    face_oval,
)
from .person_mask import PersonSegmenter

__all__ = [
    "BACKGROUND",
    "BODY",
    "EAR",
    "FACE",
    "GLASSES",
    "HAIR",
    "HEADWEAR",
    "HEAD_CLASSES",
    "OTHER_HEAD",
    "HeadParse",
    "HeadParser",
    "InterimHeadParser",
    "ParseGuide",
]

Field = NDArray[np.float32]
Mask = NDArray[np.bool_]

WORK_SIDE = 256

SKIN, STRANDS, CLOTH = range(3)
"""Materials: what colour can tell apart. Which part of the body skin is, is decided by its place."""

SKIN_POINTS = (50, 280, 101, 330, 117, 346, 195, 5, 4, 9)
"""Landmarks on cheeks, nose and between the brows: skin on bearded and fringed faces, too."""
SKIN_POINT_SHARE = 0.05
"""Radius of the samples in face heights."""

COLOUR_NOISE = np.array([5.0, 2.5, 2.5, 0.25])
"""Least spread of a colour component in Lab and log texture."""
UNKNOWN_DENSITY = float(np.log(1.0 / (100.0 * 40.0 * 50.0 * 3.0)))
"""Log density of a material whose colour is not known yet: even over the usual range of features."""
OUTLIER_SHARE = 0.04
ROUNDS = 2
COMPONENTS = {SKIN: 3, STRANDS: 3, CLOTH: 4}
SURE = 0.75
FEWEST_SAMPLES = 30
STRIDE = 3
"""Every third pixel is enough to learn colours from."""

SMOOTHING_RADIUS, SMOOTHING_EPSILON = 5, 1e-3

BROW_HEIGHT, ROOTS_HEIGHT, NAPE_HEIGHT, EARLOBE_HEIGHT = 0.72, 0.6, 0.35, 0.1
"""Heights above the chin in face heights: brows, lowest roots of hair, where neck ends, lobes end."""
HEADWEAR_HEIGHT, HEADWEAR_SIDE = 0.8, 0.8
"""Cloth above and within this is a hat or scarf."""
LONG_HAIR, LONG_HAIR_REACH = 0.45, (-1.3, -0.4)
EAR_HAIR = 0.45
SCALP_HAIR = 0.72
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


@dataclass(frozen=True)
class Place:
    """The geometry of one crop at :data:`WORK_SIDE`: where is what to be expected."""

    oval: Mask
    face: Mask
    ears: Mask
    neck: Mask
    outside_skull: Field
    """Distance outside the skull in face heights, 0 inside."""
    heights: Field
    sides: Field


class InterimHeadParser:
    """Parser without a trained hair network: interim, and the baseline for one.

    Each pixel of the person is skin, hair or cloth by a naive Bayes decision between where the
    fitted head expects them and colour mixtures learnt from this very photo in a few rounds of
    expectation maximisation (the idea of GrabCut, Rother et al. 2004), smoothed along the
    picture's edges (cost-volume filtering, Hosni et al. 2011).
    """

    interim = True

    def __init__(self, segmenter: PersonSegmenter | None = None) -> None:
        self._segmenter = segmenter or PersonSegmenter()

    def parse(self, crop: HeadCrop, guide: ParseGuide) -> HeadParse:
        """See :meth:`backend.parse.HeadParser.parse`."""
        person = self._segmenter.segment_head(crop.pixels)
        if person.any():
            person = _solid(person, guide)
        pixels = cv2.resize(crop.pixels, (WORK_SIDE, WORK_SIDE), interpolation=cv2.INTER_AREA)
        solid = cv2.resize(person, (WORK_SIDE, WORK_SIDE), interpolation=cv2.INTER_AREA) > 0.5
        place = _place(guide, crop.size)
        materials = _materials(pixels, solid, place, guide.landmarks_px * (WORK_SIDE / crop.size))
        parts = _parts(materials, solid, place)
        return _full_size(parts, person, crop)


def _solid(person: Field, guide: ParseGuide) -> Field:
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
    return np.maximum(person, _ramp(depth, *SOLID_PX)).astype(np.float32)


def _place(guide: ParseGuide, size: int) -> Place:
    def small(mask: Mask) -> Mask:
        grey = cv2.resize(mask.astype(np.float32), (WORK_SIDE, WORK_SIDE), interpolation=cv2.INTER_AREA)
        return grey > 0.5

    landmarks = guide.landmarks_px * (WORK_SIDE / size)
    axes = face_axes(landmarks)
    outside = cv2.distanceTransform((~small(guide.skull)).astype(np.uint8), cv2.DIST_L2, 3)
    reach = max(1, round(0.03 * axes.height_px))
    ears = cv2.dilate(small(guide.ears).astype(np.uint8), np.ones((2 * reach + 1,) * 2, np.uint8)) > 0
    oval = face_oval(landmarks, WORK_SIDE)
    heights = axes.heights(WORK_SIDE)
    return Place(
        oval=oval,
        face=(small(guide.face) & (heights > BROW_HEIGHT)) | oval,
        ears=ears & ~oval,
        neck=small(guide.neck) & ~oval,
        outside_skull=(outside / axes.height_px).astype(np.float32),
        heights=heights,
        sides=axes.sides(WORK_SIDE),
    )


def _materials(
    pixels: NDArray[np.uint8], solid: Mask, place: Place, landmarks: NDArray[np.floating]
) -> Field:
    """(256,256,3) probabilities of skin, hair and cloth for the person's pixels."""
    features = _features(pixels)
    log_prior = np.log(_expected(place))
    skin_seeds = _discs(landmarks[list(SKIN_POINTS)], SKIN_POINT_SHARE * face_axes(landmarks).height_px)
    first = fit_colours(features[skin_seeds], COMPONENTS[SKIN], COLOUR_NOISE)
    models = _learn(features, log_prior, solid, place, {SKIN: first})
    result = np.zeros((WORK_SIDE, WORK_SIDE, 3), np.float32)
    result[solid] = _posterior(features[solid], log_prior[solid].T, models).T
    return _smooth(pixels, result)


def _learn(
    features: Field, log_prior: Field, solid: Mask, place: Place, models: dict[int, ColourModel]
) -> dict[int, ColourModel]:
    """Colour models of the materials, learnt in rounds from the pixels of which they are sure."""
    inner = cv2.erode(solid.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    chosen = np.flatnonzero(inner)[::STRIDE]
    samples, prior = features.reshape(-1, 4)[chosen], log_prior.reshape(-1, 3)[chosen].T
    # Each colour is learnt where it is at home; else skin would swallow grey temples bit by bit.
    homes = {SKIN: place.oval, STRANDS: ~place.face, CLOTH: place.heights < 0.0}
    models = dict(models)
    for _ in range(ROUNDS):
        posterior = _posterior(samples, prior, models)
        for material, home in homes.items():
            sure = home.ravel()[chosen] & (posterior[material] > SURE)
            if sure.sum() >= FEWEST_SAMPLES:
                models[material] = fit_colours(samples[sure], COMPONENTS[material], COLOUR_NOISE)
    return models


def _features(pixels: NDArray[np.uint8]) -> Field:
    """(h,w,4) Lab and the logarithm of the local contrast: hair has texture where skin has none."""
    lab = cv2.cvtColor(pixels.astype(np.float32) / 255.0, cv2.COLOR_RGB2LAB)
    lightness = lab[..., 0]
    mean = cv2.blur(lightness, (5, 5))
    variance = np.maximum(cv2.blur(lightness * lightness, (5, 5)) - mean * mean, 0.0)
    return np.dstack([cv2.GaussianBlur(lab, (0, 0), 0.7), np.log(1.0 + np.sqrt(variance))])


def _expected(place: Place) -> Field:
    """(256,256,3) prior of skin, hair and cloth from the place alone; rows sum to 1."""
    h, side = place.heights, place.sides
    above_chin = _ramp(h, -0.05, 0.15)
    below = 1.0 - above_chin
    # Above the chin, outside the face: hair, more surely the farther from the skull.
    hair = SCALP_HAIR + (0.96 - SCALP_HAIR) * np.clip(place.outside_skull / 0.08, 0, 1)
    hair = np.where(place.ears, EAR_HAIR, hair)
    shoulder = _ramp(side, 0.65, 0.95) * (1.0 - _ramp(h, 0.1, 0.45))
    hair = hair * (1.0 - 0.6 * shoulder)
    cloth = 0.01 + 0.6 * shoulder
    # Below it: cloth, with long hair beside the neck and skin in the middle.
    hair_below = (
        LONG_HAIR * _ramp(side, 0.22, 0.36) * (1.0 - _ramp(side, 0.75, 1.1)) * _ramp(h, *LONG_HAIR_REACH)
    )
    hair_below = np.maximum(hair_below, 0.03)
    cloth_below = np.where(place.neck, 0.35, 0.6)
    hair = above_chin * hair + below * hair_below
    cloth = above_chin * cloth + below * cloth_below
    forehead = _ramp(h, BROW_HEIGHT - 0.04, BROW_HEIGHT + 0.12)
    hair = np.where(place.face, 0.02 + 0.28 * forehead, hair)
    cloth = np.where(place.face, 0.004, cloth)
    skin = np.maximum(1.0 - hair - cloth, 0.02)
    prior = np.dstack([skin, hair, cloth])
    return (prior / prior.sum(axis=2, keepdims=True)).astype(np.float32)


def _ramp(values: Field, low: float, high: float) -> Field:
    """0 below ``low``, 1 above ``high``, linear between."""
    return np.clip((values - low) / (high - low), 0.0, 1.0)


def _discs(points_px: NDArray[np.floating], radius_px: float) -> Mask:
    mask = np.zeros((WORK_SIDE, WORK_SIDE), np.uint8)
    for x, y in np.rint(points_px).astype(int).tolist():
        cv2.circle(mask, (x, y), max(2, round(radius_px)), 1, -1)
    return mask.astype(bool)


def _posterior(samples: Field, log_prior: Field, models: dict[int, ColourModel]) -> Field:
    """(3,N) probabilities of the materials of (N,D) samples."""
    log_joint = log_prior.astype(np.float64)
    for material in (SKIN, STRANDS, CLOTH):
        density = UNKNOWN_DENSITY
        if material in models:
            known = models[material].log_likelihood(samples) + np.log(1.0 - OUTLIER_SHARE)
            density = np.logaddexp(known, UNKNOWN_DENSITY + np.log(OUTLIER_SHARE))
        log_joint[material] += density
    return np.exp(log_joint - log_sum(log_joint)).astype(np.float32)


def _smooth(pixels: NDArray[np.uint8], fields: Field) -> Field:
    """Average probabilities within edges of the picture."""
    guide = pixels.astype(np.float32) / 255.0
    return cv2.ximgproc.guidedFilter(guide, fields, SMOOTHING_RADIUS, SMOOTHING_EPSILON, scale=0.5)


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
    labels[_below_hair(labels == OTHER_HEAD, solid)] = FACE
    return labels


def _below_hair(scalp: Mask, solid: Mask) -> Mask:
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
    outside = (parts == BACKGROUND).astype(np.uint8)
    _, nearest = cv2.distanceTransformWithLabels(outside, cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL)
    class_of = np.zeros(int(nearest.max()) + 1, np.uint8)
    class_of[nearest[outside == 0]] = parts[outside == 0]
    continued = class_of[nearest]
    best = np.zeros(size, np.uint8)
    most = np.zeros(size, np.float32)
    body = np.zeros(size, np.float32)
    for part in np.unique(continued).tolist():
        share = cv2.GaussianBlur((continued == part).astype(np.float32), (0, 0), BORDER_SMOOTHING_PX)
        share = cv2.resize(share, size, interpolation=cv2.INTER_LINEAR)
        best, most = np.where(share > most, np.uint8(part), best), np.maximum(share, most)
        if part == BODY:
            body = share
    labels = np.where(person > 0.5, best, BACKGROUND).astype(np.uint8)
    return HeadParse(labels, (person * (1.0 - body)).astype(np.float32), person)
