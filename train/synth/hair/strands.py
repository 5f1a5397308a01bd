"""Guides become hair: drawn into locks, curled, and each followed by a family of strands."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn.functional import normalize

from ..head import HeadShape
from .chance import normal, uniform
from .cut import Cut
from .grow import SKIN_MM, Numbers, off_skull
from .roots import RootPlan, skull_normals

REACHES = (1.0, 0.94, 0.87, 0.78)
"""Lengths of strands as shares of their guide's."""
FAMILY_MM = 3.6
"""How far strands of a family spread, half of the distance between guides."""
WAVES = 16
"""Different frizzy shapes."""
LEAVES_ROOT = 0.22
"""Share of the length over which a strand joins its guide."""


def curl(
    cuts: list[Cut], guides: Tensor, length: Tensor, count: int, seeds: Tensor, locks: Tensor, head: HeadShape
) -> Tensor:
    """(B,G,count,3): guides (B,G,k,3) drawn together in locks (3,G), then curled, outside the skull."""
    numbers = Numbers(cuts, guides.device)
    points = resampled(guides, count)
    along = torch.linspace(0, 1, count, device=points.device)
    levels = torch.tensor([cut.clump_level for cut in cuts], device=points.device)
    leaders = locks[levels]
    lead = points.gather(1, leaders[:, :, None, None].expand_as(points))
    drawn = numbers.clump[..., None] * (along * 2.5).clamp(max=1) ** 1.5
    points = torch.lerp(points, lead, 0.92 * drawn[..., None])
    reach = along * length[..., None]
    turns = numbers.period_mm * torch.exp(0.18 * normal(seeds, leaders, 22))
    strand = torch.arange(locks.shape[1], device=seeds.device)
    phase = uniform(seeds, leaders, 20) + 0.06 * normal(seeds, strand, 21)
    angle = 2 * math.pi * (phase[..., None] + reach / turns[..., None])
    size = (numbers.curl_mm * torch.exp(0.25 * normal(seeds, leaders, 23)))[..., None]
    size = size * (reach / (0.5 * numbers.period_mm[..., None] + 6)).clamp(max=1)
    tangent = normalize(points[:, :, -1] - points[:, :, 0], dim=-1)
    first = normalize(torch.linalg.cross(tangent, skull_normals(points[:, :, count // 2])), dim=-1)
    second = torch.linalg.cross(tangent, first)
    points = points + (size * angle.cos())[..., None] * first[:, :, None]
    points = points + (size * angle.sin())[..., None] * second[:, :, None]
    clear = SKIN_MM * (reach / 4).clamp(max=1)
    return torch.cat([points[:, :, :1], off_skull(points, clear, head)[:, :, 1:]], dim=2)


def follow(cuts: list[Cut], guides: Tensor, roots: Tensor, seeds: Tensor, plan: RootPlan) -> Tensor:
    """(B,N,K,3) strands from ``roots`` (B,N,3) that follow guides (B,G,K,3) of a plan.

    A strand leaves the guide's path outwards and sideways along the scalp, never inwards.
    """
    numbers, device = Numbers(cuts, guides.device), guides.device
    people, number, knots, _ = guides.shape
    strand = torch.arange(len(plan.family), device=device)
    shorter = torch.cat([resampled(guides, knots, reach) for reach in REACHES], dim=1)
    kind = (uniform(seeds, strand, 50) * len(REACHES)).long()
    outward = skull_normals(guides)
    tangent = torch.cat(
        [guides[:, :, 1:] - guides[:, :, :-1], guides[:, :, -1:] - guides[:, :, -2:-1]], dim=2
    )
    aside = normalize(torch.linalg.cross(outward, tangent), dim=-1)
    frame = torch.cat([shorter, outward, aside], dim=1).flatten(2)
    picture = torch.arange(people, device=device)[:, None] * frame.shape[1]
    flat = frame.flatten(0, 1)

    def pick(block: Tensor | int) -> Tensor:
        rows = (picture + block * number + plan.family).expand(people, -1).flatten()
        return flat.index_select(0, rows).reshape(people, -1, knots, 3)

    along = torch.linspace(0, 1, knots, device=device)
    own = (1 - along / LEAVES_ROOT).clamp(min=0) ** 2
    astray = 1 + 4 * (uniform(seeds, strand, 51) < numbers.flyaway)
    tight = (1 - 0.85 * numbers.clump[..., None] * along).clamp(min=0.1) * (1 - own)
    waves = numbers.frizz_mm[..., None] * _waves(knots, device)[(uniform(seeds, strand, 52) * WAVES).long()]
    out = (uniform(seeds, strand, 53) * astray * 0.8 * FAMILY_MM)[..., None] * tight + waves.abs() * 0.7
    across = (normal(seeds, strand, 54) * astray * FAMILY_MM)[..., None] * tight + waves.flip(1)
    points = pick(kind)
    points.addcmul_((roots - points[:, :, 0])[:, :, None], own[:, None].expand(-1, 3))
    points.addcmul_(pick(len(REACHES)), out[..., None])
    return points.addcmul_(pick(len(REACHES) + 1), across[..., None])


def _waves(knots: int, device: torch.device) -> Tensor:
    """(WAVES,knots) smooth random curves that begin at 0."""
    along = torch.linspace(0, 1, knots, device=device)
    pattern = torch.arange(WAVES, device=device)[:, None]
    wave = (2 * math.pi * (along * (1.2 + 0.45 * pattern) + 0.37 * pattern)).sin()
    return wave * (along * 4).clamp(max=1)


def resampled(points: Tensor, count: int, reach: float = 1.0) -> Tensor:
    """(B,G,count,3) lines (B,G,k,3) at places evenly spaced over the first ``reach`` of them."""
    weights = resampling(points.shape[2], count, reach, points.device)
    return torch.einsum("bgkd,kc->bgcd", points, weights)


def resampling(knots: int, count: int, reach: float, device: torch.device) -> Tensor:
    """(knots,count) linear interpolation weights."""
    at = torch.linspace(0, (knots - 1) * reach, count, device=device)
    return (1 - (at - torch.arange(knots, device=device)[:, None]).abs()).clamp(min=0)
