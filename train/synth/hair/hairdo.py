"""The hair on somebody's head: drawn at random, then grown for a batch of people."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from backend.head_parse import HAIR

from ..head import HeadShape
from ..person import Strands, Who, stack
from .chance import normal, uniform
from .colour import HairColour, colour_strands, sample_colour
from .cut import Cut, sample_cut
from .grow import Numbers, Zones, grow, lengths
from .roots import Hairline, RootPlan, hair_left, knot_weights, place_roots
from .strands import curl, follow

STRANDS, KNOTS = 4000, 32
COVERS_MM = 9.0
"""Hair this long hides the skin below it."""
SHINE = 0.5


@dataclass(frozen=True)
class HairParams:
    """Hair in numbers."""

    seed: int
    """Of the strands' own random numbers."""
    kind: str
    """Which kind of cut it is, for statistics."""
    cut: Cut
    hairline: Hairline
    colour: HairColour
    shine: float


@dataclass(frozen=True)
class Hair:
    """Scalp hair of B people."""

    strands: Strands
    scalp_cover: Tensor
    """(B,6626) how much of the skin at each vertex of the head is hidden by hair, 0 to 1."""
    colour: Tensor
    """(B,3) linear albedo of the hair as a whole."""


def sample_hair(rng: np.random.Generator, who: Who) -> HairParams:
    """Random hair for somebody."""
    man = bool(rng.random() < who.masculinity)
    coiled = bool(rng.random() < np.clip((who.melanin - 0.45) * 3, 0, 0.85))
    kind, cut = sample_cut(rng, man, coiled)
    return HairParams(
        seed=int(rng.integers(1 << 40)),
        kind=kind,
        cut=_plain(cut),
        hairline=_sample_hairline(rng, who, man, kind),
        colour=sample_colour(rng, who),
        shine=float(SHINE * rng.uniform(0.4, 1.4)),
    )


def _plain(cut: Cut) -> Cut:
    """The same cut in Python's own numbers."""
    values = {
        name: value.item() if isinstance(value, np.generic) else value for name, value in vars(cut).items()
    }
    return Cut(**values)


def _sample_hairline(rng: np.random.Generator, who: Who, man: bool, kind: str) -> Hairline:
    """Men lose hair with age: first the temples, then the crown, then all but a horseshoe (Norwood 1975)."""
    loss = 0.0
    if man:
        loss = float(np.clip(rng.normal((who.age - 42) / 55, 0.33), 0, 1.3))
    if kind in ("long", "bob", "tied", "locs", "afro"):
        loss *= 0.3
    bald = loss > 0.85
    return Hairline(
        height_mm=float(rng.normal(0, 4) + 22 * loss**1.5),
        peak_mm=float(max(0, rng.normal(2, 5))),
        temples_mm=float(max(0, rng.normal(3 if man else 0, 4)) + 55 * min(loss, 0.8)),
        sideburns_mm=float(rng.normal(0, 9) if man else rng.normal(-22, 6)),
        nape_mm=float(
            rng.uniform(0, 30) if kind in ("men_short", "buzz", "forward_crop") else rng.uniform(-4, 10)
        ),
        crown_mm=float(max(0, 90 * (loss - 0.45) + rng.normal(0, 10))) if loss > 0.4 else 0.0,
        rim_mm=float(rng.uniform(55, 100)) if bald else 400.0,
        density=float(np.clip(1 - 0.55 * max(0, loss - 0.3) * rng.uniform(0.3, 1.3), 0.2, 1)),
    )


def grow_hair(params: list[HairParams], head: HeadShape, count: int = STRANDS) -> Hair:
    """Grow ``count`` strands of 32 points on each of B heads; absent ones have width 0."""
    device = head.device
    cuts, hairlines = [p.cut for p in params], [p.hairline for p in params]
    seeds = torch.tensor([p.seed for p in params], device=device)
    roots = place_roots(head, count)
    plan = roots.plan
    strand = torch.arange(count, device=device)
    left = hair_left(hairlines, plan.mean, plan.knots, normal(seeds, strand, 6))
    length = guide_lengths(params, plan, left[:, plan.guides], seeds)
    guides = grow(cuts, roots, length, fringe_share(params, plan.mean[plan.guides]), seeds, head)
    guides = curl(cuts, guides, length, KNOTS, seeds, plan.locks, head)
    there = uniform(seeds, strand, 7) < left
    numbers = Numbers(cuts, device)
    strands = Strands(
        points=follow(cuts, guides, roots.points, seeds, plan),
        colour=colour_strands([p.colour for p in params], seeds, plan.locks[:, plan.family]),
        width_mm=numbers.width_mm * (0.6 + 0.8 * uniform(seeds, strand, 8)) * (0.4 + 0.6 * left) * there,
        region=HAIR,
        specular=stack([p.shine for p in params], device),
    )
    return Hair(strands, scalp_cover(params, head), stack([p.colour.albedo for p in params], device))


def guide_lengths(params: list[HairParams], plan: RootPlan, left: Tensor, seeds: Tensor) -> Tensor:
    """(B,G) mm; hair of a fraying hairline, ``left`` (B,G) of 0 to 1, is shorter."""
    mean = plan.mean[plan.guides]
    numbers, front = Numbers([p.cut for p in params], mean.device), fringe_share(params, mean)
    return lengths(numbers, Zones(mean), front, seeds, plan.locks) * (0.35 + 0.65 * left)


def fringe_share(params: list[HairParams], mean: Tensor) -> Tensor:
    """(B,G) how much each root belongs to the front: 1 at the hairline of the forehead."""
    reach = Numbers([p.cut for p in params], mean.device).fringe_reach_mm
    x, y, z = mean.unbind(-1)
    # The forehead's hairline lies at z = 80 in the middle and drops back at the temples.
    behind = 88 - 0.006 * x**2 - z
    return (1 - (behind / reach - 0.6) * 1.5).clamp(0, 1) * ((y - 60) / 15).clamp(0, 1) * (x.abs() < 58)


def scalp_cover(params: list[HairParams], head: HeadShape) -> Tensor:
    """(B,6626) how much hair hides the skin at each vertex."""
    mean = head.assets.mean
    still = mean.new_zeros(len(params), 1)
    left = hair_left([p.hairline for p in params], mean, knot_weights(mean), still)
    numbers = Numbers([p.cut for p in params], mean.device)
    zones = Zones(mean)
    low = torch.lerp(numbers.side.expand_as(left), numbers.back, zones.back)
    low = torch.lerp(low, torch.minimum(low, numbers.edge), zones.edge)
    length = torch.lerp(low, numbers.top.expand_as(low), zones.top)
    bare = head.assets.mask("ear_left") | head.assets.mask("ear_right") | ~head.assets.mask("skin")
    return left * (length / COVERS_MM).clamp(0.15, 1).sqrt() * ~bare
