"""Hair that was grown is bent as a whole: thinner here, fuller there, combed another way, cut straight.

A dozen kinds of hair share habits that no person has: whoever learns depth from them learns that all hair
stands a finger off the brow. Smooth changes of the finished strands break such habits and stay hair.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from backend.harmonics import CONSTANT, SH_TERMS, sh_basis

from ..collision import SKULL_MM, sample_sphere
from ..head import HeadShape
from .grow import SKIN_MM, off_skull

THINNEST, FULLEST = 0.2, 1.7
"""Bounds of the usual share of its distance from the skull that somebody's hair keeps."""
BULGE = (0.2,) * 3 + (0.1,) * 5
"""Deviation of the logarithm of that share with the slopes and the bends of spherical harmonics."""
LAYER_MM = 40.0
"""What stands off farther than this hangs or is a tail: its thickness is its own."""
TWIST_DEG = ((-4.0, 0.0, 0.0), (7.0, 5.0, 5.0))
OPEN_DEG, LARGEST_DEG = (5.0, 6.0), 20.0
"""Means and deviations of the other direction: hair is kept off the face more often than over it."""
TURNS_MM = 60.0
"""Over this length hair takes on the other direction."""
OVER_SHARE, OVER_MM = 0.65, (15.0, 140.0)
"""How often hair is thrown back over the shoulders, and how far: what was grown falls before them, like
curtains, and a network that saw no other hair put all hair beside a neck 50 mm too far forwards."""
ONE_SIDED = 0.25
"""Share of them who wear it so on one side only."""
HANG_MM, OUT_MM = 25.0, (4.0, 12.0)
HANGS_FROM_MM, HANGS_AT_MM = -20.0, -110.0
"""Heights between which hair stops lying on the head and begins to hang."""
FULL_SHARE, FULL_MM = 0.5, (5.0, 45.0)
"""How often hair is widest behind the ears and not before them, and by how much."""
FULL_LENGTH_MM = 120.0
"""Shorter hair stands out less."""
FALL_FROM_MM, FALL_OVER_MM = (-60.0, 60.0), (50.0, 130.0)
"""The height at which what hangs begins to move forwards or back, and how far below it has moved."""
BACK_MM, STAYS_MM = 30.0, -130.0
"""Hair before the first depth falls back whole, hair as far back as the second one not at all."""
HEM_SHARE, HEM_MM, HEM_SLOPE = 0.35, (-260.0, -10.0), (0.1, 0.25)
SHORTEST_MM = 12.0
"""What the hem leaves of hair that grows below it."""
SKIN_REACH_MM = 4.0
"""So far from the root hair is clear of the skin."""
GOLDEN = 0.618034
"""Multiples of this are spread evenly over 0 to 1."""


@dataclass(frozen=True)
class Warp:
    """How somebody's hair differs from the hair that was grown; all zeros leave it as it is."""

    bulge: tuple[float, ...] = (0.0,) * SH_TERMS
    """(9,) spherical harmonics of the logarithm of the share of the distance from the skull that is left."""
    twist_deg: tuple[float, float, float] = (0.0, 0.0, 0.0)
    """Rotation vector of the tips about the middle of the skull."""
    open_deg: float = 0.0
    """Turn of the front off the middle of the face, to either side."""
    hang_mm: tuple[float, float] = (0.0, 0.0)
    """How far what hangs moves forwards on the left and on the right."""
    falls_mm: tuple[float, float] = (HANGS_FROM_MM, HANGS_AT_MM)
    """Heights between which it does."""
    out_mm: float = 0.0
    """And away from the neck."""
    full_mm: float = 0.0
    """How far what lies behind the ears stands out to the sides."""
    hem_mm: float = -1e4
    """Height below which all hair is cut."""
    hem_slope: tuple[float, float] = (0.0, 0.0)
    """Rise of that height to the left and to the front."""


def sample_warp(rng: np.random.Generator) -> Warp:
    """A random warp: hair from close to the skull to fuller than it grew."""
    usual = rng.uniform(math.log(THINNEST), math.log(FULLEST))
    bulge = np.array([usual, *rng.normal(0, BULGE)]) / CONSTANT
    twist = np.clip(rng.normal(*TWIST_DEG), -LARGEST_DEG, LARGEST_DEG)
    hem = rng.uniform(*HEM_MM) if rng.random() < HEM_SHARE else Warp.hem_mm
    falls = rng.uniform(*FALL_FROM_MM)
    across, ahead = rng.normal(0, HEM_SLOPE).tolist()
    return Warp(
        bulge=tuple(bulge.tolist()),
        twist_deg=tuple(twist.tolist()),
        open_deg=float(np.clip(rng.normal(*OPEN_DEG), -LARGEST_DEG, LARGEST_DEG)),
        hang_mm=_sample_hang(rng),
        falls_mm=(float(falls), float(falls - rng.uniform(*FALL_OVER_MM))),
        out_mm=float(rng.normal(*OUT_MM)),
        full_mm=float(rng.uniform(*FULL_MM)) if rng.random() < FULL_SHARE else 0.0,
        hem_mm=float(hem),
        hem_slope=(across, ahead),
    )


def _sample_hang(rng: np.random.Generator) -> tuple[float, float]:
    """How far hair moves forwards on the left and on the right: mostly back over both shoulders."""
    left, right = rng.normal(0, HANG_MM, 2).tolist()
    if rng.random() > OVER_SHARE:
        return left, right
    back = -rng.uniform(*OVER_MM)
    if rng.random() > ONE_SIDED:
        return back, float(back * rng.uniform(0.7, 1.3))
    return (back, right) if rng.random() < 0.5 else (left, back)


def warped(warps: list[Warp | None], points: Tensor, head: HeadShape) -> Tensor:
    """Strands (B,N,K,3) mm of B people, those of whoever has a warp changed by it; no root moves."""
    if all(warp is None for warp in warps):
        return points
    numbers = _Numbers(warps, points.device)
    strands = _trimmed(numbers, points)
    reach = _reach(strands)
    moved = _thickened(numbers, _turned(numbers, strands, reach), head)
    moved = _hung(numbers, _filled(numbers, moved, reach))
    outside = head.push_out(moved).permute(3, 0, 1, 2).flatten(2)
    clear = SKIN_MM * (reach / SKIN_REACH_MM).clamp(max=1)
    outside = off_skull(outside, clear.flatten(1), head).unflatten(2, reach.shape[1:])
    moved = torch.cat([strands[:, :, :1], outside.permute(1, 2, 3, 0)[:, :, 1:]], dim=2)
    wears = torch.tensor([warp is not None for warp in warps], device=points.device)
    return moved.where(wears[:, None, None, None], points)


class _Numbers:
    """The numbers of B warps as tensors; of who has none, such as change nothing."""

    def __init__(self, warps: list[Warp | None], device: torch.device) -> None:
        def column(name: str) -> Tensor:
            values = [getattr(warp or Warp(), name) for warp in warps]
            return torch.tensor(values, dtype=torch.float32, device=device)

        self.bulge, self.twist = column("bulge"), torch.deg2rad(column("twist_deg"))
        self.open, self.out_mm = torch.deg2rad(column("open_deg")), column("out_mm")
        self.full_mm = column("full_mm")
        self.hang_mm, self.falls_mm = column("hang_mm"), column("falls_mm")
        self.hem_mm, self.hem_slope = column("hem_mm"), column("hem_slope")


def _reach(strands: Tensor) -> Tensor:
    """(B,N,K) mm along strands (B,N,K,3)."""
    steps = (strands[:, :, 1:] - strands[:, :, :-1]).norm(dim=-1)
    return torch.cat([torch.zeros_like(steps[..., :1]), steps.cumsum(-1)], dim=-1)


def _trimmed(numbers: _Numbers, strands: Tensor) -> Tensor:
    """Strands as far as they first come below the hem, drawn with as many points."""
    x, y, z = strands.unbind(-1)
    across, ahead = numbers.hem_slope[:, :, None, None].unbind(1)
    over = y - (numbers.hem_mm[:, None, None] + across * x + ahead * z)
    reach = _reach(strands)
    kept = ((over > 0) | (reach < SHORTEST_MM)).int().cumprod(-1).sum(-1)
    knots = strands.shape[2]
    # Half a step more or less on each strand: hair that ends in steps of a knot shows the knots.
    ragged = (torch.arange(strands.shape[1], device=strands.device) * GOLDEN % 1).expand_as(kept)
    end = torch.where(kept < knots, kept - ragged, torch.tensor(float(knots - 1), device=strands.device))
    at = torch.linspace(0, 1, knots, device=strands.device) * end.clamp(min=1)[..., None]
    low = at.long().clamp(max=knots - 2)
    first, second = (strands.gather(2, k[..., None].expand_as(strands)) for k in (low, low + 1))
    return torch.lerp(first, second, (at - low)[..., None])


def _turned(numbers: _Numbers, strands: Tensor, reach: Tensor) -> Tensor:
    """Tips turned about the middle of the skull, most of all far from the roots."""
    x, y, z = strands.unbind(-1)
    share = (reach / TURNS_MM).clamp(max=1) * (1 - _hanging(y))
    apart = torch.tanh(x / 15) * (z / 60).clamp(0, 1) * numbers.open[:, None, None]
    turn = numbers.twist[:, None, None] + apart[..., None] * strands.new_tensor([0.0, 1.0, 0.0])
    return _rotated(strands, turn * share[..., None])


def _rotated(points: Tensor, turn: Tensor) -> Tensor:
    """Points (...,3) turned about the middle of the skull by rotation vectors (...,3) (Rodrigues)."""
    centre = points.new_tensor(SKULL_MM)
    arm = points - centre
    angle = turn.norm(dim=-1, keepdim=True)
    axis = turn / angle.clamp(min=1e-6)
    along = (axis * arm).sum(-1, keepdim=True)
    around = torch.linalg.cross(axis, arm)
    return centre + arm * angle.cos() + around * angle.sin() + axis * along * (1 - angle.cos())


def _thickened(numbers: _Numbers, strands: Tensor, head: HeadShape) -> Tensor:
    """What lies on the head, nearer to the skull or farther from it."""
    arm = strands - strands.new_tensor(SKULL_MM)
    distance = arm.norm(dim=-1)
    outward = arm / distance.clamp(min=1e-3)[..., None]
    skull = sample_sphere(head.collision.skull, outward.flatten(1, 2))[..., 0].unflatten(
        1, distance.shape[1:]
    )
    off = (distance - skull).clamp(min=0)
    share = torch.einsum("bnkc,bc->bnk", sh_basis(outward), numbers.bulge).exp()
    near = torch.exp(-((off / LAYER_MM) ** 2)) * (1 - _hanging(strands[..., 1]))
    return strands + outward * (off * (share - 1) * near)[..., None]


def _filled(numbers: _Numbers, strands: Tensor, reach: Tensor) -> Tensor:
    """What lies behind the ears, farther out to the sides."""
    x, y, z = strands.unbind(-1)
    share = ((40 - z) / 90).clamp(0, 1) * ((90 - y) / 80).clamp(0, 1) * (reach / FULL_LENGTH_MM).clamp(max=1)
    out = numbers.full_mm[:, None, None] * share * torch.tanh(x / 30)
    return strands + torch.stack([out, torch.zeros_like(out), torch.zeros_like(out)], dim=-1)


def _hung(numbers: _Numbers, strands: Tensor) -> Tensor:
    """What hangs, moved before or behind the shoulders and off the neck."""
    x, y, z = strands.unbind(-1)
    begins, ends = (height[:, None, None] for height in numbers.falls_mm.unbind(1))
    fallen = ((begins - y) / (begins - ends)).clamp(0, 1)
    left = torch.sigmoid(x / 15)
    ahead = torch.lerp(*(side[:, None, None] for side in numbers.hang_mm.flip(1).unbind(1)), left)
    # What lies on the back already draws together there instead of standing off.
    ahead = ahead * torch.where(ahead < 0, ((z - STAYS_MM) / (BACK_MM - STAYS_MM)).clamp(0, 1), 1.0)
    out = numbers.out_mm[:, None, None] * torch.tanh(x / 30) * _hanging(y)
    return strands + torch.stack([out, torch.zeros_like(y), fallen * ahead], dim=-1)


def _hanging(y: Tensor) -> Tensor:
    """0 where hair at this height lies on the head, 1 where it hangs."""
    return ((HANGS_FROM_MM - y) / (HANGS_FROM_MM - HANGS_AT_MM)).clamp(0, 1)
