"""Hair as varied as the generator can make it: kinds crossed, known meshes on anybody, all of it bent."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from ..person import stream
from .cross import LENGTH, crossed_hair
from .cut import bob, long
from .hairdo import MESHES, HairParams, MeshChoice, plain
from .held_out import MESHES as HELD_OUT
from .warp import sample_warp

LONG_SHARE, BOB_SHARE = 0.45, 0.1
"""How often hair becomes long or a bob, whatever it was: what hangs beside a neck is the hardest to place."""
CROSSED_SHARE, MESH_SHARE = 0.5, 0.35
"""How often other hair is crossed, and how often it is then a mesh."""
LONGER, PARTED_MM, HAIRLINE_MM = 0.25, 15.0, 5.0
"""Deviation of the logarithm of each length, of the parting and of the hairline."""


def varied_hair(seed: int, hair: HairParams) -> HairParams:
    """Somebody's hair, often crossed (:mod:`.cross`), always warped (:mod:`.warp`); the seed decides."""
    rng = stream(seed, "varied hair")
    kind = rng.choice([long, bob, None], p=[LONG_SHARE, BOB_SHARE, 1 - LONG_SHARE - BOB_SHARE])
    if kind is not None:
        hair = replace(hair, kind=kind.__name__, cut=plain(kind(rng)), mesh=None)
    elif rng.random() < CROSSED_SHARE:
        hair = crossed_hair(seed, hair)
    longer = {name: getattr(hair.cut, name) * math.exp(rng.normal(0, LONGER)) for name in LENGTH[:-1]}
    cut = replace(hair.cut, **longer, part_mm=hair.cut.part_mm + float(rng.normal(0, PARTED_MM)))
    line = replace(hair.hairline, height_mm=hair.hairline.height_mm + float(rng.normal(0, HAIRLINE_MM)))
    mesh = _any_mesh(rng) if kind is None and rng.random() < MESH_SHARE else None
    return replace(hair, cut=cut, hairline=line, mesh=mesh, warp=sample_warp(rng))


def _any_mesh(rng: np.random.Generator) -> MeshChoice:
    """A hairdo that training may see, whatever cut it resembles."""
    known = sorted({name for names in MESHES.values() for name in names} - HELD_OUT)
    return MeshChoice(
        name=known[int(rng.integers(len(known)))],
        reach=float(rng.uniform(0.6, 1.0)),
        wide=float(rng.uniform(0.97, 1.06)),
        mirrored=bool(rng.random() < 0.5),
    )
