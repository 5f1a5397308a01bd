"""Hair: who wears what, and strands grown from it."""

from __future__ import annotations

from .hairdo import Hair, HairParams, grow_hair, sample_hair

__all__ = ["Hair", "HairParams", "grow_hair", "sample_hair"]
