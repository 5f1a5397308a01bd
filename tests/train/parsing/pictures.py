"""Samples of plain shapes: a face with ears and hair over a body, drawn in a colour for each class."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from backend.head_parse import BODY, EAR, FACE, HAIR, HEAD_CLASSES
from train.parsing.sample import Sample, write_manifest, write_sample

SIDE = 96
COLOURS = np.array([(60, 90, 160), (220, 170, 140), (60, 40, 30), (240, 120, 110), (30, 30, 40)], np.uint8)


def person(seed: int = 0, side: int = SIDE) -> Sample:
    """One sample."""
    rng = np.random.default_rng(seed)
    regions = np.zeros((side, side), np.uint8)

    def ellipse(code: int, x: float, y: float, a: float, b: float) -> None:
        centre, axes = (round(x * side), round(y * side)), (round(a * side), round(b * side))
        cv2.ellipse(regions, centre, axes, 0, 0, 360, code, -1)

    x = 0.5 + rng.uniform(-0.03, 0.03)
    ellipse(BODY, x, 1.0, 0.42, 0.3)
    ellipse(HAIR, x, 0.4, 0.26, 0.28)
    ellipse(EAR, x - 0.2, 0.48, 0.05, 0.08)
    ellipse(EAR, x + 0.2, 0.48, 0.05, 0.08)
    ellipse(FACE, x, 0.5, 0.19, 0.26)
    pixels = np.clip(COLOURS[regions] + rng.normal(0, 6, (side, side, 3)), 0, 255).astype(np.uint8)
    head = np.where(np.isin(regions, HEAD_CLASSES), np.uint8(255), np.uint8(0))
    whole = np.where(regions > 0, np.uint8(255), np.uint8(0))
    return Sample(pixels, regions, head, whole, np.full_like(head, 255))


def folder(path: Path, count: int = 3, side: int = SIDE) -> Path:
    """Some samples on disk."""
    write_manifest(path, [write_sample(path, f"p{k}", person(k, side)) for k in range(count)])
    return path
