"""What a synthetic person is made of before the camera sees it: opaque surfaces and strands.

Everything is batched: B people share topology, so that one call on a GPU builds and draws all of them.
All positions are in the head frame (mm, y up, z out of the face, see docs/conventions.md); all colours
are linear light, not sRGB.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor


@dataclass(frozen=True)
class Surface:
    """An opaque mesh of B people. Whatever has a soft edge is :class:`Strands` instead."""

    vertices: Tensor
    """(B,N,3) float32 mm."""
    triangles: Tensor
    """(T,3) int64, counter-clockwise from outside, the same for all people."""
    uvs: Tensor
    """(T,3,2) float32 per corner, v up, in [0, 1]."""
    texture: Tensor
    """(B,h,w,3) float32 linear albedo, row 0 on top."""
    region: Tensor
    """(T,) uint8 class of the evaluation format (``backend.head_parse``)."""
    shown: Tensor
    """(B,) bool: whether this person has the part at all."""
    specular: Tensor
    """(B,) strength of the highlight, 0 (cloth) to 1 (wet eye)."""
    roughness: Tensor
    """(B,) 0 (mirror) to 1 (chalk)."""
    occlusion: Tensor | None = None
    """(N,) share of the sky each vertex sees; None means all of it."""
    translucent: bool = False
    """Skin: light bleeds red through it at the edge of shadows."""
    closed: bool = False
    """Its back faces are never seen."""
    hidden: Tensor | None = None
    """(B,T) bool: triangles that another surface covers, wherever the camera stands."""


@dataclass(frozen=True)
class Strands:
    """Hairs of B people as polylines: scalp hair, beards, brows and lashes."""

    points: Tensor
    """(B,N,K,3) float32 mm from root to tip."""
    colour: Tensor
    """(B,N,3) float32 linear albedo."""
    width_mm: Tensor
    """(B,N) float32 width at the root; 0 where this person lacks the strand."""
    region: int
    """Class of the evaluation format: HAIR for the scalp; FACE for beard, brows and lashes."""
    specular: Tensor
    """(B,) strength of the highlight along the strands."""


@dataclass(frozen=True)
class Person:
    """B people, ready to be drawn."""

    surfaces: tuple[Surface, ...]
    strands: tuple[Strands, ...]
    face: Tensor
    """(B,N,3) vertices of the morphable head alone, for the face-only depth and the landmarks."""

    def one(self, index: int) -> Person:
        """One of the people, alone."""
        mine = slice(index, index + 1)

        def of(part: Surface | Strands) -> dict[str, Tensor | None]:
            values = {name: getattr(part, name) for name in _PERSONAL[type(part)]}
            return {name: None if value is None else value[mine] for name, value in values.items()}

        surfaces = (replace(s, **of(s)) for s in self.surfaces)
        strands = (replace(s, **of(s)) for s in self.strands)
        return Person(tuple(surfaces), tuple(strands), self.face[mine])


_PERSONAL = {
    Surface: ("vertices", "texture", "shown", "specular", "roughness", "hidden"),
    Strands: ("points", "colour", "width_mm", "specular"),
}
"""Fields that hold something for each person."""


@dataclass(frozen=True)
class Who:
    """Whom a scene shows, in the few numbers on which skin, hair and shape all depend."""

    age: float
    """Years, 16 to 90."""
    masculinity: float
    """0 to 1."""
    melanin: float
    """0 (palest skin) to 1 (darkest)."""


def stream(seed: int, part: str) -> np.random.Generator:
    """Random numbers for one part of one scene.

    Parts have streams of their own: another draw for the hair leaves everybody's light as it was.
    """
    return np.random.default_rng([seed, zlib.crc32(part.encode())])


def stack(values: list[float] | list[np.ndarray], device: torch.device) -> Tensor:
    """Parameters of B people as one float32 tensor (B,...)."""
    return torch.from_numpy(np.stack([np.asarray(v, np.float32) for v in values])).to(device)
