"""The photo's own pixels take the place of a texture's wherever a render shows them.

A texture was resampled from the photo once, and a render resamples it again. Where the photo saw what is
shown, the render also tells where in the photo it lies, and one look there keeps all of its sharpness; at
the photo's own pose it gives the photo back.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

SURE = (0.4, 0.8)
"""Between these the photo's pixel takes over: one that is stretched is still sharper than its texture."""
SOLID = (0.85, 0.98)
"""Alphas between which it does so; the photo's pixels at a soft edge hold its background, too."""
FAINT = (0.08, 0.3)
"""Alphas between which a pixel of a soft edge begins to tell its own colour: below, it is background."""
AGREES = (24.0, 8.0)
"""A soft edge of the picture is one of the photo, too, if texture over background is as bright as the photo's
pixel, to so many grey values; the rim of a surface that goes on in the photo is not."""
TORN = 0.75
"""A place that lies this far from the middle of its neighbours' places, in steps between them, belongs to an
edge between two surfaces, where places are mixed."""
MINIFIED = 1.25
"""Photo pixels for a pixel of the picture from which the photo is made smaller first, or it would flicker."""


def with_own_pixels(
    colour: NDArray[np.uint8],
    known: NDArray[np.uint8],
    place: NDArray[np.floating],
    photo: NDArray[np.uint8],
    behind: NDArray[np.uint8] | None = None,
) -> NDArray[np.uint8]:
    """A coarse render with the photo's own pixels.

    Args:
        colour: (H,W,4) sRGB, straight alpha.
        known: (H,W) how well each pixel is known, 255 is well.
        place: (H,W,2) photo pixels (x, y) on which the same surface lies, seen or not; anything where
            nothing is shown.
        photo: (h,w,3) sRGB.
        behind: (h,w,3) the photo's background. With it, soft edges take the photo's own pixels, too: what of
            it they hold is taken out. A texture's colours there are calmed, for it may be stretched.
    """
    alpha = colour[..., 3].astype(np.float32) / 255
    solid = _ramp(alpha, *SOLID)
    trust = _ramp(known / 255 / alpha.clip(1e-6), *SURE) * (solid if behind is None else _ramp(alpha, *FAINT))
    if not trust.any():
        return colour
    place = place.astype(np.float32)
    step = _step(place, trust)
    trust = trust * (_bend(place, alpha > 0) <= TORN * step)
    if step > MINIFIED:
        height, width = photo.shape[:2]
        smaller = max(1, round(width / step)), max(1, round(height / step))
        photo = cv2.resize(photo, smaller, interpolation=cv2.INTER_AREA)
        behind = None if behind is None else cv2.resize(behind, smaller, interpolation=cv2.INTER_AREA)
        place = (place + 0.5) * np.float32([smaller[0] / width, smaller[1] / height]) - 0.5
    own = _at(photo, place)
    if behind is not None:
        own, agrees = _without_background(own, _at(behind, place), colour[..., :3], alpha)
        trust = trust * np.maximum(solid, agrees)
    mixed = colour[..., :3] + trust[..., None] * (own - colour[..., :3])
    return np.dstack([np.rint(mixed.clip(0, 255)).astype(np.uint8), colour[..., 3]])


def _at(picture: NDArray[np.uint8], place: NDArray[np.float32]) -> NDArray[np.float32]:
    """(H,W,3) the picture at places (H,W,2)."""
    taken = cv2.remap(picture, place, None, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    return taken.astype(np.float32)


def _without_background(
    own: NDArray[np.float32],
    behind: NDArray[np.float32],
    texture: NDArray[np.uint8],
    alpha: NDArray[np.float32],
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The photo's pixels (H,W,3) as they would be if they were solid, and how far (H,W) that may be believed.

    Over ``behind`` with their ``alpha`` they are the photo's pixels again.
    """
    share = alpha[..., None]
    left = own - (share * texture + (1 - share) * behind)
    bare = texture + left / share.clip(FAINT[0])
    agrees = _ramp(np.abs(left.mean(axis=-1)), *AGREES)
    return own + agrees[..., None] * (bare - own), agrees


def _ramp(values: NDArray[np.floating], low: float, high: float) -> NDArray[np.float32]:
    """0 at ``low``, which may be the larger, to 1 at ``high``."""
    return ((values - low) / (high - low)).clip(0, 1).astype(np.float32)


def _step(place: NDArray[np.float32], trust: NDArray[np.float32]) -> float:
    """Photo pixels between neighbours of the picture, where both are trusted; 1 if there are none."""
    both = (trust[:, 1:] > 0) & (trust[:, :-1] > 0)
    between = np.linalg.norm(place[:, 1:] - place[:, :-1], axis=-1)[both]
    return float(np.median(between)) if between.size else 1.0


def _bend(place: NDArray[np.float32], shown: NDArray[np.bool_]) -> NDArray[np.float32]:
    """(H,W) distance of each place from the middle of its neighbours', the larger of both directions.

    0 beside what shows nothing: a place is mixed of surfaces, and there is but one.
    """
    result = np.zeros(place.shape[:2], np.float32)
    across = np.linalg.norm(place[:, 2:] + place[:, :-2] - 2 * place[:, 1:-1], axis=-1) / 2
    down = np.linalg.norm(place[2:] + place[:-2] - 2 * place[1:-1], axis=-1) / 2
    result[:, 1:-1] = across * (shown[:, 2:] & shown[:, :-2])
    result[1:-1] = np.maximum(result[1:-1], down * (shown[2:] & shown[:-2]))
    return result
