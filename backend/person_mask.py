"""Separates the person from the background as a soft matte (Google's selfie segmentation)."""

from __future__ import annotations

import threading
from functools import cached_property
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from .landmarks import read_asset
from .push_pull import push_pull
from .resample import Window, cut

SEGMENTER_ASSET = Path(__file__).parent / "assets" / "selfie_segmentation.tflite"
SEGMENTER_SHA256 = "9ee168ec7c8f2a16c56fe8e1cfbc514974cbbb7e434051b455635f1bd1462f5c"

INPUT_SIDE = 256
CLOSE_UP_SHARE = 0.62
"""The head's part of the working crop: there the network looks again, at almost native resolution."""
FEATHER_SHARE = 0.12
"""Width of the border, relative to the close-up, over which it is blended into the first look."""

EDGE_RADIUS_PX = 6
EDGE_EPSILON = 1e-4
"""Guided filter (He et al., ECCV 2010) on colours in [0,1]: reach and flatness of the refined edge."""
SOFT_RANGE = (0.25, 0.75)
"""The network's edge is wider than hair is; values outside this range count as decided."""
BAND_PX = 9
"""Around the network's edge, so many pixels to both sides are decided by colour (512 px crop)."""
CONTRAST = 45.0
"""Grey values by which hair and background must differ before colour outweighs the network."""

STRAY = 42.0
"""Grey values by which a pixel may miss the mixtures of the two colours."""


class PersonSegmenter:
    """The person's matte in any picture; the network is loaded at first use, one call at a time.

    OpenCV's own runtime reads the .tflite file, which spares a second inference package.
    Raises :class:`~backend.errors.AssetBroken` at first use if the file is missing or altered.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()

    def segment(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        """(H,W) matte in [0,1] of an (H,W,3) sRGB picture, refined along its edges up to 1,024 px."""
        height, width = pixels.shape[:2]
        scale = min(1.0, 1024 / max(height, width))
        size = max(1, round(width * scale)), max(1, round(height * scale))
        small = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
        coarse = cv2.resize(self._run(small), size, interpolation=cv2.INTER_LINEAR)
        matte = refine_edges(small, coarse)
        return cv2.resize(matte, (width, height), interpolation=cv2.INTER_LINEAR)

    def segment_head(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        """(S,S) matte of a square working crop: a look at the whole, a closer look at the head."""
        size = pixels.shape[0]
        matte = cv2.resize(self._run(pixels), (size, size), interpolation=cv2.INTER_LINEAR)
        middle = (size - 1) / 2
        side = round(CLOSE_UP_SHARE * size)
        window = Window.centred(middle, middle, side, side)
        left, top = round(window.offset_x), round(window.offset_y)
        close = cv2.resize(self._run(cut(pixels, window)), (side, side), interpolation=cv2.INTER_LINEAR)
        weight = _feather(side)
        area = matte[top : top + side, left : left + side]
        area += weight * (close - area)
        return colour_matte(pixels, refine_edges(pixels, matte))

    def _run(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        """(256,256) probability of the network for any picture, stretched to its square input."""
        small = cv2.resize(pixels, (INPUT_SIDE, INPUT_SIDE), interpolation=cv2.INTER_AREA)
        blob = cv2.dnn.blobFromImage(small, 1.0 / 255.0)
        with self._lock:
            self._network.setInput(blob)
            return self._network.forward().reshape(INPUT_SIDE, INPUT_SIDE).copy()

    @cached_property
    def _network(self) -> cv2.dnn.Net:
        data = np.frombuffer(read_asset(SEGMENTER_ASSET, SEGMENTER_SHA256), np.uint8)
        return cv2.dnn.readNetFromTFLite(data)


def refine_edges(pixels: NDArray[np.uint8], matte: NDArray[np.float32]) -> NDArray[np.float32]:
    """Let a soft mask (H,W) follow the colour edges of its picture (H,W,3)."""
    guide = pixels.astype(np.float32) / 255.0
    filtered = cv2.ximgproc.guidedFilter(guide, matte, EDGE_RADIUS_PX, EDGE_EPSILON, scale=0.5)
    low, high = SOFT_RANGE
    return np.clip((filtered - low) / (high - low), 0.0, 1.0)


def colour_matte(pixels: NDArray[np.uint8], matte: NDArray[np.float32]) -> NDArray[np.float32]:
    """Decide the edge of a matte (H,W) by colour: how far a pixel lies from background to person.

    Both colours are continued into the band around the edge from their own sides; where they
    hardly differ, the matte given stays. Solves the compositing equation I = aF + (1-a)B for a.
    """
    band = np.ones((2 * BAND_PX + 1,) * 2, np.uint8)
    inner = cv2.erode((matte > 0.5).astype(np.uint8), band)
    outer = cv2.erode((matte < 0.5).astype(np.uint8), band)
    if not inner.any() or not outer.any():
        return matte
    person, background = _continued(pixels, inner), _continued(pixels, outer)
    apart = person - background
    square = np.einsum("ijk,ijk->ij", apart, apart)
    share = np.einsum("ijk,ijk->ij", pixels - background, apart) / np.maximum(square, 1.0)
    share = np.clip(share, 0.0, 1.0)
    # A third colour (dark hair between a bald head and a blue wall) is no mixture of the two.
    stray = pixels - background - share[..., None] * apart
    trust = square / (square + CONTRAST**2) * np.exp(-np.einsum("ijk,ijk->ij", stray, stray) / STRAY**2)
    undecided = (inner == 0) & (outer == 0)
    decided = matte + trust * (share - matte)
    return np.where(undecided, decided, matte).astype(np.float32)


def _continued(pixels: NDArray[np.uint8], known: NDArray[np.uint8]) -> NDArray[np.float32]:
    """(H,W,3) colours of the known pixels continued over the rest; smooth, so at half the size."""
    height, width = known.shape
    half = (width + 1) // 2, (height + 1) // 2
    weight = cv2.resize(known, half, interpolation=cv2.INTER_NEAREST)
    filled = push_pull(cv2.resize(pixels, half, interpolation=cv2.INTER_NEAREST), weight)
    return cv2.resize(filled, (width, height), interpolation=cv2.INTER_LINEAR)


def _feather(side: int) -> NDArray[np.float32]:
    """(side,side) weight 1 inside, falling to 0 at the border."""
    width = FEATHER_SHARE * side
    edge = np.clip((np.minimum(np.arange(side), np.arange(side)[::-1]) + 0.5) / width, 0.0, 1.0)
    return np.minimum(edge[:, None], edge[None, :]).astype(np.float32)
