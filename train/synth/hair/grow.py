"""Grows strands step by step: combed along the scalp, lifted at the roots, bent by gravity, kept outside."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
import torch
from torch import Tensor

from ..collision import SKULL_MM, sample_sphere
from ..head import HeadShape
from .chance import normal, uniform, vectors
from .cut import Cut
from .roots import SKULL_RADII_MM, Roots

STEPS = 12
"""Knots of a strand while it grows; curls come afterwards, on more."""
SKIN_MM = 0.8
"""Least distance of hair from the skin beyond the root."""
REACHES_BODY_MM = 110.0
"""Shorter hair never touches neck or shoulders."""
BODY_MM = 3.0
COMB_MM = 260.0
"""Over this length hair forgets where it was combed."""


class Numbers:
    """The numeric fields of B cuts as columns (B,1), and pairs as (B,2)."""

    def __init__(self, cuts: list[Cut], device: torch.device) -> None:
        names = [f.name for f in fields(Cut) if isinstance(getattr(cuts[0], f.name), (int, float, tuple))]
        rows = [np.hstack([getattr(cut, name) for name in names]).astype(np.float32) for cut in cuts]
        table, at = torch.from_numpy(np.stack(rows)).to(device), 0
        self.cuts, self._columns = cuts, dict[str, Tensor]()
        for name in names:
            wide = np.size(getattr(cuts[0], name))
            self._columns[name] = table[:, at : at + wide]
            at += wide

    def __getattr__(self, name: str) -> Tensor:
        return self._columns[name]


class Zones:
    """Where roots lie on the mean head: shares (N,) of top, front, back, and how near the lower border."""

    def __init__(self, mean: Tensor) -> None:
        x, y, z = mean.unbind(-1)
        self.mean = mean
        self.top = _ramp(y + 0.1 * z.clamp(max=0), 62.0, 98.0)
        self.back = _ramp(-z, 35.0, 75.0)
        self.edge = 1 - _ramp(y - 45 * _ramp(z, -40.0, 30.0), -45.0, 40.0)
        self.left = x > 0


def _ramp(values: Tensor, low: float, high: float) -> Tensor:
    t = ((values - low) / (high - low)).clamp(0, 1)
    return t * t * (3 - 2 * t)


def border_length(numbers: Numbers, zones: Zones) -> Tensor:
    """(B,G) mm below the top: the sides' or the back's, fading towards the lower border."""
    low = torch.lerp(numbers.side.expand(-1, len(zones.top)), numbers.back, zones.back)
    return torch.lerp(low, torch.minimum(low, numbers.edge), zones.edge)


def lengths(numbers: Numbers, zones: Zones, front: Tensor, seeds: Tensor, locks: Tensor) -> Tensor:
    """(B,N) mm; ``front`` (B,N) is the share of the fringe."""
    low = border_length(numbers, zones)
    length = torch.lerp(low, torch.lerp(numbers.top.expand_as(front), numbers.front, front), zones.top)
    strand = torch.arange(locks.shape[1], device=seeds.device)
    ragged = 0.7 * normal(seeds, locks[-1], 1) + 0.7 * normal(seeds, strand, 2)
    return (
        length * torch.exp(numbers.uneven * ragged.clamp(-2, 2)) * (0.75 + 0.25 * uniform(seeds, strand, 3))
    )


def comb(numbers: Numbers, zones: Zones, front: Tensor) -> Tensor:
    """(3,B,G) direction in which each guide is combed."""
    x, _, z = zones.mean.unbind(-1)
    away = torch.tanh((x - numbers.part_mm) / 9.0) * numbers.parted
    loose = zones.top * (1 - front * numbers.fringe)
    crown = _ramp(-z, 45.0, 80.0)
    across = loose * (away * (1 - 0.6 * crown) + numbers.across) + 0.35 * front * numbers.fringe * torch.sign(
        numbers.across + 1e-3
    ) * numbers.across.abs().clamp(0, 1)
    ahead = loose * numbers.forward * (1 - crown) - (1 - zones.top) * numbers.side_back - 0.5 * crown
    ahead = ahead + 1.2 * front * numbers.fringe
    down = (1 - zones.top) + 0.8 * crown + 0.5 * front * numbers.fringe + 0.25 * numbers.parted.clamp(max=1)
    return torch.stack([across, -down.expand_as(across), ahead])


@dataclass(frozen=True)
class _Course:
    """What each guide of B people wants on its way; (B,G) unless said otherwise."""

    combed: Tensor
    """(3,B,G)."""
    lift: Tensor
    layer: Tensor
    """mm off the skull."""
    step: Tensor
    side: Tensor
    """1 left of the parting, -1 right of it."""
    open_mm: Tensor
    ahead: Tensor
    tucked: Tensor | None
    inward: Tensor
    gravity: Tensor
    lift_mm: Tensor

    def direction(self, point: Tensor, k: int) -> Tensor:
        """(3,B,G) where the k-th step from points (3,B,G) wants to go, unit."""
        x, y, z = point
        arc, share = self.step * k, k / (STEPS - 1)
        n = _skull_normals(point)
        on_head = _slope(y, -70.0, 10.0)
        inwards = (self.combed * n).sum(0).clamp(min=0)
        along = (self.combed - inwards * n) * (on_head * torch.exp(arc * (-1 / COMB_MM)))
        want = along + (self.lift * torch.exp(-arc / self.lift_mm) - self.inward * share**3) * n
        # What lies on top of the head is held by what is below it; what hangs, falls.
        hangs = (1 - 0.8 * n[1].clamp(min=0)) * (2 - on_head)
        want[1] -= self.gravity * hangs * (arc * (1 / 40.0)).clamp(max=1.0)
        want[2] += self.ahead * _slope(-y, 20.0, 120.0)
        self._clear_the_face(want, x, y, z)
        return _unit(want)

    def _clear_the_face(self, want: Tensor, x: Tensor, y: Tensor, z: Tensor) -> None:
        """Pull out of the window that shows the face, and behind tucked ears."""
        before = _slope(z, 10.0, 45.0) * _slope(-y, -100.0, -60.0) * _slope(y, -190.0, -120.0)
        missing = ((self.open_mm - x * self.side) * 0.05).clamp(0, 2) * before
        want[0] += missing * self.side
        want[2] -= 0.3 * missing
        if self.tucked is not None:
            want[2] -= self.tucked * _slope(z, -40.0, -15.0) * _slope(60 - (y - 10).abs(), 0.0, 40.0)


def grow(
    numbers: Numbers, roots: Roots, length: Tensor, front: Tensor, seeds: Tensor, head: HeadShape
) -> Tensor:
    """(B,G,12,3) guides of ``length`` (B,G) from the roots of B people; ``front`` (B,G) is the fringe."""
    guides = roots.plan.guides
    # Vectors lead: sums over three planes are much faster than over triples.
    point = roots.points[:, guides].permute(2, 0, 1).contiguous()
    n = roots.normals[:, guides].permute(2, 0, 1)
    course = _course(numbers, roots, length, front, seeds)
    bend = 1 - torch.exp(-course.step / numbers.stiff_mm)
    hanging = torch.maximum(numbers.top, numbers.back) > REACHES_BODY_MM
    any_hangs = bool(hanging.any())
    flat = course.combed - (course.combed * n).sum(0) * n
    direction, line = _unit(flat + course.lift * n), [point]
    for k in range(1, STEPS):
        direction = _unit(torch.lerp(direction, course.direction(point, k), bend))
        point = torch.addcmul(point, course.step, direction)
        margin = SKIN_MM + course.layer * (course.step * (k / 30.0)).clamp(max=1.0)
        point = off_skull(point, margin, head)
        if any_hangs and k % 2:
            outside = head.push_out(point.permute(1, 2, 0), BODY_MM).permute(2, 0, 1)
            point = outside.where(hanging, point)
        line.append(point)
    return torch.stack(line, dim=-1).permute(1, 2, 3, 0)


def _course(numbers: Numbers, roots: Roots, length: Tensor, front: Tensor, seeds: Tensor) -> _Course:
    zones, locks = Zones(roots.plan.mean[roots.plan.guides]), roots.plan.locks
    guide = torch.arange(locks.shape[1], device=seeds.device)
    fringe = front * numbers.fringe
    wander = (0.6 * vectors(seeds, locks[1], 10) + 0.4 * vectors(seeds, guide, 11)).permute(2, 0, 1)
    astray = uniform(seeds, guide, 4) < numbers.flyaway
    is_left = zones.mean[:, 0] > numbers.part_mm
    ahead, tucked = (torch.where(is_left, p[:, :1], p[:, 1:]) for p in (numbers.ahead, numbers.tucked))
    return _Course(
        combed=comb(numbers, zones, front) + numbers.wander * wander,
        lift=numbers.lift + numbers.quiff * front * 1.5 + 0.8 * astray,
        layer=(uniform(seeds, guide, 5) ** 0.7 + 0.6 * astray) * numbers.volume_mm,
        step=length / (STEPS - 1),
        side=torch.where(is_left, 1.0, -1.0),
        # Nothing keeps a fringe from the face.
        open_mm=numbers.open_mm - 200 * fringe.clamp(0, 1),
        ahead=0.55 * ahead,
        tucked=1.5 * tucked * (1 - fringe) if any(any(cut.tucked) for cut in numbers.cuts) else None,
        inward=2.2 * numbers.inward,
        gravity=numbers.gravity,
        lift_mm=numbers.lift_mm,
    )


def off_skull(points: Tensor, margin: Tensor, head: HeadShape) -> Tensor:
    """Points (3,B,M) at least ``margin`` (B,M) mm outside the skull."""
    centre = points.new_tensor(SKULL_MM)[:, None, None]
    arm = points - centre
    distance = (arm * arm).sum(0).clamp(min=1e-6).sqrt()
    outward = arm / distance
    radius = sample_sphere(head.collision.skull, outward.permute(1, 2, 0))[..., 0] + margin
    return torch.addcmul(centre, outward, torch.maximum(radius, distance))


def _skull_normals(points: Tensor) -> Tensor:
    """Like ``roots.skull_normals``, of points (3,B,M)."""
    scale = points.new_tensor(SKULL_RADII_MM)[:, None, None] ** -2
    return _unit((points - points.new_tensor(SKULL_MM)[:, None, None]) * scale)


def _unit(vectors: Tensor) -> Tensor:
    return vectors * (vectors * vectors).sum(0).clamp(min=1e-12).rsqrt()


def _slope(values: Tensor, low: float, high: float) -> Tensor:
    """0 below ``low``, 1 above ``high``, a straight line between."""
    return torch.clamp(values * (1 / (high - low)) - low / (high - low), 0, 1)
