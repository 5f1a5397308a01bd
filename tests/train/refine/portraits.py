"""Small made-up portraits in the format of train.refine.portraits."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from train.refine.portraits import Portrait, Turned, write_portrait
from train.synth.write import MANIFEST

SIDE = 96


def portrait(seed: int = 0) -> Portrait:
    """A striped disc before a plain background; its right third is hidden when it turns."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[:SIDE, :SIDE]
    disc = np.hypot(rows - SIDE / 2, columns - SIDE / 2) < SIDE / 3
    plate = np.full((SIDE, SIDE, 3), rng.integers(0, 80, 3), np.uint8)
    stripes = 30 * ((columns // 6) % 2)[..., None]
    person = (rng.integers(120, 220, 3) + stripes).astype(np.uint8)
    cover = (255 * disc).astype(np.uint8)
    pixels = np.where(disc[..., None], person, plate)
    hidden = disc & (columns > 0.6 * SIDE)
    seen = np.where(disc & ~hidden, 255, 0).astype(np.uint8)
    coarse = np.dstack([np.roll(pixels, 4, axis=1), np.roll(cover, 4, axis=1)])
    return Portrait(pixels, plate, cover, (Turned((20.0, 0.0, 0.0), coarse, seen, seen),))


def folder(path: Path, count: int, names: str = "P{:03d}") -> Path:
    """A folder of such portraits."""
    path.mkdir(parents=True, exist_ok=True)
    lines = [write_portrait(path, names.format(number), portrait(number)) for number in range(count)]
    (path / MANIFEST).write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return path
