"""Grows strands step by step: combed along the scalp, lifted at the roots, bent by gravity, kept outside."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import normalize

from ..collision import SKULL_MM, sample_sphere
from ..head import HeadShape
from ..person import stack
from .chance import normal, uniform, vectors
from .cut import Cut
from .roots import Roots, skull_normals

STEPS = 12
"""Knots of a strand while it grows; curls come afterwards, on more."""
SKIN_MM = 0.8
"""Least distance of hair from the skin beyond the root."""
REACHES_BODY_MM = 110.0
"""Shorter hair never touches neck or shoulders."""
BODY_MM = 3.0
EAR_MM = (70.0, 0.0, 0.0)
"""Where the left ear grows out of the mean head."""


class Numbers:
    """The fields of B cuts as columns (B,1)."""

    def __init__(self, cuts: list[Cut], device: torch.device) -> None:
        self._cuts, self._device = cuts, device

    def __getattr__(self, name: str) -> Tensor:
        return stack([float(getattr(cut, name)) for cut in self._cuts], self._device)[:, None]

    def pair(self, name: str) -> Tensor:
        """(B,2) a pair of numbers for left and right."""
        return stack([tuple(map(float, getattr(cut, name))) for cut in self._cuts], self._device)


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


def lengths(numbers: Numbers, zones: Zones, front: Tensor, seeds: Tensor, locks: Tensor) -> Tensor:
    """(B,N) mm; ``front`` (B,N) is the share of the fringe."""
    low = torch.lerp(numbers.side.expand(-1, len(zones.top)), numbers.back, zones.back)
    low = torch.lerp(low, torch.minimum(low, numbers.edge), zones.edge)
    length = torch.lerp(low, torch.lerp(numbers.top.expand_as(front), numbers.front, front), zones.top)
    strand = torch.arange(locks.shape[1], device=seeds.device)
    ragged = 0.7 * normal(seeds, locks[-1], 1) + 0.7 * normal(seeds, strand, 2)
    return (
        length * torch.exp(numbers.uneven * ragged.clamp(-2, 2)) * (0.75 + 0.25 * uniform(seeds, strand, 3))
    )


def comb(numbers: Numbers, zones: Zones, front: Tensor) -> Tensor:
    """(B,N,3) direction in which each strand is combed."""
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
    return torch.stack([across, -down.expand_as(across), ahead], dim=-1)


def grow(
    cuts: list[Cut], roots: Roots, length: Tensor, front: Tensor, seeds: Tensor, head: HeadShape
) -> Tensor:
    """(B,G,12,3) strands of ``length`` (B,N) from the roots of B people."""
    numbers, zones, locks = (
        Numbers(cuts, seeds.device),
        Zones(roots.plan.mean[roots.plan.guides]),
        roots.plan.locks,
    )
    strand = torch.arange(locks.shape[1], device=seeds.device)
    point = roots.points[:, roots.plan.guides]
    combed = comb(numbers, zones, front)
    wander = 0.6 * vectors(seeds, locks[1], 10) + 0.4 * vectors(seeds, strand, 11)
    combed = combed + numbers.wander[..., None] * wander
    astray = uniform(seeds, strand, 4) < numbers.flyaway
    layer = (uniform(seeds, strand, 5) ** 0.7 + 0.6 * astray) * numbers.volume_mm
    lift = numbers.lift + numbers.quiff * front * 1.5 + 0.8 * astray
    step = length / (STEPS - 1)
    bend = 1 - torch.exp(-step / numbers.stiff_mm)
    side = torch.where(point[..., 0] > numbers.part_mm, 1.0, -1.0)
    shoulders = numbers.pair("ahead")
    ahead = torch.where(side > 0, shoulders[:, :1], shoulders[:, 1:])
    tucks = numbers.pair("tucked")
    tucked = torch.where(side > 0, tucks[:, :1], tucks[:, 1:]) * (1 - front * numbers.fringe)
    inward = numbers.inward
    hanging = torch.maximum(numbers.top, numbers.back) > REACHES_BODY_MM
    any_hangs = bool(hanging.any())

    n = roots.normals[:, roots.plan.guides]
    direction = normalize(combed - (combed * n).sum(-1, keepdim=True) * n + lift[..., None] * n, dim=-1)
    line = [point]
    for k in range(1, STEPS):
        arc = step * k
        n = skull_normals(point)
        on_head = _ramp(point[..., 1], -70.0, 10.0)
        along = combed - (combed * n).sum(-1, keepdim=True).clamp(min=0) * n
        along = along * (on_head * torch.exp(-arc / 260.0))[..., None]
        rising = lift * torch.exp(-arc / numbers.lift_mm)
        # What lies on top of the head is held by what is below it; what hangs, falls.
        hangs = 1 - 0.8 * n[..., 1].clamp(0, 1)
        fall = numbers.gravity * hangs * (arc / 40.0).clamp(max=1.0) * (1 + (1 - on_head))
        want = along + rising[..., None] * n
        want = want + _away_from_face(point, side, numbers.open_mm, front * numbers.fringe, tucked)
        x, y, z = want.unbind(-1)
        below = 1 - _ramp(point[..., 1], -120.0, -20.0)
        z = z + 0.55 * ahead * below
        ends = inward * (k / (STEPS - 1)) ** 3 * 2.2
        want = torch.stack([x - ends * n[..., 0], y - fall, z - ends * n[..., 2]], dim=-1)
        direction = normalize(torch.lerp(direction, normalize(want, dim=-1), bend[..., None]), dim=-1)
        point = point + step[..., None] * direction
        point = off_skull(point, SKIN_MM + layer * (arc / 30.0).clamp(max=1.0), head)
        if any_hangs and k % 2:
            point = head.push_out(point, BODY_MM).where(hanging[..., None], point)
        line.append(point)
    return torch.stack(line, dim=2)


def _away_from_face(point: Tensor, side: Tensor, open_mm: Tensor, fringe: Tensor, tucked: Tensor) -> Tensor:
    """(B,N,3) pull out of the window that shows the face, and behind tucked ears."""
    x, y, z = point.unbind(-1)
    before = _ramp(z, 10.0, 45.0) * (1 - _ramp(y, 60.0, 100.0)) * _ramp(y, -190.0, -120.0)
    missing = ((open_mm - x * side) / 20.0).clamp(0, 2) * before * (1 - fringe.clamp(0, 1))
    ear = tucked * _ramp(z, -40.0, -15.0) * _ramp(60 - (y - 10).abs(), 0.0, 40.0) * 1.5
    return torch.stack([missing * side, torch.zeros_like(x), -0.3 * missing - ear], dim=-1)


def off_skull(points: Tensor, margin: Tensor, head: HeadShape) -> Tensor:
    """Points (B,...,3) at least ``margin`` (B,...) mm outside the skull."""
    centre = points.new_tensor(SKULL_MM)
    arm = (points - centre).reshape(len(points), -1, 3)
    distance = arm.norm(dim=-1, keepdim=True).clamp(min=1e-3)
    outward = arm / distance
    radius = sample_sphere(head.collision.skull, outward) + margin.reshape(len(points), -1, 1)
    return (centre + outward * torch.maximum(radius, distance)).reshape(points.shape)
