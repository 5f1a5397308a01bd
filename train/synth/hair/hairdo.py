"""The hair on somebody's head: drawn at random, then grown for a batch of people."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from backend.head_parse import HAIR

from ..collision import SKULL_MM
from ..head import HeadShape
from ..person import Strands, Who, stack
from .chance import normal, uniform, vectors
from .colour import HairColour, colour_strands, sample_colour
from .cut import Cut, sample_cut
from .from_mesh import trace
from .grow import SKIN_MM, STEPS, Numbers, Zones, grow, lengths
from .roots import Hairline, RootPlan, hair_left, knot_weights, place_roots
from .strands import curl, follow, resampled
from .tie import tie

STRANDS, KNOTS = 4000, 32
COVERS_MM = 9.0
"""Hair this long hides the skin below it."""
SHINE = 0.5
MESH_SHARE = 0.3
MESHES = {"bob": ("bob01",), "long": ("long01",), "tied": ("ponytail01",), "pixie": ("short01", "short04"),
          "men_short": ("short01", "short02"), "swept_back": ("short01",)}  # fmt: skip
"""Meshes that resemble a kind of cut, and the share of those people who wear one."""


@dataclass(frozen=True)
class MeshChoice:
    """A hair mesh and how it differs from the original."""

    name: str
    reach: float
    """Share of its length that is left."""
    wide: float
    """Scale from the middle of the skull."""
    mirrored: bool


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
    mesh: MeshChoice | None
    """A hairdo of MakeHuman's instead of one grown with the cut, whose texture it keeps."""


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
        mesh=_sample_mesh(rng, kind),
    )


def _sample_mesh(rng: np.random.Generator, kind: str) -> MeshChoice | None:
    """Some of those whose cut resembles one of the meshes wear it."""
    names = MESHES.get(kind, ())
    if not names or rng.random() > MESH_SHARE:
        return None
    name = str(rng.choice(names))
    return MeshChoice(
        name,
        reach=float(rng.uniform(0.6, 1.0) if name == "long01" else rng.uniform(0.88, 1.0)),
        wide=float(rng.uniform(0.99, 1.06)),
        mirrored=bool(rng.random() < 0.5),
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
    front = fringe_share(params, plan.mean[plan.guides])
    guides = grow(cuts, roots, length, front, seeds, head)
    fringe = (front > 0.5) & (Numbers(cuts, device).fringe > 0.5)
    do = Hairdo(
        tie(cuts, guides, fringe, seeds, head),
        plan.locks.expand(len(params), -1, -1).clone(),
        plan.family.expand(len(params), -1).clone(),
        roots.points.clone(),
        left,
    )
    for person, p in enumerate(params):
        if p.mesh is not None:
            _wear_mesh(do, person, p, head)
    meshed = torch.tensor([p.mesh is not None for p in params], device=device)
    if bool(meshed.any()):
        pushed = head.push_out(do.guides, SKIN_MM)
        do.guides[meshed] = pushed[meshed]
    length = (do.guides[:, :, 1:] - do.guides[:, :, :-1]).norm(dim=-1).sum(dim=2)
    guides = curl(cuts, do.guides, length, KNOTS, seeds, do.locks, head)
    there = uniform(seeds, strand, 7) < do.left
    width = Numbers(cuts, device).width_mm * (0.6 + 0.8 * uniform(seeds, strand, 8))
    strands = Strands(
        points=follow(cuts, guides, length, do.roots, seeds, do.family),
        colour=colour_strands([p.colour for p in params], seeds, do.strand_locks),
        width_mm=width * (0.4 + 0.6 * do.left) * there,
        region=HAIR,
        specular=stack([p.shine for p in params], device),
    )
    return Hair(strands, scalp_cover(params, head), stack([p.colour.albedo for p in params], device))


@dataclass(frozen=True)
class Hairdo:
    """Guides of B people and which strands follow them."""

    guides: Tensor
    """(B,G,12,3) mm."""
    locks: Tensor
    """(B,3,G) int64."""
    family: Tensor
    """(B,N) int64."""
    roots: Tensor
    """(B,N,3) mm."""
    left: Tensor
    """(B,N) how likely and how strong each strand is."""

    @property
    def strand_locks(self) -> Tensor:
        """(3,B,N) int64 the locks of the strands."""
        return self.locks.gather(2, self.family[:, None].expand(-1, 3, -1)).transpose(0, 1)


def _wear_mesh(do: Hairdo, person: int, params: HairParams, head: HeadShape) -> None:
    """Put guides of a hair mesh in the place of one person's own."""
    assert params.mesh is not None
    number, count = do.guides.shape[1], do.family.shape[1]
    traced = trace(str(head.device), params.mesh.name, number)
    guides = traced.on(head.assets.hair[params.mesh.name], head, person, params.mesh.mirrored)
    guides = resampled(guides[None], STEPS, params.mesh.reach)
    wide = guides.new_tensor(SKULL_MM) + (guides - guides.new_tensor(SKULL_MM)) * params.mesh.wide
    guides = wide[0]
    name = torch.arange(count, device=head.device)
    seed = torch.tensor([params.seed], device=head.device)
    do.guides[person], do.locks[person], do.left[person] = guides, traced.locks, 1.0
    do.family[person] = (name * number // count).clamp(max=number - 1)
    do.roots[person] = guides[do.family[person], 0] + 2.0 * vectors(seed, name, 70)[0]


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
