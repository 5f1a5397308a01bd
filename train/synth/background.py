"""What stands behind the person: studio paper, curtains, flags, shelves, blurred rooms, leaves, walls."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from backend.errors import PhotoUnreadable

Picture = NDArray[np.float32]

PAINTED = 128
"""Backgrounds are painted this many pixels wide, linear light, and enlarged: none of them is in focus."""
KINDS = {
    "paper": 0.26,
    "wall": 0.12,
    "drapes": 0.16,
    "flags": 0.08,
    "shelf": 0.08,
    "room": 0.18,
    "leaves": 0.12,
}
USUAL_BRIGHTNESS = 0.085
"""Linear, beside people lit to about 0.22; official portraits stand before dark grounds (statistics.py)."""
SUFFIXES = {".jpg", ".jpeg", ".png"}


@dataclass(frozen=True)
class BackgroundParams:
    """A background in numbers."""

    kind: str
    """A key of :data:`KINDS`, or ``photo``."""
    seed: int
    """Of its details."""
    brightness: float
    """Mean linear value."""
    blur: float
    """Standard deviation of the defocus as a share of the picture's width."""
    photo: str = ""
    """File of the user's, for the kind ``photo``."""


def sample_background(rng: np.random.Generator, folder: Path | None = None) -> BackgroundParams:
    """A random background; with a ``folder`` of pictures, half of them come from there."""
    seed, brightness = int(rng.integers(1 << 31)), float(np.exp(rng.normal(math.log(USUAL_BRIGHTNESS), 0.9)))
    blur = float(np.exp(rng.uniform(math.log(0.004), math.log(0.06))))
    brightness = min(brightness, 0.9)
    photos = _photos(folder) if folder else ()
    if photos and rng.random() < 0.5:
        return BackgroundParams("photo", seed, brightness, blur, str(photos[rng.integers(len(photos))]))
    kind = str(rng.choice(list(KINDS), p=list(KINDS.values())))
    return BackgroundParams(kind, seed, brightness, blur)


def paint_backgrounds(params: list[BackgroundParams], size: int, device: torch.device) -> Tensor:
    """Linear pictures (B,size,size,3) of B backgrounds."""
    painted = (cv2.resize(_paint(p), (size, size), interpolation=cv2.INTER_CUBIC) for p in params)
    return torch.from_numpy(np.stack(list(painted))).to(device).clamp_(min=0)


def _paint(params: BackgroundParams) -> Picture:
    rng = np.random.default_rng(params.seed)
    picture = _PAINTERS[params.kind](rng) if params.kind != "photo" else _photo(params.photo, rng)
    picture = cv2.GaussianBlur(
        picture, (0, 0), max(params.blur * PAINTED, 0.5), borderType=cv2.BORDER_REFLECT
    )
    picture *= params.brightness / max(float(picture.mean()), 1e-3)
    return np.minimum(picture, 4.0)


def _colour(rng: np.random.Generator, saturation: float) -> Picture:
    """A random linear colour of luminance about 1; ``saturation`` 0 is grey.

    Warm and cool colours are common; green and magenta are rare.
    """
    warm, green = rng.normal(0, saturation), rng.normal(0, 0.4 * saturation)
    return np.exp(np.array([warm, green, -warm]) * rng.uniform(0.3, 1.3)).astype(np.float32)


def _grid() -> tuple[Picture, Picture]:
    y, x = np.mgrid[:PAINTED, :PAINTED].astype(np.float32) / PAINTED
    return x, y


def _clouds(rng: np.random.Generator, cells: int) -> Picture:
    """Smooth noise (PAINTED,PAINTED) with mean 0 and deviation about 1."""
    coarse = rng.standard_normal((cells, cells)).astype(np.float32)
    return cv2.resize(coarse, (PAINTED, PAINTED), interpolation=cv2.INTER_CUBIC)


def _paper(rng: np.random.Generator) -> Picture:
    """Studio paper: one hue, a pool of light somewhere, sometimes mottled."""
    x, y = _grid()
    centre, reach = rng.uniform(0.1, 0.9, 2), rng.uniform(0.35, 1.2)
    pool = np.exp(-((x - centre[0]) ** 2 + (y - centre[1]) ** 2) / reach**2)
    floor = rng.uniform(0.1, 0.8)
    shade = floor + (1 - floor) * pool
    if rng.random() < 0.5:
        shade *= np.exp(rng.uniform(0.05, 0.25) * (_clouds(rng, 6) + 0.5 * _clouds(rng, 17)))
    return (shade[..., None] * _colour(rng, 0.35)).astype(np.float32)


def _wall(rng: np.random.Generator) -> Picture:
    """A wall with its own shade, perhaps a panel or a door frame."""
    x, y = _grid()
    picture = np.ones((PAINTED, PAINTED, 3), np.float32) * _colour(rng, 0.18)
    for _ in range(rng.integers(0, 4)):
        left, top = rng.uniform(-0.2, 0.9, 2)
        wide, high = rng.uniform(0.05, 0.6, 2)
        inside = (x > left) & (x < left + wide) & (y > top) & (y < top + high)
        picture[inside] *= rng.uniform(0.5, 1.4) * _colour(rng, 0.08)
    slope = rng.normal(0, 0.5, 2)
    return picture * np.exp(slope[0] * (x - 0.5) + slope[1] * (y - 0.5))[..., None].astype(np.float32)


def _folds(rng: np.random.Generator) -> Picture:
    """(PAINTED,) light and shade of hanging cloth across the picture."""
    x = np.linspace(0, 1, PAINTED, dtype=np.float32)
    phase = x * rng.uniform(4, 16) + 0.3 * np.sin(x * rng.uniform(3, 12) + rng.uniform(0, 6))
    return 0.35 + 0.65 * (0.5 + 0.5 * np.sin(2 * np.pi * phase)) ** rng.uniform(0.6, 2.0)


def _drapes(rng: np.random.Generator) -> Picture:
    """Curtains over a part of a wall."""
    picture = _wall(rng)
    cloth = _folds(rng)[None, :, None] * _colour(rng, 0.5)
    edge = int(rng.integers(0, PAINTED)) if rng.random() < 0.5 else PAINTED
    picture[:, :edge] = cloth[:, :edge]
    return picture


def _flags(rng: np.random.Generator) -> Picture:
    """Flags on poles beside a plain ground: striped cloth that hangs in folds."""
    picture = _paper(rng)
    for _ in range(rng.integers(1, 3)):
        left, wide = int(rng.integers(-10, PAINTED - 10)), int(rng.integers(18, 45))
        span = slice(max(left, 0), min(left + wide, PAINTED))
        colours = np.stack([_colour(rng, 0.9) * rng.uniform(0.2, 1.2) for _ in range(3)])
        x, y = _grid()
        stripes = (x * rng.uniform(-3, 3) + y * rng.uniform(0, 3)) * rng.uniform(3, 12)
        # Remainders of whole numbers: those of small negative floats round up to the divisor.
        band = np.floor(stripes).astype(np.int64) % len(colours)
        picture[:, span] = (colours[band] * _folds(rng)[None, :, None])[:, span]
    return picture


def _shelf(rng: np.random.Generator) -> Picture:
    """Books: upright stripes in rows."""
    picture = np.zeros((PAINTED, PAINTED, 3), np.float32)
    row = -int(rng.integers(0, 30))
    while row < PAINTED:
        high, column = int(rng.integers(22, 46)), 0
        while column < PAINTED:
            wide, short = int(rng.integers(3, 9)), int(rng.integers(0, 8))
            top, bottom = max(row + short, 0), max(row + high - 3, 0)
            picture[top:bottom, column : column + wide] = rng.uniform(0.1, 1.2) * _colour(rng, 0.6)
            column += wide
        row += high
    return picture + 0.03


def _room(rng: np.random.Generator) -> Picture:
    """A room out of focus: blocks of furniture, windows, lamps that became discs."""
    picture = _wall(rng)
    for _ in range(rng.integers(4, 12)):
        corner = rng.integers(-20, PAINTED, 2)
        far = corner + rng.integers(8, 70, 2)
        colour = tuple((rng.uniform(0.1, 1.5) * _colour(rng, 0.4)).tolist())
        cv2.rectangle(picture, corner.tolist(), far.tolist(), colour, -1)
    picture = cv2.GaussianBlur(picture, (0, 0), rng.uniform(2, 6))
    for _ in range(rng.integers(0, 14)):
        middle, radius = rng.integers(0, PAINTED, 2).tolist(), int(rng.integers(2, 7))
        glow = np.zeros_like(picture)
        cv2.circle(glow, middle, radius, tuple((rng.uniform(0.5, 3) * _colour(rng, 0.3)).tolist()), -1)
        picture += glow
    return picture


def _leaves(rng: np.random.Generator) -> Picture:
    """Foliage or a street: noise of several sizes in a few related colours."""
    _, y = _grid()
    base = np.array([0.6, 1.0, 0.3], np.float32) * _colour(rng, 0.35)
    shade = np.exp(0.5 * _clouds(rng, 5) + 0.6 * _clouds(rng, 14) + 0.4 * _clouds(rng, 40))
    sky = 1 / (1 + np.exp(-(rng.uniform(-0.3, 0.6) - y + 0.15 * _clouds(rng, 8)) * 14))
    blue = 3.0 * np.array([0.7, 0.9, 1.1], np.float32)
    return (shade[..., None] * base * (1 - sky[..., None]) + sky[..., None] * blue).astype(np.float32)


_PAINTERS = {
    "paper": _paper,
    "wall": _wall,
    "drapes": _drapes,
    "flags": _flags,
    "shelf": _shelf,
    "room": _room,
    "leaves": _leaves,
}


@cache
def _photos(folder: Path) -> tuple[Path, ...]:
    return tuple(sorted(path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES))


def _photo(path: str, rng: np.random.Generator) -> Picture:
    """A square out of one of the user's pictures. Raises :class:`PhotoUnreadable` with its name."""
    picture = cv2.imread(path, cv2.IMREAD_COLOR)
    if picture is None:
        raise PhotoUnreadable(f"The background picture cannot be read: {path}", "Take it out of the folder.")
    side = int(min(picture.shape[:2]) * rng.uniform(0.5, 1.0))
    top, left = (int(rng.integers(0, length - side + 1)) for length in picture.shape[:2])
    square = picture[top : top + side, left : left + side, ::-1]
    small = cv2.resize(square, (PAINTED, PAINTED), interpolation=cv2.INTER_AREA)
    return ((small / np.float32(255)) ** np.float32(2.2)).astype(np.float32)
