"""Shoulders and chest: how they are built, and how they are turned against the head."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from .assets import SynthAssets
from .collision import BodyPose
from .person import Who, stack

PIVOT_MM = (0.0, -125.0, -30.0)
"""Root of the neck, about the seventh vertebra, where the head turns against the body."""

TURN_SPREAD_DEG, TILT_SPREAD_DEG, LEAN_SPREAD_DEG = 12.0, 5.0, 3.5
FARTHEST_TURN_DEG, FARTHEST_TILT_DEG, FARTHEST_LEAN_DEG = 35.0, 16.0, 10.0


@dataclass(frozen=True)
class BustParams:
    """Build and bearing of one body."""

    masculinity: float
    """-0.5 to 0.5, as the three below, from one end of MakeHuman's slider to the other."""
    weight: float
    muscle: float
    age: float
    turn_deg: float
    """How far the chest turns to the subject's left against the head."""
    tilt_deg: float
    """How far the head nods against the chest; positive looks down."""
    lean_deg: float
    """How far the crown tips to the subject's right (the picture's left) against the chest."""


def sample_bust(rng: np.random.Generator, who: Who) -> BustParams:
    """A random body of somebody."""
    weight, muscle = np.clip(rng.normal(0.02, 0.22, 2), -0.5, 0.5)
    turn, tilt, lean = rng.standard_normal(3) * [TURN_SPREAD_DEG, TILT_SPREAD_DEG, LEAN_SPREAD_DEG]
    return BustParams(
        masculinity=float(np.clip(who.masculinity - 0.5 + 0.1 * rng.standard_normal(), -0.5, 0.5)),
        weight=float(weight),
        muscle=float(muscle),
        age=float(np.clip((who.age - 45.0) / 60.0, -0.4, 0.5)),
        turn_deg=float(np.clip(turn, -FARTHEST_TURN_DEG, FARTHEST_TURN_DEG)),
        tilt_deg=float(np.clip(tilt, -FARTHEST_TILT_DEG, FARTHEST_TILT_DEG)),
        lean_deg=float(np.clip(lean, -FARTHEST_LEAN_DEG, FARTHEST_LEAN_DEG)),
    )


def build_bust(params: list[BustParams], head: Tensor, assets: SynthAssets) -> Tensor:
    """Busts (B,M,3) at rest, fitted to the neck rings of heads (B,N,3)."""
    bust = assets.bust
    amounts = stack([(p.masculinity, p.weight, p.muscle, p.age) for p in params], head.device)
    shape = bust.mean + (amounts @ bust.modes).reshape(len(params), -1, 3)
    gap = head[:, bust.ring_head] - shape[:, bust.ring]
    # What all of the ring does, the whole body does; only the rest of it fades away from the neck.
    whole = gap.mean(dim=1, keepdim=True)
    return shape + whole + torch.einsum("ml,bld->bmd", bust.follow, gap - whole)


def pose_body(
    params: list[BustParams], head: Tensor, bust: Tensor, assets: SynthAssets
) -> tuple[Tensor, Tensor, BodyPose]:
    """Heads (B,N,3) and busts (B,M,3) with the body turned; the neck twists along with it."""
    angles = torch.deg2rad(stack([(p.turn_deg, -p.tilt_deg, -p.lean_deg) for p in params], head.device))
    pivot = head.new_tensor(PIVOT_MM)
    pose = BodyPose(pivot, _rotation(angles))
    neck = torch.nonzero(assets.skin.turn > 0).squeeze(1)
    share = angles[:, None] * assets.skin.turn[neck, None]
    turned = ((head[:, neck] - pivot)[:, :, None] @ _rotation(share).transpose(-1, -2))[:, :, 0] + pivot
    posed = head.clone()
    posed[:, neck] = turned
    return posed, pose.from_rest(bust), pose


def _rotation(angles: Tensor) -> Tensor:
    """Ry Rx Rz (...,3,3) of angles (...,3) about y, x and z, radians."""
    (sy, sx, sz), (cy, cx, cz) = angles.sin().unbind(-1), angles.cos().unbind(-1)
    rows = [
        [cy * cz + sy * sx * sz, -cy * sz + sy * sx * cz, sy * cx],
        [cx * sz, cx * cz, -sx],
        [-sy * cz + cy * sx * sz, sy * sz + cy * sx * cz, cy * cx],
    ]
    return torch.stack([torch.stack(row, dim=-1) for row in rows], dim=-2)
