"""What the refinement network is shown: a picture, what of it is missing, and a first guess at that."""

from __future__ import annotations

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from .nets.parse_net import normalised
from .nets.refine_net import CoarseView
from .push_pull import push_pull

Field = NDArray[np.float32]
Pixels = NDArray[np.uint8]

GUESS_SIGMA_PX = 5.0
"""Finer structure of a surface that the photo did not see is the texture's invention."""
FAINTEST = 1e-3
SOLID = 0.9
"""Least cover of a pixel that shows the person alone."""


def neighbours_guess(colour: Pixels | Field, known: Field, cover: Field, plate: Pixels) -> Field:
    """Colours (H,W,3) of the person where they are known, led into what is missing, over the plate."""
    return _over(push_pull(colour, known * solid(cover)), cover, plate)


def solid(cover: Field) -> Field:
    """Trust (H,W) in a photo's pixel as the person's own colour: soft edges mix it with the background."""
    return ((cover - SOLID) / (1 - SOLID)).clip(0, 1)


def texture_guess(
    colour: Pixels | Field, cover: Field, plate: Pixels, sigma_px: float = GUESS_SIGMA_PX
) -> Field:
    """What the render itself shows (H,W,3) of the person, without detail, over the plate."""
    return _over(smoothed(colour, cover, sigma_px), cover, plate)


def smoothed(colour: Pixels | Field, weight: Field, sigma_px: float) -> Field:
    """(H,W,3) blurred, without what has no weight (H,W)."""
    total = cv2.GaussianBlur(colour.astype(np.float32) * weight[..., None], (0, 0), sigma_px)
    share = cv2.GaussianBlur(weight, (0, 0), sigma_px)[..., None]
    return total / share.clip(FAINTEST)


def _over(colour: Field, cover: Field, plate: Pixels) -> Field:
    return cover[..., None] * colour + (1 - cover[..., None]) * plate


def view_tensors(
    picture: Pixels | Field, known: Field, cover: Field, guess: Field
) -> dict[str, torch.Tensor]:
    """The fields of one picture's :class:`CoarseView`: (3,H,W) and (H,W).

    ``picture`` (H,W,3) sRGB, 0 to 255, is the render over the plate; ``known`` and ``cover`` (H,W) in
    [0,1]; ``guess`` (H,W,3), 0 to 255.
    """
    share = torch.from_numpy(known)
    return {
        "picture": normalised(torch.from_numpy(picture)) * share,
        "known": share,
        "cover": torch.from_numpy(cover),
        "guess": normalised(torch.from_numpy(guess)).clamp(-1, 1),
    }


def view_of(tensors: dict[str, torch.Tensor]) -> CoarseView:
    """The view in a batch of :func:`view_tensors`."""
    return CoarseView(tensors["picture"], tensors["known"], tensors["cover"], tensors["guess"])
