"""Pictures for the hair-ear shells: the photo itself with a soft edge, and a plausible far side."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from .crop import HeadCrop
from .head_parse import EAR, FACE, HAIR, HEADWEAR, OTHER_HEAD, HeadParse
from .photo import Photo
from .push_pull import push_pull
from .shell_depth import ShellOptions

Image = NDArray[np.float32]
Mask = NDArray[np.bool_]

MAX_SIDE = 2048
"""Larger shell textures cost memory that a 512 px mesh cannot show."""
FAINT = (0.08, 0.3)
"""Mattes between which a pixel's own colour takes over from that of the hair beside it."""
SOLID = 0.95
"""Matte above which a pixel's colour holds no background."""
SHADE = 0.6
"""What lies beneath hair is darker than hair by this factor."""
LEAST_HAIR = 0.02
"""Share of the head that must be hair before anything is coloured like it."""
INSET = 0.008
"""Hair's own tone is read so far inside that, as a share of the picture: a matte errs by a pixel or two."""
TINTED = (0.75, 0.95)
"""Mattes between which a pixel's own tint takes over: where the matte errs by a little, what is left when the
background is taken out has the background's opposite colour, and a turn would draw that out into bands."""


def shell_side(crop: HeadCrop) -> int:
    """Pixels along one side of the front shell's texture, a multiple of 64.

    Twice the photo's own resolution: what is resampled twice must not lose sharpness.
    """
    native = 2 * crop.size / crop.scale
    return int(np.clip(64 * np.ceil(native / 64), crop.size, MAX_SIDE))


def over(layer: NDArray[np.uint8], below: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A layer (H,W,4) with straight alpha over a picture (H,W,3)."""
    alpha = layer[..., 3:].astype(np.float32) / 255
    return _to_uint8(alpha * layer[..., :3] + (1 - alpha) * below)


def front_image(
    photo: Photo,
    crop: HeadCrop,
    parse: HeadParse,
    behind_head: NDArray[np.uint8],
    under: Mask | None = None,
) -> NDArray[np.uint8]:
    """The front shell's picture (T,T,4): photo pixels, straight alpha from the matte.

    Edge pixels mix hair and what lies behind it, C = a F + (1 - a) B; with B = ``behind_head``
    (H,W,3), the body over the plate, F follows, so that shell over background gives back the photo
    and shell over anything else brings no halo.
    """
    side = shell_side(crop)
    colour = _crop_at(photo.pixels, crop, side)
    behind = _crop_at(behind_head, crop, side)
    matte = cv2.resize(_lined(parse.matte), (side, side), interpolation=cv2.INTER_CUBIC).clip(0, 1)
    bare = np.isin(parse.labels, (FACE, EAR, OTHER_HEAD)).astype(np.uint8)
    bare = cv2.resize(bare, (side, side), interpolation=cv2.INTER_NEAREST)
    solid = (matte > SOLID).astype(np.uint8)
    brush = np.ones((round(INSET * side) | 1,) * 2, np.uint8)
    inner = push_pull(colour, np.where(bare, solid, cv2.erode(solid, brush)).astype(np.float32))
    # Near 0 the division only amplifies errors of the plate: lean on the hair's own inside.
    edge = (matte > FAINT[0]) & (matte <= SOLID)
    alpha, below, tone = matte[edge, None], behind[edge], inner[edge]
    pure = below + (colour[edge] - below) / alpha
    trust = ((alpha - FAINT[0]) / (FAINT[1] - FAINT[0])).clip(0, 1)
    # The rim of an ear is no hair, and too narrow for a tone of its own.
    rim = cv2.dilate(bare, brush, iterations=2)[edge, None] > 0
    own = np.where(rim, 1, ((alpha - TINTED[0]) / np.ptp(TINTED)).clip(0, 1))
    front = np.where(solid[..., None], colour, inner)
    front[edge] = _tinted(trust * pure + (1 - trust) * tone, tone, own)
    picture = np.dstack([_to_uint8(front), _to_uint8(255 * matte)])
    if under is not None:
        _shade(picture, crop, parse, under & (parse.labels != HAIR))
    return picture


def _shade(picture: NDArray[np.uint8], crop: HeadCrop, parse: HeadParse, where: Mask) -> None:
    """Paint hair in its shadow over the inside of ``where`` (S,S) of a front picture (T,T,4)."""
    inside = cv2.erode(where.astype(np.uint8), np.ones((5, 5), np.uint8))
    shadow = shadowed_hair(crop, parse)
    if shadow is None or not inside.any():
        return
    side = len(picture)
    share = cv2.resize(255 * inside, (side, side), interpolation=cv2.INTER_LINEAR)
    tone = cv2.resize(_to_uint8(shadow), (side, side), interpolation=cv2.INTER_LINEAR)
    x, y, width, height = cv2.boundingRect(share)
    box = slice(y, y + height), slice(x, x + width)
    weight = share[box].astype(np.float32)[..., None] / 255
    colours = picture[box][..., :3].astype(np.float32)
    picture[box][..., :3] = _to_uint8(colours + weight * (tone[box] - colours))


def shadowed_hair(crop: HeadCrop, parse: HeadParse) -> Image | None:
    """(S,S,3) the tone of the nearest hair, darkened as beneath hair; None where there is too little hair."""
    hair = (parse.labels == HAIR) & (parse.matte > SOLID)
    if hair.sum() < LEAST_HAIR * max(float((parse.matte > SOLID).sum()), 1.0):
        return None
    inside = cv2.erode(hair.astype(np.uint8), np.ones((3, 3), np.uint8)).astype(np.float32)
    return SHADE * cv2.GaussianBlur(push_pull(crop.pixels, inside), (0, 0), 3.0)


def _tinted(colour: Image, tone: Image, share: Image) -> Image:
    """(M,3) the brightness of ``colour`` in the tint of ``tone``; its own where ``share`` (M,1) is 1."""
    tint, other = (of - of.mean(axis=1, keepdims=True) for of in (colour, tone))
    return colour + (1 - share) * (other - tint)


def _lined(matte: Image) -> Image:
    """(S,S) matte that is opaque wherever the back lies behind it: there no background shines through."""
    inside = (cv2.GaussianBlur(matte, (0, 0), 2) > 0.5).astype(np.uint8)
    depth = cv2.distanceTransform(inside, cv2.DIST_L2, 5)
    end = ShellOptions.back_inset_px
    return np.maximum(matte, ((depth - end / 2) / (end / 2)).clip(0, 1)).astype(np.float32)


def back_image(photo: Photo, crop: HeadCrop, parse: HeadParse, seed: int = 0) -> NDArray[np.uint8]:
    """The far side's picture (S,S,3): hair tones with strand-like streaks, or skin on a bald head.

    Nobody has seen it, so it is made up: tones from the visible hair, texture from noise drawn out
    along the strands' usual fall.
    """
    side = crop.size
    colour = crop.pixels.astype(np.float32)
    hair = (parse.labels == HAIR) & (parse.matte > SOLID)
    cover = (parse.labels == HEADWEAR) & (parse.matte > SOLID)
    source = cover if cover.sum() > hair.sum() else hair
    if source.sum() < 0.02 * (parse.matte > 0.5).sum():
        source = (parse.labels == OTHER_HEAD) | (parse.labels == FACE) | (parse.labels == EAR)
    inside = cv2.erode(source.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    source = _unlike_skin(colour, inside if inside.any() else source, parse)
    # A forehead's worth of face lies between the sides: the pyramid carries hair tones across it.
    tone = cv2.GaussianBlur(push_pull(colour, source.astype(np.float32)), (0, 0), 6)
    detail = colour - cv2.GaussianBlur(colour, (0, 0), 6)
    strength = float(detail[source].std()) if source.any() else 0.0
    noise = np.random.default_rng(seed).standard_normal((side, side)).astype(np.float32)
    strands = cv2.GaussianBlur(noise, (0, 0), sigmaX=1.2, sigmaY=14)
    strands /= max(float(strands.std()), 1e-6)
    return _to_uint8(tone + 0.7 * strength * strands[..., None])


def _unlike_skin(colour: Image, hair: Mask, parse: HeadParse) -> Mask:
    """Pixels (S,S) of hair in its own colour: along a hairline and in short hair skin shows through."""
    skin = (parse.labels == FACE) & ~hair
    if not hair.any() or not skin.any():
        return hair
    to_hair, to_skin = (np.linalg.norm(colour - np.median(colour[of], axis=0), axis=2) for of in (hair, skin))
    own = hair & (to_hair < to_skin)
    return own if own.any() else hair


def _crop_at(pixels: NDArray[np.uint8], crop: HeadCrop, side: int) -> Image:
    """The crop's square of a photo-sized picture, resampled to (side,side,3) float32."""
    step = crop.size / crop.scale / side
    first = (step - 1 / crop.scale) / 2
    matrix = np.array([[step, 0, crop.offset_x + first], [0, step, crop.offset_y + first]])
    flags = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
    return cv2.warpAffine(pixels, matrix, (side, side), flags=flags, borderMode=cv2.BORDER_REPLICATE).astype(
        np.float32
    )


def _to_uint8(values: NDArray[np.floating]) -> NDArray[np.uint8]:
    return np.rint(values.clip(0, 255)).astype(np.uint8)
