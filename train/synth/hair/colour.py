"""Hair colours from melanin, age and dye, strand by strand."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ..person import Who, stack
from .chance import normal, uniform

EUMELANIN_ABSORPTION = (0.42, 0.60, 0.90)
PHEOMELANIN_ABSORPTION = (0.19, 0.42, 1.05)
"""Red, green, blue. After d'Eon et al. 2011 (An Energy-Conserving Hair Reflectance Model), but eumelanin is
greyer here, as brown hair is in portraits: much of what one sees is reflected before it enters a hair."""
CLEAR = 0.62
"""Albedo of hair without any melanin: white hair."""
MANY_PATHS = 3.0
"""Light passes through several hairs before it comes back."""
GREY_TINT = (1.0, 0.985, 0.95)
DYES = ((0.30, 0.03, 0.03), (0.35, 0.05, 0.16), (0.05, 0.08, 0.32), (0.16, 0.05, 0.24), (0.03, 0.20, 0.18))


@dataclass(frozen=True)
class HairColour:
    """What colours somebody's hair."""

    eumelanin: float
    """About 0.1 (light blonde) to 4 (black)."""
    pheomelanin: float
    """About 0.1 to 2 (red)."""
    grey: float
    """Share of white strands."""
    salt: float
    """0: every strand whitens by the same share; 1: white strands among dark ones."""
    variation: float
    """Standard deviation of a lock's logarithm of brightness."""
    highlights: float
    """Share of bleached locks."""
    dye: tuple[float, float, float]
    """Linear colour."""
    dyed: float
    """How much the dye covers; 0 for nearly everybody."""

    @property
    def albedo(self) -> tuple[float, float, float]:
        """Linear colour of the whole of it."""
        dark = natural(np.array([self.eumelanin]), np.array([self.pheomelanin]))[0]
        white = CLEAR * np.array(GREY_TINT)
        mixed = (1 - self.grey) * dark + self.grey * white
        mixed = (1 - self.dyed) * mixed + self.dyed * np.array(self.dye)
        return float(mixed[0]), float(mixed[1]), float(mixed[2])


def natural(eumelanin: np.ndarray, pheomelanin: np.ndarray) -> np.ndarray:
    """(n,3) linear albedo of hair with melanin (n,)."""
    dark = eumelanin[:, None] * np.array(EUMELANIN_ABSORPTION)
    red = pheomelanin[:, None] * np.array(PHEOMELANIN_ABSORPTION)
    return 0.008 + CLEAR * np.exp(-MANY_PATHS * (dark + red))


def sample_colour(rng: np.random.Generator, who: Who) -> HairColour:
    """Random hair colour: dark on dark skin, any on fair skin, white with age, dyed now and then."""
    woman = rng.random() > who.masculinity
    fair = float(np.clip(1.15 - 2.6 * who.melanin, 0, 1))
    kind = rng.choice(4, p=np.array([1 - 0.75 * fair, 0.42 * fair, 0.25 * fair, 0.08 * fair]))
    eumelanin = float(
        [rng.uniform(1.6, 3.6), rng.uniform(0.75, 1.6), rng.uniform(0.16, 0.6), rng.uniform(0.2, 0.6)][kind]
    )
    pheomelanin = float(
        [rng.uniform(0.1, 0.5), rng.uniform(0.15, 0.6), rng.uniform(0.1, 0.35), rng.uniform(0.6, 1.3)][kind]
    )
    usual = 1 / (1 + np.exp(-(who.age - 54 - 8 * (kind == 0)) / 8))
    grey = float(np.clip(usual + 0.18 * rng.standard_normal(), 0, 1)) if who.age > 28 else 0.0
    covered = woman and rng.random() < 0.7
    odd = rng.random() < 0.015
    return HairColour(
        eumelanin=eumelanin * (rng.uniform(0.35, 0.8) if covered and grey > 0.3 else 1.0),
        pheomelanin=pheomelanin,
        grey=0.05 * grey if covered else grey,
        salt=float(rng.uniform(0.3, 1.0)),
        variation=float(rng.uniform(0.08, 0.28)),
        highlights=float(rng.uniform(0.1, 0.5)) if woman and rng.random() < 0.25 else 0.0,
        dye=DYES[int(rng.integers(len(DYES)))],
        dyed=0.85 if odd else 0.0,
    )


def colour_strands(colours: list[HairColour], seeds: Tensor, locks: Tensor) -> Tensor:
    """(B,N,3) linear albedo of the strands of B people; ``locks`` (L,N) or (L,B,N) int64, coarse to fine."""
    device = seeds.device
    strand = torch.arange(locks.shape[-1], device=device)

    def column(name: str) -> Tensor:
        return stack([getattr(c, name) for c in colours], device)[:, None]

    bleached = uniform(seeds, locks[-1], 40) < column("highlights")
    less = torch.where(bleached, 0.45, 1.0)
    shade = torch.exp(
        column("variation") * (0.7 * normal(seeds, locks[1], 41) + 0.7 * normal(seeds, strand, 42))
    )
    eumelanin, pheomelanin = column("eumelanin") * less * shade, column("pheomelanin") * less * shade
    absorbed = eumelanin[..., None] * eumelanin.new_tensor(EUMELANIN_ABSORPTION)
    absorbed = absorbed + pheomelanin[..., None] * eumelanin.new_tensor(PHEOMELANIN_ABSORPTION)
    dark = 0.008 + CLEAR * torch.exp(-MANY_PATHS * absorbed)
    mottled = column("grey") + 0.12 * normal(seeds, locks[0], 43) * column("grey").sqrt()
    alone = (uniform(seeds, strand, 44) < mottled).float()
    white = torch.lerp(column("grey").expand_as(alone), alone, 0.75 * column("salt"))[..., None]
    pale = CLEAR * eumelanin.new_tensor(GREY_TINT) * shade[..., None] ** 0.5
    mixed = torch.lerp(dark, pale, white)
    dye = stack([c.dye for c in colours], device)[:, None] / shade[..., None]
    return torch.lerp(mixed, dye, column("dyed")[..., None]).clamp(0.004, 0.85)
