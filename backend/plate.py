"""What stays behind when the head turns: the background without the person, and the body card."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from .crop import CROP_SIDE_MM, HeadCrop
from .head_parse import BODY, FACE, HAIR, HEAD_CLASSES, HeadParse
from .photo import Photo
from .push_pull import push_pull
from .shell_texture import shadowed_hair

Field = NDArray[np.float32]
Mask = NDArray[np.bool_]

FILL_SIDE = 768
"""The fill is smooth, so it is computed on a copy of at most this long side."""
MASK_GROWTH = 0.012
"""Stray hair and the lens's blur reach this far beyond the matte (share of the picture's diagonal)."""
PERSON_TRACE = 0.03
"""Matte value from which a pixel may carry the person's colour."""
GRAIN_SIGMA_PX = 1.5
"""Structure finer than this counts as the photo's grain."""
MOST_GRAIN = 6.0
"""Grey values; more is texture, and repeated texture looks worse than a smooth blur."""

UNDERLAP_MM = 10.0
"""The body reaches this far beneath the edge of the head, so that no gap opens along it."""
NECK_RISE_MM = 60.0
"""The hidden neck is continued this far up behind the chin."""
NECK_HALF_WIDTH_MM = (46.0, 62.0)
"""Bounds of half a neck's width: 2.5 to 97.5 % of adults (NASA-STD-3000, neck circumference)."""
NECK_ROWS_MM = 35.0
"""Rows below the chin in which a neck can be seen."""
FAINTEST = 0.08
"""Below this matte a pixel's own colour is background with noise."""
MISSED = 0.15
"""A matte that is too low by this much has missed a piece of the body; less is noise."""
HEAD_TRACE = 0.02
"""Matte from which a pixel shows some of the head."""
SLIVER_MM = 6.0
"""Pieces of body thinner than this are errors of the parser along the silhouette."""
LINING_INSET_MM = 16.0
"""The lining beneath long hair keeps so far from the person's outline: turned by 40 degrees, hair beside the
neck comes so much nearer to it."""
LINING_RISE_MM = 70.0
"""It begins so far above the chin: beside the jaw, where hair turns away from the cheek."""
SOLID_HEAD = 0.95
"""Matte of pixels through which nothing of the lining can be seen in the photo's own pose."""
BODY_SEAM_MM = 3.0
"""Body pixels this close to the head carry some of its colour."""


def background_plate(photo: Photo, person: Field, head: Field | None = None) -> NDArray[np.uint8]:
    """The photo (H,W,3) with the person painted over by the surrounding background and its grain.

    Args:
        photo: upright sRGB.
        person: (H,W) matte in [0,1] of everything that has to go.
        head: (H,W) matte of the head alone. Around it the plate will be looked at, so it gives up a wide
            border; the body stays before the plate, which may follow it closely. None: wide everywhere.
    """
    height, width = photo.pixels.shape[:2]
    scale = min(1.0, FILL_SIDE / max(height, width))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    small = cv2.resize(photo.pixels, size, interpolation=cv2.INTER_AREA)
    growth = MASK_GROWTH * float(np.hypot(*size))
    moving = cv2.resize(person if head is None else head, size, interpolation=cv2.INTER_AREA)
    whole = cv2.resize(person, size, interpolation=cv2.INTER_AREA)
    known = np.minimum(_clear_of(moving, growth), _clear_of(whole, min(1.0, growth)))
    fill = cv2.resize(push_pull(small, known), (width, height), interpolation=cv2.INTER_CUBIC)
    weight = cv2.resize(known, (width, height), interpolation=cv2.INTER_LINEAR)[..., None]
    fill += _grain(photo.pixels, weight[..., 0] > 0.99)
    plate = weight * photo.pixels + (1.0 - weight) * fill
    return np.clip(np.rint(plate), 0, 255).astype(np.uint8)


def body_card(
    photo: Photo,
    crop: HeadCrop,
    parse: HeadParse,
    person: Field | None = None,
    plate: NDArray[np.uint8] | None = None,
) -> NDArray[np.uint8]:
    """Neck, shoulders and clothes as a layer (H,W,4) of the photo, sRGB with straight alpha.

    What the head hides is continued from the body alone: the rows between two visible pieces of
    the body, a strip beneath the head's edge, and the neck upward behind the chin.

    Args:
        photo: upright sRGB.
        crop: the working crop.
        parse: its classes and mattes.
        person: (H,W) matte of the person in the whole photo, for what lies beyond the crop.
        plate: (H,W,3) background; with it the colours of soft edges are solved so that card over plate
            is the photo.
    """
    size = (photo.width, photo.height)
    neck = _neck(crop, parse)
    lining = _lining(crop, parse, neck)
    hidden = crop.map_to_photo(np.maximum(_hidden_body(crop, parse, neck), lining), *size)
    colours = _with_lining(_fill(crop, _sure_body(crop, parse), neck), crop, parse, lining)
    fill = crop.map_to_photo(colours, *size)
    head = head_matte(crop, parse, photo)
    whole = crop.map_to_photo(parse.person, *size) if person is None else person
    visible = np.clip(whole - head, 0.0, 1.0)
    seam = max(1, round(_pixels(BODY_SEAM_MM, crop) / crop.scale))
    headed = cv2.dilate((head > HEAD_TRACE).astype(np.uint8), _disc(seam)).astype(np.float32)
    taken = cv2.GaussianBlur(headed, (0, 0), seam / 2)[..., None]
    own = photo.pixels.astype(np.float32)
    if plate is not None:
        visible = _believable(visible, own, plate.astype(np.float32))
        own = plate + (own - plate) / visible[..., None].clip(FAINTEST)
    colours = taken * fill + (1.0 - taken) * own
    alpha = np.where(head < HEAD_TRACE, np.maximum(visible, hidden), hidden)
    return np.clip(np.rint(np.dstack([colours, 255.0 * alpha])), 0, 255).astype(np.uint8)


def _believable(matte: Field, pixels: NDArray[np.float32], plate: NDArray[np.float32]) -> Field:
    """(H,W) matte that is solid where a thinner one would need a colour that does not exist.

    A pixel C = a F + (1 - a) B asks for a matte of at least (C - B) / (255 - B), or (B - C) / B where it is
    darker. One far below that has missed a piece of the body, and F would be a glaring red or white.
    """
    change = pixels - plate
    room = np.where(change > 0, 255.0 - plate, plate)
    least = (np.abs(change) / room.clip(1.0)).clip(0.0, 1.0).max(axis=2)
    missed = ((least - matte) / MISSED).clip(0.0, 1.0) * (matte > FAINTEST)
    clear = (np.abs(change).max(axis=2) / (2 * MOST_GRAIN) - 1.0).clip(0.0, 1.0)  # grain alone proves nothing
    whole = (matte + missed * clear * (1.0 - matte)).astype(np.float32)
    # Some pixels of a piece prove themselves and some do not; what lies between belongs to it, too.
    size = 2 * max(1, round(MASK_GROWTH / 2 * max(matte.shape))) + 1
    closed = cv2.morphologyEx(whole, cv2.MORPH_CLOSE, np.ones((size, size), np.uint8))
    return np.where(matte > FAINTEST, np.maximum(whole, closed), whole)


def head_matte(crop: HeadCrop, parse: HeadParse, photo: Photo) -> Field:
    """(H,W) matte of the head alone; traces of it along far shoulders are noise and left out."""
    near = cv2.dilate(np.isin(parse.labels, HEAD_CLASSES).astype(np.uint8), _disc(_pixels(UNDERLAP_MM, crop)))
    return crop.map_to_photo(parse.matte * near, photo.width, photo.height)


def _clear_of(matte: Field, growth_px: float) -> Field:
    """(H,W) 1 where surely none of the matte is, falling to 0 between two and one growths from it."""
    traces = (matte > PERSON_TRACE).astype(np.uint8)
    if not traces.any():
        return np.ones_like(matte)
    distance = cv2.distanceTransform(1 - traces, cv2.DIST_L2, 3)
    return np.clip(distance / growth_px - 1.0, 0.0, 1.0).astype(np.float32)


def _grain(pixels: NDArray[np.uint8], known: Mask) -> Field:
    """(H,W,1) noise of the strength that the known background has; deterministic."""
    grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY).astype(np.float32)
    residual = np.abs(grey - cv2.GaussianBlur(grey, (0, 0), GRAIN_SIGMA_PX))
    strength = 1.4826 * float(np.median(residual[known])) if known.any() else 0.0
    noise = np.random.default_rng(0).standard_normal(grey.shape, np.float32)
    return (min(strength, MOST_GRAIN) * noise)[..., None]


def _pixels(length_mm: float, crop: HeadCrop) -> int:
    """Millimetres at the head's depth in crop pixels."""
    return max(1, round(length_mm * crop.size / CROP_SIDE_MM))


def _disc(radius_px: int) -> NDArray[np.uint8]:
    return cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius_px + 1,) * 2)


def _sure_body(crop: HeadCrop, parse: HeadParse) -> Field:
    """(S,S) trust in a pixel's colour as the body's own: away from head, background and border."""
    body = ((parse.labels == BODY) & (parse.person > 0.9) & crop.inside).astype(np.uint8)
    eroded = cv2.erode(body, _disc(_pixels(BODY_SEAM_MM, crop)))
    return cv2.GaussianBlur(eroded.astype(np.float32), (0, 0), 1.0) * (eroded > 0)


@dataclass(frozen=True)
class _Neck:
    """Where the neck meets the head, in crop pixels."""

    x: float
    chin_y: int
    half_width: float


def _neck(crop: HeadCrop, parse: HeadParse) -> _Neck | None:
    """From the chin down: the visible neck's middle and half width within human bounds."""
    face_rows = np.flatnonzero((parse.labels == FACE).sum(axis=1) > _pixels(15.0, crop))
    if len(face_rows) == 0 or not (parse.labels == BODY).any():
        return None
    chin_y = int(face_rows[-1])
    jaw = parse.labels[max(0, chin_y - _pixels(15.0, crop)) : chin_y + 1] == FACE
    chin_x = float(np.flatnonzero(jaw.any(axis=0)).mean())
    low, high = (_pixels(bound, crop) for bound in NECK_HALF_WIDTH_MM)
    below = parse.labels[chin_y : chin_y + _pixels(NECK_ROWS_MM, crop)] == BODY
    columns = np.flatnonzero(below.any(axis=0))
    columns = columns[np.abs(columns - chin_x) < high]
    if len(columns) == 0:
        return _Neck(chin_x, chin_y, low)
    x = (chin_x + float(columns[0] + columns[-1]) / 2) / 2
    return _Neck(x, chin_y, float(np.clip((columns[-1] - columns[0]) / 2, low, high)))


def _fill(crop: HeadCrop, sure: Field, neck: _Neck | None) -> Field:
    """(S,S,3) body colours everywhere; behind and above the chin those of the neck alone."""
    fill = push_pull(crop.pixels, sure)
    if neck is None:
        return fill
    y, x = np.mgrid[: crop.size, : crop.size].astype(np.float32)
    own = sure * (np.abs(x - neck.x) < neck.half_width) * (y < neck.chin_y + _pixels(NECK_ROWS_MM, crop))
    if not (own > 0.5).any():
        return fill
    upper = np.clip((neck.chin_y + _pixels(NECK_ROWS_MM, crop) - y) / _pixels(NECK_ROWS_MM, crop), 0.0, 1.0)
    near = np.clip(2.0 - np.abs(x - neck.x) / neck.half_width, 0.0, 1.0)
    share = (upper * near)[..., None]
    return fill + share * (push_pull(crop.pixels, own) - fill)


def _hidden_body(crop: HeadCrop, parse: HeadParse, neck: _Neck | None) -> Field:
    """(S,S) alpha of the body beneath the head."""
    body = cv2.morphologyEx(
        (parse.labels == BODY).astype(np.uint8), cv2.MORPH_OPEN, _disc(_pixels(SLIVER_MM / 2, crop))
    )
    head = parse.matte > 0.02
    if neck is not None:
        body[: max(0, neck.chin_y - _pixels(NECK_ROWS_MM, crop))] = 0
    # Where the head itself borders the background a strip would stand out as a horn once the head turns.
    deep = cv2.erode((parse.person > 0.5).astype(np.uint8), _disc(_pixels(UNDERLAP_MM, crop)))
    strip = deep * cv2.dilate(body, _disc(_pixels(UNDERLAP_MM, crop))) > 0
    hidden = head & (strip | _between(body) | _neck_behind_chin(crop, neck))
    soft = cv2.GaussianBlur(hidden.astype(np.float32), (0, 0), 2.0)
    return np.where(head, np.minimum(soft, parse.person), 0.0).astype(np.float32)


def _lining(crop: HeadCrop, parse: HeadParse, neck: _Neck | None) -> Field:
    """(S,S) alpha of what lies beneath long hair, beside jaw and neck: more of it.

    Turned, hair leaves the cheek that it touches in the photo, and without a lining the background shows.
    """
    if neck is None:
        return np.zeros_like(parse.matte)
    deep = cv2.erode((parse.person > 0.5).astype(np.uint8), _disc(_pixels(LINING_INSET_MM, crop)))
    beside = cv2.dilate((parse.labels == HAIR).astype(np.uint8), _disc(_pixels(UNDERLAP_MM, crop)))
    solid = cv2.erode((parse.matte > SOLID_HEAD).astype(np.uint8), _disc(_pixels(BODY_SEAM_MM, crop)))
    lining = deep & beside & solid
    lining[: max(0, neck.chin_y - _pixels(LINING_RISE_MM, crop))] = 0
    lining[_neck_behind_chin(crop, neck)] = 0
    return cv2.GaussianBlur(lining.astype(np.float32), (0, 0), 1.0) * solid


def _with_lining(
    fill: NDArray[np.float32], crop: HeadCrop, parse: HeadParse, lining: Field
) -> NDArray[np.float32]:
    """The body's colours (S,S,3), and those of hair in its own shadow where the lining is."""
    shadow = shadowed_hair(crop, parse)
    return fill if shadow is None else fill + lining[..., None] * (shadow - fill)


def _between(body: NDArray[np.uint8]) -> Mask:
    """Pixels with body to their left and to their right in the same row."""
    left = np.maximum.accumulate(body, axis=1)
    right = np.maximum.accumulate(body[:, ::-1], axis=1)[:, ::-1]
    return (left & right) > 0


def _neck_behind_chin(crop: HeadCrop, neck: _Neck | None) -> Mask:
    """The neck continued upward behind the chin, round at its upper end, which stays hidden."""
    result = np.zeros((crop.size, crop.size), np.uint8)
    if neck is None:
        return result > 0
    radius = 0.9 * neck.half_width
    top = neck.chin_y - _pixels(NECK_RISE_MM, crop) + radius
    left, right = round(neck.x - radius), round(neck.x + radius)
    cv2.rectangle(result, (left, round(top)), (right, neck.chin_y + _pixels(5.0, crop)), 1, -1)
    cv2.circle(result, (round(neck.x), round(top)), round(radius), 1, -1)
    return result > 0
