"""The hair on somebody's head in numbers, drawn at random."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..person import Who
from .colour import HairColour, sample_colour
from .cut import Cut, sample_cut
from .roots import Hairline
from .warp import Warp

SHINE = 0.5
MESH_SHARE = 0.3
MESHES = {"bob": ("bob01",), "long": ("long01",), "tied": ("ponytail01",), "pixie": ("short01", "short04"),
          "men_short": ("short01", "short02"), "swept_back": ("short01",)}  # fmt: skip
"""Meshes that resemble a kind of cut, and the share of those people who wear one."""


@dataclass(frozen=True)
class MeshChoice:
    """A hair mesh and how it differs from the original."""

    name: str
    reach: float
    """Share of its length that is left."""
    wide: float
    """Scale from the middle of the skull."""
    mirrored: bool


@dataclass(frozen=True)
class HairParams:
    """Hair in numbers."""

    seed: int
    """Of the strands' own random numbers."""
    kind: str
    """Which kind of cut it is, for statistics."""
    cut: Cut
    hairline: Hairline
    colour: HairColour
    shine: float
    mesh: MeshChoice | None
    """A hairdo of MakeHuman's instead of one grown with the cut, whose texture it keeps."""
    warp: Warp | None = None
    """How all of it is bent afterwards."""


def sample_hair(rng: np.random.Generator, who: Who) -> HairParams:
    """Random hair for somebody."""
    man = bool(rng.random() < who.masculinity)
    coiled = bool(rng.random() < np.clip((who.melanin - 0.45) * 3, 0, 0.85))
    kind, cut = sample_cut(rng, man, coiled)
    return HairParams(
        seed=int(rng.integers(1 << 40)),
        kind=kind,
        cut=plain(cut),
        hairline=_sample_hairline(rng, who, man, kind),
        colour=sample_colour(rng, who),
        shine=float(SHINE * rng.uniform(0.4, 1.4)),
        mesh=_sample_mesh(rng, kind),
    )


def _sample_mesh(rng: np.random.Generator, kind: str) -> MeshChoice | None:
    """Some of those whose cut resembles one of the meshes wear it."""
    names = MESHES.get(kind, ())
    if not names or rng.random() > MESH_SHARE:
        return None
    name = str(rng.choice(names))
    return MeshChoice(
        name,
        reach=float(rng.uniform(0.6, 1.0) if name == "long01" else rng.uniform(0.88, 1.0)),
        wide=float(rng.uniform(0.99, 1.06)),
        mirrored=bool(rng.random() < 0.5),
    )


def plain(cut: Cut) -> Cut:
    """The same cut in Python's own numbers."""
    values = {
        name: value.item() if isinstance(value, np.generic) else value for name, value in vars(cut).items()
    }
    return Cut(**values)


def _sample_hairline(rng: np.random.Generator, who: Who, man: bool, kind: str) -> Hairline:
    """Men lose hair with age: first the temples, then the crown, then all but a horseshoe (Norwood 1975)."""
    loss = 0.0
    if man:
        loss = float(np.clip(rng.normal((who.age - 42) / 55, 0.33), 0, 1.3))
    if kind in ("long", "bob", "tied", "locs", "afro"):
        loss *= 0.3
    bald = loss > 0.85
    return Hairline(
        height_mm=float(rng.normal(0, 4) + 22 * loss**1.5),
        peak_mm=float(max(0, rng.normal(2, 5))),
        temples_mm=float(max(0, rng.normal(3 if man else 0, 4)) + 55 * min(loss, 0.8)),
        sideburns_mm=float(rng.normal(0, 9) if man else rng.normal(-22, 6)),
        nape_mm=float(
            rng.uniform(0, 30) if kind in ("men_short", "buzz", "forward_crop") else rng.uniform(-4, 10)
        ),
        crown_mm=float(max(0, 90 * (loss - 0.45) + rng.normal(0, 10))) if loss > 0.4 else 0.0,
        rim_mm=float(rng.uniform(55, 100)) if bald else 400.0,
        density=float(np.clip(1 - 0.55 * max(0, loss - 0.3) * rng.uniform(0.3, 1.3), 0.2, 1)),
    )
