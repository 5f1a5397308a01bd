"""Coarse render and plate become a still (section 5.2 of Deep 3D Portrait, 2020).

:class:`ClassicalRefiner` is interim: it closes small gaps inside the head by push-pull and lays
the head over the plate. :mod:`backend.refine_network` redraws what the photo did not see.
"""

from __future__ import annotations

from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from .push_pull import push_pull
from .still import Still

GAP_SHARE = 0.012
"""Widest gap that is closed, as a share of the picture's longer side: cracks, not openings."""


class Refiner(Protocol):
    """Whatever finishes a coarse render."""

    interim: bool

    def refine(
        self,
        coarse: NDArray[np.uint8],
        known: NDArray[np.uint8],
        plate: NDArray[np.uint8],
        *,
        transparent: bool,
    ) -> Still:
        """Finish a coarse render.

        Args:
            coarse: (H,W,4) sRGB with straight alpha.
            known: (H,W) 255 where the photo saw this surface well, 0 where it did not or where nothing
                is, between where its pixels are stretched or a soft edge covers a part of the pixel.
            plate: (h,w,3) sRGB background of any size.
            transparent: leave the background out.
        """
        ...


class ClassicalRefiner:
    """Gap closing by push-pull and alpha compositing. Interim."""

    interim = True
    method = "filling from the neighbours"

    def refine(
        self,
        coarse: NDArray[np.uint8],
        known: NDArray[np.uint8],
        plate: NDArray[np.uint8],
        *,
        transparent: bool,
    ) -> Still:
        """See :class:`Refiner`; what a texture covers stays as it is, however it is known."""
        height, width = coarse.shape[:2]
        colour, alpha = coarse[..., :3].astype(np.float32), coarse[..., 3].astype(np.float32) / 255
        closed = _closed(alpha)
        gaps = (closed - alpha).clip(0, 1)
        filled = push_pull(colour, alpha)
        head = (alpha[..., None] * colour + gaps[..., None] * filled) / closed[..., None].clip(1e-6)
        invented = closed - np.minimum(known / np.float32(255), alpha)
        if transparent:
            pixels = np.dstack([head, 255 * closed])
        else:
            behind = cover_fit(plate, width, height).astype(np.float32)
            pixels = closed[..., None] * head + (1 - closed[..., None]) * behind
        share = float(invented.sum() / max(closed.sum(), 1.0))
        return Still(_to_uint8(pixels), _to_uint8(255 * invented), share, self.method, self.interim)


def _closed(alpha: NDArray[np.float32]) -> NDArray[np.float32]:
    """Alpha with gaps up to GAP_SHARE closed; the outer contour keeps its shape."""
    radius = max(1, round(GAP_SHARE * max(alpha.shape) / 2))
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    padded = cv2.copyMakeBorder(alpha, radius, radius, radius, radius, cv2.BORDER_REPLICATE)
    closed = cv2.morphologyEx(padded, cv2.MORPH_CLOSE, kernel)[radius:-radius, radius:-radius]
    return np.maximum(alpha, closed)


def cover_fit(picture: NDArray[np.uint8], width: int, height: int) -> NDArray[np.uint8]:
    """Scale a picture (h,w,C) to cover (height,width), centred, without changing its proportions."""
    h, w = picture.shape[:2]
    if (w, h) == (width, height):
        return picture
    scale = max(width / w, height / h)
    size = (max(width, round(w * scale)), max(height, round(h * scale)))
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    scaled = cv2.resize(picture, size, interpolation=how)
    left, top = (size[0] - width) // 2, (size[1] - height) // 2
    return scaled[top : top + height, left : left + width]


def _to_uint8(values: NDArray[np.floating]) -> NDArray[np.uint8]:
    return np.rint(values.clip(0, 255)).astype(np.uint8)
