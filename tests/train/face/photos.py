"""Photographs on disk as ``train.face.portraits`` writes them, of noise, with landmarks of a real face."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from train.face.portraits import Portrait, write_portrait

from . import faces

SIDE = 96


def portrait(seed: int) -> Portrait:
    """Somebody whose skin is a square."""
    rng = np.random.default_rng(seed)
    entry = faces.line(seed, SIDE)
    skin = np.zeros((SIDE, SIDE), np.uint8)
    skin[30:60, 35:65] = 255
    camera = entry["camera"]
    return Portrait(
        pixels=rng.integers(0, 255, (SIDE, SIDE, 3), np.uint8),
        skin=skin,
        focal_px=camera["fx"],
        principal_px=(camera["cx"], camera["cy"]),
        landmarks_px=np.array(entry["landmarks_478"])[:, :2],
    )


def folder(path: Path, count: int = 2) -> Path:
    """Some samples."""
    path.mkdir(parents=True, exist_ok=True)
    lines = [write_portrait(path, f"p{seed}", portrait(seed)) for seed in range(count)]
    (path / "manifest.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path
