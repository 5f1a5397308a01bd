"""Grows the hair of B people: guides, on some from meshes, then locks, curls and strands."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from backend.head_parse import HAIR

from ..collision import SKULL_MM
from ..head import HeadShape
from ..person import Strands, stack
from .chance import normal, uniform, vectors
from .colour import colour_strands
from .from_mesh import trace
from .grow import SKIN_MM, STEPS, Numbers, Zones, grow, lengths
from .hairdo import HairParams, MeshChoice
from .roots import EACH, RootPlan, hair_left, place_roots
from .strands import curl, follow, resampled
from .tie import tie
from .warp import warped

STRANDS, KNOTS = 4000, 32
ROOT_SPREAD_MM = 2.0
"""How far the strands of a mesh's guide start from it."""


@dataclass(frozen=True)
class Hair:
    """Scalp hair of B people."""

    strands: Strands
    colour: Tensor
    """(B,3) linear albedo of the hair as a whole."""


@dataclass(frozen=True)
class _Growth:
    """Guides of B people and where their strands begin; filled in person by person where meshes are worn."""

    guides: Tensor
    """(B,G,12,3) mm."""
    locks: Tensor
    """(B,3,G) int64."""
    roots: Tensor
    """(B,N,3) mm."""
    left: Tensor
    """(B,N) how likely and how strong each strand is."""


def grow_hair(params: list[HairParams], head: HeadShape, count: int = STRANDS) -> Hair:
    """Grow ``count`` strands (a multiple of 4) of 32 points on each of B heads; absent ones have width 0."""
    device = head.device
    seeds = torch.tensor([p.seed for p in params], device=device)
    numbers = Numbers([p.cut for p in params], device)
    growth = _grown(params, numbers, seeds, head, count)
    _wear_meshes(growth, params, seeds, head)
    steps = growth.guides[:, :, 1:] - growth.guides[:, :, :-1]
    length = (steps * steps).sum(-1).sqrt().sum(-1)
    guides = curl(numbers, growth.guides, length, KNOTS, seeds, growth.locks, head)
    strand, left = torch.arange(count, device=device), growth.left
    there = uniform(seeds, strand, 7) < left
    width = numbers.width_mm * (0.6 + 0.8 * uniform(seeds, strand, 8)) * (0.4 + 0.6 * left)
    locks = growth.locks.transpose(0, 1).repeat_interleave(EACH, dim=2)
    points = follow(numbers, guides, length, growth.roots, seeds)
    strands = Strands(
        points=warped([p.warp for p in params], points, head),
        colour=colour_strands([p.colour for p in params], seeds, locks),
        width_mm=width * there,
        region=HAIR,
        specular=stack([p.shine for p in params], device),
    )
    whole = stack([p.colour.albedo for p in params], device)
    return Hair(strands, whole)


def _grown(params: list[HairParams], numbers: Numbers, seeds: Tensor, head: HeadShape, count: int) -> _Growth:
    roots = place_roots(head, count)
    plan: RootPlan = roots.plan
    strand = torch.arange(count, device=head.device)
    left = hair_left([p.hairline for p in params], plan.mean, plan.knots, normal(seeds, strand, 6))
    mean = plan.mean[plan.guides]
    front = fringe_share(numbers, mean)
    # Hair of a fraying hairline is shorter.
    length = lengths(numbers, Zones(mean), front, seeds, plan.locks) * (0.35 + 0.65 * left[:, plan.guides])
    guides = grow(numbers, roots, length, front, seeds, head)
    guides = tie(numbers, guides, (front > 0.5) & (numbers.fringe > 0.5), seeds, head)
    return _Growth(guides, plan.locks.repeat(len(params), 1, 1), roots.points, left)


def _wear_meshes(growth: _Growth, params: list[HairParams], seeds: Tensor, head: HeadShape) -> None:
    """Put guides of hair meshes in the place of the own ones of those who wear one."""
    wearers = [person for person, p in enumerate(params) if p.mesh is not None]
    if not wearers:
        return
    strand = torch.arange(growth.roots.shape[1], device=head.device)
    scatter = ROOT_SPREAD_MM * vectors(seeds, strand, 70)
    for person in wearers:
        mesh = params[person].mesh
        assert mesh is not None
        guides, growth.locks[person] = _mesh_guides(mesh, head, person, growth.guides.shape[1])
        growth.guides[person], growth.left[person] = guides, 1.0
        growth.roots[person] = guides[:, 0].repeat_interleave(EACH, dim=0) + scatter[person]
    growth.guides[wearers] = head.collision.of(wearers).push_out(growth.guides[wearers], SKIN_MM)


def _mesh_guides(mesh: MeshChoice, head: HeadShape, person: int, count: int) -> tuple[Tensor, Tensor]:
    """Guides (count,12,3) and locks (3,count) along a mesh on one of the heads."""
    traced = trace(str(head.device), mesh.name, count)
    guides = traced.on(head.assets.hair[mesh.name], head, person, mesh.mirrored)
    guides = resampled(guides[None], STEPS, mesh.reach)[0]
    centre = guides.new_tensor(SKULL_MM)
    return centre + (guides - centre) * mesh.wide, traced.locks


def fringe_share(numbers: Numbers, mean: Tensor) -> Tensor:
    """(B,G) how much roots (G,3) on the mean head belong to the front: 1 at the hairline of the forehead."""
    x, y, z = mean.unbind(-1)
    # The forehead's hairline lies at z = 88 in the middle and drops back at the temples.
    behind = 88 - 0.006 * x**2 - z
    share = (1 - (behind / numbers.fringe_reach_mm - 0.6) * 1.5).clamp(0, 1)
    return share * ((y - 60) / 15).clamp(0, 1) * (x.abs() < 58)
