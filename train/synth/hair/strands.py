"""Guides become hair: drawn into locks, curled, and each followed by a family of strands."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn.functional import normalize

from ..head import HeadShape
from .chance import normal, uniform
from .grow import SKIN_MM, Numbers, off_skull
from .roots import EACH, skull_normals

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
    numbers: Numbers,
    guides: Tensor,
    length: Tensor,
    count: int,
    seeds: Tensor,
    locks: Tensor,
    head: HeadShape,
) -> Tensor:
    """(B,G,count,3): guides (B,G,k,3) drawn together in locks (B,3,G), then curled, outside the skull."""
    points = resampled(_smoothed(guides), count)
    along = torch.linspace(0, 1, count, device=points.device)
    level = numbers.clump_level.long()[..., None].expand(-1, -1, locks.shape[2])
    leaders = locks.gather(1, level)[:, 0]
    lead = points.gather(1, leaders[:, :, None, None].expand_as(points))
    short = (length / CLUMPS_MM).clamp(max=1)
    drawn = (0.92 * numbers.clump * short)[..., None] * (along * 2.5).clamp(max=1) ** 1.5
    points = torch.lerp(points, lead, drawn[..., None])
    reach = along * length[..., None]
    turns = numbers.period_mm * torch.exp(0.18 * normal(seeds, leaders, 22))
    guide = torch.arange(locks.shape[2], device=seeds.device)
    phase = uniform(seeds, leaders, 20) + 0.06 * normal(seeds, guide, 21)
    angle = 2 * math.pi * (phase[..., None] + reach / turns[..., None])
    size = numbers.curl_mm * torch.exp(0.25 * normal(seeds, leaders, 23))
    size = size[..., None] * (reach / (0.5 * numbers.period_mm[..., None] + 6)).clamp(max=1)
    tangent = normalize(points[:, :, -1] - points[:, :, 0], dim=-1)
    first = normalize(torch.linalg.cross(tangent, skull_normals(points[:, :, count // 2])), dim=-1)
    second = torch.linalg.cross(tangent, first)
    points = points + (size * angle.cos())[..., None] * first[:, :, None]
    points = points + (size * angle.sin())[..., None] * second[:, :, None]
    clear = SKIN_MM * (reach / 4).clamp(max=1)
    outside = off_skull(points.permute(3, 0, 1, 2).flatten(2), clear.flatten(1), head)
    outside = outside.unflatten(2, points.shape[1:3]).permute(1, 2, 3, 0)
    return torch.cat([points[:, :, :1], outside[:, :, 1:]], dim=2)


def _smoothed(guides: Tensor) -> Tensor:
    """Without the kinks that being pushed out of the body leaves; both ends stay."""
    inner = 0.25 * guides[:, :, :-2] + 0.5 * guides[:, :, 1:-1] + 0.25 * guides[:, :, 2:]
    return torch.cat([guides[:, :, :1], inner, guides[:, :, -1:]], dim=2)


def follow(numbers: Numbers, guides: Tensor, length: Tensor, roots: Tensor, seeds: Tensor) -> Tensor:
    """(B,N,K,3) strands from ``roots`` (B,N,3) that follow guides (B,G,K,3) of ``length`` (B,G) in families.

    A strand leaves the guide's path outwards and sideways along the scalp, never inwards.
    """
    people, number, knots, _ = guides.shape
    strand = torch.arange(roots.shape[1], device=guides.device)

    def in_families(values: Tensor) -> Tensor:
        """(B,N,...) as (B,G,4,...)."""
        return values.unflatten(1, (number, EACH))

    shorter = torch.cat([resampled(guides, knots, reach) for reach in REACHES], dim=1).flatten(2)
    kind = (uniform(seeds, strand, 50) * len(REACHES)).long() * number + strand // EACH
    rows = (kind + torch.arange(people, device=guides.device)[:, None] * shorter.shape[1]).flatten()
    points = shorter.flatten(0, 1).index_select(0, rows).reshape(people, number, EACH, knots, 3)
    outward = skull_normals(guides)
    tangent = torch.cat(
        [guides[:, :, 1:] - guides[:, :, :-1], guides[:, :, -1:] - guides[:, :, -2:-1]], dim=2
    )
    aside = normalize(torch.linalg.cross(outward, tangent), dim=-1)

    along = torch.linspace(0, 1, knots, device=guides.device)
    reach = along * length[..., None]
    own = (1 - reach / JOINS_MM).clamp(min=0) ** 2
    tight = (1 - 0.85 * numbers.clump[..., None] * (reach / CLUMPS_MM).clamp(max=1)) * (1 - own)
    astray = FAMILY_MM * (1 + 4 * (uniform(seeds, strand, 51) < numbers.flyaway))
    waves = _waves(knots, guides.device)[in_families((uniform(seeds, strand, 52) * WAVES).long())]
    waves = numbers.frizz_mm[..., None, None] * waves
    out = in_families(0.8 * astray * uniform(seeds, strand, 53))[..., None] * tight[:, :, None]
    across = in_families(astray * normal(seeds, strand, 54))[..., None] * tight[:, :, None]
    apart = in_families(roots)[:, :, :, None] - points[:, :, :, :1]
    points.addcmul_(apart, own[:, :, None, :, None])
    points.addcmul_(outward[:, :, None], torch.add(out, waves.abs(), alpha=0.7)[..., None])
    points.addcmul_(aside[:, :, None], (across + waves)[..., None])
    return points.flatten(1, 2)


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
