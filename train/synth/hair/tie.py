"""Ponytails and buns: hair drawn over the skull to one place, and what hangs or winds from there."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn.functional import normalize

from ..collision import SKULL_MM, sample_sphere
from ..head import HeadShape
from .chance import normal, uniform
from .grow import BODY_MM, SKIN_MM, STEPS, Numbers

DRAWN = 6
"""Of a guide's knots lie on the head; the rest belong to the tail or the bun."""
BUN_SCALE = 10.0
"""A bun's radius is ``tail_mm`` over this."""


def tie(numbers: Numbers, guides: Tensor, loose: Tensor, seeds: Tensor, head: HeadShape) -> Tensor:
    """Guides (B,G,12,3) with those of tied hair led to the tie; ``loose`` (B,G) ones stay (a fringe)."""
    cuts, device = numbers.cuts, guides.device
    if all(cut.tie == "none" for cut in cuts):
        return guides
    name = torch.arange(guides.shape[1], device=device)
    up, around = torch.deg2rad(numbers.tie_deg), torch.deg2rad(numbers.tie_across_deg)
    towards = torch.stack([around.sin() * up.cos(), up.sin(), -around.cos() * up.cos()], dim=-1)
    layer = uniform(seeds, name, 60) * numbers.volume_mm
    drawn = _drawn(guides[:, :, 0], towards, layer, head)
    knot = drawn[:, :, -1].mean(dim=1, keepdim=True)
    tail = _tail(numbers, knot, towards, seeds, name, head)
    bun = _bun(numbers, knot, towards, seeds, name)
    winds = torch.tensor([cut.tie == "bun" for cut in cuts], device=device)[:, None, None, None]
    tied = torch.tensor([cut.tie != "none" for cut in cuts], device=device)[:, None] & ~loose
    return torch.where(tied[..., None, None], torch.cat([drawn, bun.where(winds, tail)], dim=2), guides)


def _drawn(roots: Tensor, towards: Tensor, layer: Tensor, head: HeadShape) -> Tensor:
    """(B,G,6,3) along great circles of the skull from roots (B,G,3) to a direction (B,1,3)."""
    centre = roots.new_tensor(SKULL_MM)
    arm = roots - centre
    start = normalize(arm, dim=-1)
    angle = (start * towards).sum(-1, keepdim=True).clamp(-0.999, 0.999).acos()[:, :, None]
    t = torch.linspace(0, 1, DRAWN, device=roots.device)[:, None]
    path = (
        ((1 - t) * angle).sin() * start[:, :, None] + (t * angle).sin() * towards[:, :, None]
    ) / angle.sin()
    flat = path.flatten(1, 2)
    radius = sample_sphere(head.collision.skull, flat).reshape(*path.shape[:3], 1)
    rise = SKIN_MM + 1.5 + layer[..., None, None] * (math.pi * t).sin() + 3.0 * t
    points = centre + path * (radius + rise)
    return torch.cat([roots[:, :, None], points[:, :, 1:]], dim=2)


def _tail(
    numbers: Numbers, knot: Tensor, towards: Tensor, seeds: Tensor, name: Tensor, head: HeadShape
) -> Tensor:
    """(B,G,6,3) hanging from the tie (B,1,3)."""
    count = STEPS - DRAWN
    length = numbers.tail_mm * torch.exp(0.12 * normal(seeds, name, 61))
    direction, axis = towards.expand(-1, len(name), -1), knot.expand(-1, len(name), -1)
    turn = 2 * math.pi * uniform(seeds, name, 62)
    reach = uniform(seeds, name, 63).sqrt() * numbers.tail_width_mm
    down = towards.new_tensor([0.0, -1.0, 0.0])
    across = normalize(torch.linalg.cross(towards, down.expand_as(towards)), dim=-1)
    line = []
    for k in range(count):
        direction = normalize(direction + 0.75 * down * min(k, 2), dim=-1)
        axis = axis + direction * (length / count)[..., None]
        axis = head.push_out(axis, BODY_MM + 4)
        other = torch.linalg.cross(direction, across.expand_as(direction), dim=-1)
        spread = reach * (0.75, 1.0, 1.05, 1.0, 0.85, 0.6)[k]
        line.append(
            axis + (spread * turn.cos())[..., None] * across + (spread * turn.sin())[..., None] * other
        )
    return head.push_out(torch.stack(line, dim=2), BODY_MM)


def _bun(numbers: Numbers, knot: Tensor, towards: Tensor, seeds: Tensor, name: Tensor) -> Tensor:
    """(B,G,6,3) wound round a ball before the tie (B,1,3)."""
    radius = (numbers.tail_mm / BUN_SCALE)[..., None]
    ball = knot + towards * 0.7 * radius
    up = towards.new_tensor([0.0, 1.0, 0.0]).expand_as(towards)
    first = normalize(torch.linalg.cross(towards, up + 1e-3), dim=-1)
    second = torch.linalg.cross(towards, first, dim=-1)
    start = 2 * math.pi * uniform(seeds, name, 64)
    tilt = (0.9 * normal(seeds, name, 65)).clamp(-1.4, 1.4)
    winding = torch.linspace(0, 1, STEPS - DRAWN, device=knot.device) * 1.4 * math.pi
    angle = (start[..., None] + winding)[..., None]
    around = angle.cos() * first[:, :, None] + angle.sin() * second[:, :, None]
    rise = (tilt[..., None] + 0.25 * (winding * 2).sin())[..., None]
    outward = around * rise.cos() + towards[:, :, None] * rise.sin()
    return (
        ball[:, :, None] + outward * (radius * (0.8 + 0.2 * uniform(seeds, name, 66)[..., None]))[:, :, None]
    )
