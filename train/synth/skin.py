"""Skin: albedo in the head's own UV."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from .head import HeadShape
from .person import Surface, Who, stack

PALE, DARK = (0.60, 0.40, 0.31), (0.07, 0.035, 0.022)
"""Linear albedo at both ends of the human range."""


@dataclass(frozen=True)
class SkinParams:
    """Look of somebody's skin."""

    melanin: float
    """0 (palest) to 1 (darkest)."""


def sample_skin(rng: np.random.Generator, who: Who) -> SkinParams:
    """A random skin for somebody."""
    return SkinParams(float(np.clip(who.melanin + 0.03 * rng.standard_normal(), 0, 1)))


def build_skin(params: list[SkinParams], shape: HeadShape, size: int = 256) -> Surface:
    """The skin of B people as one surface with a texture of ``size`` texels. Interim: one flat colour."""
    device = shape.vertices.device
    melanin = stack([p.melanin for p in params], device)[:, None]
    pale, dark = torch.tensor(PALE, device=device), torch.tensor(DARK, device=device)
    colour = torch.exp(torch.lerp(pale.log(), dark.log(), melanin))
    texture = colour[:, None, None].expand(-1, size, size, 3)
    everyone = torch.ones(len(params), device=device)
    skin = shape.assets.skin
    return Surface(
        vertices=skin.complete(torch.cat([shape.vertices, shape.bust], dim=1)),
        triangles=skin.triangles,
        uvs=skin.uvs,
        texture=texture,
        region=skin.region,
        shown=everyone.bool(),
        specular=0.35 * everyone,
        roughness=0.5 * everyone,
        occlusion=skin.occlusion,
        translucent=True,
    )
