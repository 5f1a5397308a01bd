"""Teeth, gums and tongue: seen only where the lips part."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from backend.head_parse import FACE

from .assets import load_parts
from .head import HeadShape
from .person import Surface, Who, stack

GUM, TONGUE = (0.34, 0.10, 0.09), (0.36, 0.12, 0.10)
TOOTH_WHITE, TOOTH_YELLOW = (0.70, 0.66, 0.56), (0.50, 0.42, 0.26)
"""Linear albedo."""


@dataclass(frozen=True)
class MouthParams:
    """Look of the teeth."""

    yellowness: float
    """0 (bleached) to 1."""


def sample_mouth(rng: np.random.Generator, who: Who) -> MouthParams:
    """Random teeth for somebody; they darken with the years."""
    return MouthParams(float(np.clip(rng.beta(1.5, 3) + 0.004 * (who.age - 30.0), 0, 1)))


def build_mouth(params: list[MouthParams], shape: HeadShape) -> Surface:
    """Teeth, gums and tongue of B people, each painted from one of three texels."""
    both = load_parts(str(shape.device), "teeth", "tongue")
    teeth = both.used[both.triangles[: both.counts[0]]]
    gums = shape.assets.mask("gums")[teeth].all(dim=1)
    texel = torch.cat([gums.long(), torch.full((both.counts[1],), 2, device=shape.device)])
    u = (texel[:, None].float() + 0.5) / 3
    uvs = torch.stack([u, torch.full_like(u, 0.5)], dim=-1).expand(-1, 3, 2)
    yellow = stack([p.yellowness for p in params], shape.device)[:, None]
    white, stained, gum, lick = (
        torch.tensor(c, device=shape.device) for c in (TOOTH_WHITE, TOOTH_YELLOW, GUM, TONGUE)
    )
    tooth = torch.lerp(white, stained, yellow)
    everyone = torch.ones(len(params), device=shape.device)
    texture = torch.stack([tooth, gum.expand_as(tooth), lick.expand_as(tooth)], dim=1)[:, None]
    return Surface(
        vertices=shape.vertices.index_select(1, both.used),
        triangles=both.triangles,
        uvs=uvs,
        texture=texture,
        region=torch.full((len(both.triangles),), FACE, dtype=torch.uint8, device=shape.device),
        shown=everyone.bool(),
        specular=0.6 * everyone,
        roughness=0.25 * everyone,
        occlusion=shape.assets.skin.occlusion[both.used],
    )
