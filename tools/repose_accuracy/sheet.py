"""Portraits in rows, their angles in columns: stills as they are, nothing chosen."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from .measure import Record
from .rows import Row

TILE_PX = (200, 244)
"""Width and height of a still on the sheet: portraits of 335 x 410 pixels, 3/5 as large."""
GAP_PX, BLOCK_GAP_PX = 4, 24
ABREAST = 2
"""Portraits beside each other."""

Pixels = NDArray[np.uint8]


def write_sheet(folder: Path, records: Sequence[Record], row: Row) -> Pixels:
    """(H,W,3): the stills of ``records``, whose paths are relative to ``folder``."""
    strips = [[_tile(folder / name) for name in of["pictures"][row.name]] for of in records if "rows" in of]
    return sheet(strips)


def sheet(portraits: Sequence[Sequence[Pixels]]) -> Pixels:
    """Lay out tiles (h,w,3) of one size: each portrait a strip, ABREAST of them in a row."""
    height, width = portraits[0][0].shape[:2]
    strip = len(portraits[0]) * (width + GAP_PX) - GAP_PX
    rows = -(-len(portraits) // ABREAST)
    size = rows * (height + GAP_PX) - GAP_PX, ABREAST * (strip + BLOCK_GAP_PX) - BLOCK_GAP_PX, 3
    result = np.full(size, 255, np.uint8)
    for number, tiles in enumerate(portraits):
        top = number // ABREAST * (height + GAP_PX)
        left = number % ABREAST * (strip + BLOCK_GAP_PX)
        for column, tile in enumerate(tiles):
            at = left + column * (width + GAP_PX)
            result[top : top + height, at : at + width] = tile
    return result


def _tile(path: Path) -> Pixels:
    """The middle of a still in the tile's proportions."""
    with Image.open(path) as image:
        pixels = np.asarray(image.convert("RGB"))
    height, width = pixels.shape[:2]
    scale = max(TILE_PX[0] / width, TILE_PX[1] / height)
    wide, high = max(TILE_PX[0], round(width * scale)), max(TILE_PX[1], round(height * scale))
    small = cv2.resize(pixels, (wide, high), interpolation=cv2.INTER_AREA)
    left, top = (wide - TILE_PX[0]) // 2, (high - TILE_PX[1]) // 2
    return small[top : top + TILE_PX[1], left : left + TILE_PX[0]]
