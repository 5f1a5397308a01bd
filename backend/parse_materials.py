"""Which pixels of a person are skin, hair or cloth, from colours learnt in the very photo: interim."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from .colour_model import ColourModel, fit_colours, log_sum
from .head_parse import ParseGuide, face_axes, face_oval

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

BROW_HEIGHT = 0.72
"""Height of the brows above the chin in face heights."""
LONG_HAIR, LONG_HAIR_REACH = 0.45, (-1.3, -0.4)
EAR_HAIR = 0.45
SCALP_HAIR = 0.72


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


def place_parts(guide: ParseGuide, size: int) -> Place:
    """Where the fitted head of a crop of ``size`` pixels lets one expect what."""

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


def materials_of(
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
    above_chin = ramp(h, -0.05, 0.15)
    below = 1.0 - above_chin
    # Above the chin, outside the face: hair, more surely the farther from the skull.
    hair = SCALP_HAIR + (0.96 - SCALP_HAIR) * np.clip(place.outside_skull / 0.08, 0, 1)
    hair = np.where(place.ears, EAR_HAIR, hair)
    shoulder = ramp(side, 0.65, 0.95) * (1.0 - ramp(h, 0.1, 0.45))
    hair = hair * (1.0 - 0.6 * shoulder)
    cloth = 0.01 + 0.6 * shoulder
    # Below it: cloth, with long hair beside the neck and skin in the middle.
    hair_below = (
        LONG_HAIR * ramp(side, 0.22, 0.36) * (1.0 - ramp(side, 0.75, 1.1)) * ramp(h, *LONG_HAIR_REACH)
    )
    hair_below = np.maximum(hair_below, 0.03)
    cloth_below = np.where(place.neck, 0.35, 0.6)
    hair = above_chin * hair + below * hair_below
    cloth = above_chin * cloth + below * cloth_below
    forehead = ramp(h, BROW_HEIGHT - 0.04, BROW_HEIGHT + 0.12)
    hair = np.where(place.face, 0.02 + 0.28 * forehead, hair)
    cloth = np.where(place.face, 0.004, cloth)
    skin = np.maximum(1.0 - hair - cloth, 0.02)
    prior = np.dstack([skin, hair, cloth])
    return (prior / prior.sum(axis=2, keepdims=True)).astype(np.float32)


def ramp(values: Field, low: float, high: float) -> Field:
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
