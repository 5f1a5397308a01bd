"""Keeps hair out of the head: a radius for every direction from the middle of the skull."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import grid_sample

from .assets import SynthAssets

SLIDE_ROUNDS = 2
"""Corrections for grid rays whose surface points moved sideways with the identity."""


@dataclass(frozen=True)
class Collision:
    """Solid of B people as seen from inside."""

    centre: Tensor
    """(3,) mm, from where the rays start."""
    radius: Tensor
    """(B,1,H,W) mm; rows from the south pole to the north, columns from -180 to 180 degrees of azimuth."""

    def push_out(self, points: Tensor, margin_mm: float) -> Tensor:
        """Points (B,...,3) moved to at least ``margin_mm`` outside."""
        flat = points.flatten(1, -2) if points.dim() > 2 else points
        arm = flat - self.centre
        length = arm.norm(dim=-1, keepdim=True).clamp(min=1e-3)
        radius = self._radius(arm / length) + margin_mm
        return (self.centre + arm * (radius / length).clamp(min=1.0)).reshape(points.shape)

    def _radius(self, directions: Tensor) -> Tensor:
        """(B,M,1) radius along unit directions (B,M,3)."""
        return sample_sphere(self.radius, directions)


def sample_sphere(table: Tensor, directions: Tensor) -> Tensor:
    """Values (B,M,C) of a lat-long table (B,C,H,W) in unit directions (B,M,3), bilinear."""
    grid = torch.stack(
        [
            torch.atan2(directions[..., 0], directions[..., 2]) / math.pi,
            torch.asin(directions[..., 1].clamp(-1, 1)) * (2 / math.pi),
        ],
        dim=-1,
    )
    values = grid_sample(table, grid[:, None], align_corners=True, padding_mode="border")
    return values[:, :, 0].transpose(1, 2)


def build_collision(vertices: Tensor, assets: SynthAssets) -> Collision:
    """Table of B heads (B,N,3): the mean's rays, their hits carried along by each shape."""
    rays = assets.rays
    hits = torch.einsum("hwk,bhwkd->bhwd", rays.weights, vertices[:, rays.corners]) - rays.centre
    radius = hits.norm(dim=-1)
    carried = hits / radius[..., None]
    wanted = rays.directions.flatten(0, 1).expand(len(vertices), -1, 3)
    table = torch.cat([carried - rays.directions, radius[..., None]], dim=-1).permute(0, 3, 1, 2)
    at = wanted
    for _ in range(SLIDE_ROUNDS):
        at = torch.nn.functional.normalize(wanted - sample_sphere(table[:, :3], at), dim=-1)
    settled = sample_sphere(table[:, 3:], at).reshape(len(vertices), 1, *radius.shape[1:])
    return Collision(rays.centre, settled)
