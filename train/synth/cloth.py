"""Cloth: colours and weaves of clothes, painted over millimetres of the body."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import interpolate

Colour = tuple[float, float, float]

PATTERNS = ("plain", "pinstripe", "stripes", "hoops", "check", "print", "tweed")

DARKS: tuple[Colour, ...] = (
    (0.012, 0.013, 0.018),
    (0.015, 0.020, 0.045),
    (0.022, 0.028, 0.060),
    (0.040, 0.041, 0.045),
    (0.080, 0.082, 0.088),
    (0.050, 0.036, 0.026),
    (0.007, 0.007, 0.008),
)
"""Linear albedo of suiting: black, navy, blue, charcoal, grey, brown, deep black."""

SHIRTS: tuple[Colour, ...] = (
    (0.80, 0.80, 0.80),
    (0.74, 0.76, 0.80),
    (0.42, 0.55, 0.76),
    (0.56, 0.66, 0.80),
    (0.76, 0.62, 0.62),
    (0.70, 0.68, 0.55),
    (0.05, 0.06, 0.09),
)

NOISE_SEED = 11


@dataclass(frozen=True)
class Cloth:
    """One cloth."""

    colour: Colour
    """Linear albedo."""
    second: Colour
    """Of the pattern's lines or figures."""
    pattern: str
    """One of :data:`PATTERNS`."""
    period_mm: float
    folds: float
    """0 (pressed) to 1 (crumpled)."""


def sample_suiting(rng: np.random.Generator) -> Cloth:
    """What suits are made of: dark, plain or with a quiet stripe."""
    colour = _varied(rng, DARKS[rng.choice(len(DARKS), p=(0.2, 0.24, 0.16, 0.18, 0.12, 0.05, 0.05))], 0.25)
    if rng.random() < 0.07:
        colour = _vivid(rng)
    pattern = str(rng.choice(("plain", "pinstripe", "check", "tweed"), p=(0.74, 0.12, 0.06, 0.08)))
    return Cloth(
        colour, _lighter(colour, 0.04), pattern, float(rng.uniform(9, 22)), float(rng.uniform(0.2, 0.5))
    )


def sample_shirting(rng: np.random.Generator) -> Cloth:
    """What shirts are made of: white and light blue, some stripes and checks."""
    colour = _varied(rng, SHIRTS[rng.choice(len(SHIRTS), p=(0.42, 0.14, 0.12, 0.14, 0.06, 0.05, 0.07))], 0.08)
    pattern = str(rng.choice(("plain", "stripes", "pinstripe", "check"), p=(0.72, 0.08, 0.1, 0.1)))
    second = _varied(rng, (0.2, 0.3, 0.55), 0.5)
    return Cloth(colour, second, pattern, float(rng.uniform(6, 14)), float(rng.uniform(0.2, 0.7)))


def sample_casual(rng: np.random.Generator) -> Cloth:
    """T-shirts, jumpers, dresses: any colour, now and then a print."""
    kind = rng.random()
    if kind < 0.3:
        colour = _varied(rng, DARKS[rng.integers(len(DARKS))], 0.4)
    elif kind < 0.5:
        grey = rng.uniform(0.1, 0.8)
        colour = _varied(rng, (grey, grey, grey), 0.06)
    else:
        colour = _vivid(rng)
    pattern = str(
        rng.choice(
            ("plain", "hoops", "check", "print", "tweed", "stripes"), p=(0.68, 0.06, 0.05, 0.06, 0.1, 0.05)
        )
    )
    second = _vivid(rng) if rng.random() < 0.6 else (0.75, 0.75, 0.73)
    return Cloth(colour, second, pattern, float(rng.uniform(14, 50)), float(rng.uniform(0.4, 1.0)))


def sample_silk(rng: np.random.Generator) -> Cloth:
    """Ties: saturated, striped, dotted or plain."""
    colour = _vivid(rng) if rng.random() < 0.75 else DARKS[rng.integers(len(DARKS))]
    pattern = str(rng.choice(("plain", "slanted", "print"), p=(0.45, 0.35, 0.2)))
    second = (0.7, 0.7, 0.7) if rng.random() < 0.5 else _vivid(rng)
    return Cloth(colour, second, pattern, float(rng.uniform(10, 26)), 0.1)


def _varied(rng: np.random.Generator, colour: Colour, spread: float) -> Colour:
    light = np.exp(spread * rng.standard_normal())
    values = np.array(colour) * light * np.exp(0.06 * rng.standard_normal(3))
    return tuple(values.clip(0.004, 0.85).tolist())


def _lighter(colour: Colour, amount: float) -> Colour:
    return tuple((np.array(colour) + amount).tolist())


def _vivid(rng: np.random.Generator) -> Colour:
    """Any hue; blues and reds are worn most."""
    hue = rng.choice((0.0, 0.6, rng.random()), p=(0.25, 0.3, 0.45)) + 0.04 * rng.standard_normal()
    value, saturation = rng.uniform(0.04, 0.5), 0.9 * rng.beta(2, 1.6)
    wheel = np.clip(np.abs((hue + np.array([0, 2 / 3, 1 / 3])) % 1 * 6 - 3) - 1, 0, 1)
    return tuple((value * (1 - saturation + saturation * wheel)).clip(0.005, 0.8).tolist())


def paint(cloth: Cloth, x: Tensor, y: Tensor, shift: tuple[float, float]) -> Tensor:
    """(h,w,3) linear albedo of a cloth at places (h,w) mm; ``shift`` (0 to 1) picks the noise."""
    grain, folds = (_rolled(table, shift, x.shape) for table in _noise(str(x.device)))
    base, second = x.new_tensor(cloth.colour), x.new_tensor(cloth.second)
    lit = ((1 + 0.05 * grain) * (1 + 0.16 * cloth.folds * folds)).clamp_(min=0.3)[..., None]
    if cloth.pattern == "plain":
        return base * lit
    share = _pattern(cloth, x, y, grain, folds)[..., None]
    return torch.lerp(base.expand(*x.shape, 3), second, share) * lit


def _pattern(cloth: Cloth, x: Tensor, y: Tensor, grain: Tensor, folds: Tensor) -> Tensor:
    """(h,w) share of the second colour."""
    period = cloth.period_mm
    bent = 4.0 * folds * cloth.folds
    match cloth.pattern:
        case "pinstripe":
            return 0.6 * _line((x + bent) / period, 0.08)
        case "stripes":
            return 0.8 * _line((x + bent) / period, 0.28)
        case "slanted":
            return _line((x + y) / period, 0.25)
        case "hoops":
            return _line((y + bent) / period, 0.4)
        case "check":
            return 0.45 * (_line((x + bent) / period, 0.2) + _line((y + bent) / period, 0.2))
        case "print":
            blobs = torch.sin(6.28 * x / period + 3 * folds) * torch.sin(
                6.28 * y / period + 2 * grain.sign() * 0
            )
            return ((blobs - 0.35) * 4).clamp(0, 1)
        case "tweed":
            return (0.25 * grain).clamp(0, 0.5)
    raise ValueError(f"no such pattern: {cloth.pattern}")


def _line(phase: Tensor, share: float) -> Tensor:
    """1 within a share of every period, with soft borders."""
    distance = (phase - phase.round()).abs()
    return ((share / 2 - distance) / 0.06 + 0.5).clamp(0, 1)


@cache
def _noise(device: str) -> tuple[Tensor, Tensor]:
    """Grain of the weave and folds of the cloth, both (512,512) of unit variance."""
    generator = torch.Generator().manual_seed(NOISE_SEED)
    grain = torch.randn(512, 512, generator=generator)
    folds = torch.zeros(1, 1, 512, 512)
    for rows, columns in ((10, 26), (20, 40), (26, 12)):
        folds += interpolate(
            torch.randn(1, 1, rows, columns, generator=generator), (512, 512), mode="bicubic"
        )
    folds = folds[0, 0]
    return grain.to(device), (folds / folds.std()).clamp(-2.5, 2.5).to(device)


def _rolled(table: Tensor, shift: tuple[float, float], shape: torch.Size) -> Tensor:
    rows, columns = (int(s * (512 - n)) for s, n in zip(shift, shape, strict=True))
    return table[rows : rows + shape[0], columns : columns + shape[1]]
