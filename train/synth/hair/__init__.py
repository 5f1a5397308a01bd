"""Hair: who wears what, and strands grown from it."""

from __future__ import annotations

from .build import Hair, grow_hair
from .hairdo import HairParams, MeshChoice, sample_hair

__all__ = ["Hair", "HairParams", "MeshChoice", "grow_hair", "sample_hair"]
