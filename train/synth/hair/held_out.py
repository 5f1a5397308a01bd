"""Hair that no training sees, so that a network can be asked about hair it does not know."""

from __future__ import annotations

from .hairdo import HairParams

KINDS = frozenset({"locs", "swept_back"})
"""Kinds of cut (:mod:`.cut`) that are kept away from training."""
MESHES = frozenset({"long01", "short01", "ponytail01"})
"""MakeHuman's hairdos that are; others of their kind of cut are seen."""


def is_held_out(hair: HairParams) -> bool:
    """Whether this hair is kept away from training."""
    return hair.kind in KINDS or (hair.mesh is not None and hair.mesh.name in MESHES)
