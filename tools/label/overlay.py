"""Enlarged picture to judge and correct labels by: the plain photo, and the contours over it."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from .classes import COLOURS

Pixels = NDArray[np.uint8]
Box = tuple[int, int, int, int]
"""x0, y0, x1, y1 in photo pixels, the last ones exclusive."""

MARGIN = 34
GAP = 8
GRID_PX = 20
PANEL_WIDTH, PANEL_HEIGHT = 760, 1060
INK = (235, 235, 235)


def overlay(pixels: Pixels, labels: NDArray[np.uint8], box: Box, title: str) -> Pixels:
    """Photo (H,W,3) and labels (H,W) inside ``box`` side by side, as large as fits two panels."""
    x0, y0, x1, y1 = box
    scale = min(PANEL_WIDTH / (x1 - x0), PANEL_HEIGHT / (y1 - y0))
    size = round((x1 - x0) * scale), round((y1 - y0) * scale)
    plain = cv2.resize(pixels[y0:y1, x0:x1], size, interpolation=cv2.INTER_CUBIC)
    drawn = _contours(plain, labels[y0:y1, x0:x1])
    panels = [_framed(panel, box, scale) for panel in (plain, drawn)]
    sheet = np.hstack([panels[0], np.zeros((panels[0].shape[0], GAP, 3), np.uint8), panels[1]])
    cv2.putText(sheet, title, (MARGIN, 12), cv2.FONT_HERSHEY_SIMPLEX, 0.45, (255, 255, 0), 1, cv2.LINE_AA)
    return sheet


def head_box(labels: NDArray[np.uint8], head: tuple[int, ...], margin: float = 0.12) -> Box:
    """The head classes' bounding box with a margin; the whole picture if there are none."""
    height, width = labels.shape
    y, x = np.nonzero(np.isin(labels, head))
    if not len(x):
        return 0, 0, width, height
    pad = round(margin * max(int(np.ptp(x)), int(np.ptp(y))))
    return (
        max(int(x.min()) - pad, 0),
        max(int(y.min()) - pad, 0),
        min(int(x.max()) + pad + 1, width),
        min(int(y.max()) + pad + 1, height),
    )


def _contours(plain: Pixels, labels: NDArray[np.uint8]) -> Pixels:
    height, width = plain.shape[:2]
    large = cv2.resize(labels, (width, height), interpolation=cv2.INTER_NEAREST)
    drawn = plain.copy()
    core = np.ones((3, 3), np.uint8)
    for code in np.unique(labels).tolist():
        if code == 0:
            continue
        mask = (large == code).astype(np.uint8)
        rim = (mask > 0) & (cv2.erode(mask, core, borderType=cv2.BORDER_REPLICATE) == 0)
        drawn[rim] = COLOURS[code]
    return drawn


def _framed(panel: Pixels, box: Box, scale: float) -> Pixels:
    x0, y0, x1, y1 = box
    height, width = panel.shape[:2]
    framed = np.zeros((height + MARGIN, width + MARGIN, 3), np.uint8)
    framed[MARGIN:, MARGIN:] = panel
    step = GRID_PX if scale < 5 else GRID_PX // 2
    xs = range(-(-x0 // step) * step, x1, step)
    ys = range(-(-y0 // step) * step, y1, step)
    for x in xs:
        place = MARGIN + round((x - x0 + 0.5) * scale)
        cv2.putText(framed, str(x), (place - 10, MARGIN - 8), cv2.FONT_HERSHEY_SIMPLEX, 0.38, INK, 1)
        _cross_line(framed, [(place, MARGIN + round((y - y0 + 0.5) * scale)) for y in ys])
    for y in ys:
        place = MARGIN + round((y - y0 + 0.5) * scale)
        cv2.putText(framed, str(y), (2, place + 4), cv2.FONT_HERSHEY_SIMPLEX, 0.38, INK, 1)
    return framed


def _cross_line(framed: Pixels, places: list[tuple[int, int]]) -> None:
    for x, y in places:
        for arm in (-3, -2, 2, 3):
            for px, py in ((x + arm, y), (x, y + arm)):
                if MARGIN <= py < framed.shape[0] and MARGIN <= px < framed.shape[1]:
                    framed[py, px] = 255 if framed[py, px].mean() < 128 else 0
