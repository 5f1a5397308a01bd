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
from .roots import skull_normals

REACHES = (1.0, 0.94, 0.87, 0.78)
"""Lengths of strands as shares of their guide's."""
FAMILY_MM = 3.6
"""How far strands of a family spread, half of the distance between guides."""
WAVES = 16
"""Different frizzy shapes."""
JOINS_MM = 45.0
"""Length over which a strand comes from its own root to its guide."""
CLUMPS_MM = 70.0
"""Shorter hair draws together less."""


def curl(
    cuts: list[Cut], guides: Tensor, length: Tensor, count: int, seeds: Tensor, locks: Tensor, head: HeadShape
) -> Tensor:
    """(B,G,count,3): guides (B,G,k,3) drawn together in locks (B,3,G), then curled, outside the skull."""
    numbers = Numbers(cuts, guides.device)
    points = resampled(_smoothed(guides), count)
    along = torch.linspace(0, 1, count, device=points.device)
    levels = torch.tensor([cut.clump_level for cut in cuts], device=points.device)
    leaders = locks[torch.arange(len(cuts), device=points.device), levels]
    lead = points.gather(1, leaders[:, :, None, None].expand_as(points))
    drawn = numbers.clump[..., None] * (
        (along * 2.5).clamp(max=1) ** 1.5 * (length / CLUMPS_MM).clamp(max=1)[..., None]
    )
    points = torch.lerp(points, lead, 0.92 * drawn[..., None])
    reach = along * length[..., None]
    turns = numbers.period_mm * torch.exp(0.18 * normal(seeds, leaders, 22))
    strand = torch.arange(locks.shape[2], device=seeds.device)
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


def _smoothed(guides: Tensor) -> Tensor:
    """Without the kinks that being pushed out of the body leaves; both ends stay."""
    inner = 0.25 * guides[:, :, :-2] + 0.5 * guides[:, :, 1:-1] + 0.25 * guides[:, :, 2:]
    return torch.cat([guides[:, :, :1], inner, guides[:, :, -1:]], dim=2)


def follow(
    cuts: list[Cut], guides: Tensor, length: Tensor, roots: Tensor, seeds: Tensor, family: Tensor
) -> Tensor:
    """(B,N,K,3) strands from ``roots`` (B,N,3) that follow guides (B,G,K,3), each its ``family`` (B,N).

    A strand leaves the guide's path outwards and sideways along the scalp, never inwards.
    """
    numbers, device = Numbers(cuts, guides.device), guides.device
    people, number, knots, _ = guides.shape
    strand = torch.arange(family.shape[1], device=device)
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
        rows = (picture + block * number + family).flatten()
        return flat.index_select(0, rows).reshape(people, -1, knots, 3)

    along = torch.linspace(0, 1, knots, device=device)
    reach = along * length.gather(1, family)[..., None]
    own = (1 - reach / JOINS_MM).clamp(min=0) ** 2
    astray = 1 + 4 * (uniform(seeds, strand, 51) < numbers.flyaway)
    tight = (1 - 0.85 * numbers.clump[..., None] * (reach / CLUMPS_MM).clamp(max=1)).clamp(min=0.1) * (
        1 - own
    )
    waves = numbers.frizz_mm[..., None] * _waves(knots, device)[(uniform(seeds, strand, 52) * WAVES).long()]
    out = (uniform(seeds, strand, 53) * astray * 0.8 * FAMILY_MM)[..., None] * tight + waves.abs() * 0.7
    across = (normal(seeds, strand, 54) * astray * FAMILY_MM)[..., None] * tight + waves.flip(1)
    points = pick(kind)
    points.addcmul_((roots - points[:, :, 0])[:, :, None], own[..., None])
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
    """(knots,count) weights of a Catmull-Rom spline."""
    at = torch.linspace(0, (knots - 1) * reach, count, device=device)
    t = (at - torch.arange(-1, knots + 1, device=device)[:, None]).abs()
    near = 1.5 * t**3 - 2.5 * t**2 + 1
    far = -0.5 * t**3 + 2.5 * t**2 - 4 * t + 2
    weights = near.where(t < 1, far.where(t < 2, 0.0))
    # Beyond both ends the line goes straight on.
    inner, before, after = weights[1:-1].clone(), weights[0], weights[-1]
    inner[0] += 2 * before
    inner[1] -= before
    inner[-1] += 2 * after
    inner[-2] -= after
    return inner
