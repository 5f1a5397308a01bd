"""Intersection over union of a parser's labels with the hand-made ones."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .classes import UNSURE


def class_iou(
    found: NDArray[np.uint8], truth: NDArray[np.uint8], code: int, where: NDArray[np.bool_] | None = None
) -> float:
    """IoU of one class in label maps (H,W); NaN if neither has it. Unsure pixels do not count."""
    scored = truth != UNSURE
    if where is not None:
        scored = scored & where
    mine, theirs = (found == code) & scored, (truth == code) & scored
    union = int((mine | theirs).sum())
    return float((mine & theirs).sum()) / union if union else float("nan")
