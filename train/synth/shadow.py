"""Who stands in whose light: a shadow map for every lamp, solid things and hair apart.

Solid things write their nearest depth into a map seen from the lamp, and receivers compare against it at
several places around them. Hair writes how much of it lies in each of a few layers below its lit side (deep
opacity maps, Yuksel and Keyser 2008), so that light fades on its way into the hair.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, avg_pool3d, grid_sample, max_pool2d, normalize

from .light import LAMPS, Lights

REACH_MM = 300.0
"""Half the side of a map: head, neck and shoulders."""
SOLID_SIZE, HAIR_SIZE = 128, 80
LAYERS, LAYER_MM = 8, 9.0
FAR_MM = 900.0
BIAS_MM = 5.0
"""Nobody shades himself within this: the maps' texels are 4.7 mm wide."""
SOFT_STEP_MM = 6.0
"""A receiver fades out over this depth behind an occluder."""
TAPS = 6
FIXED_POINT = 1 << 12


@dataclass(frozen=True)
class Shadows:
    """Maps of B scenes by :data:`LAMPS` lamps, stacked into one tall picture each."""

    frames: Tensor
    """(B*LAMPS,3,3) rows: right, up, towards the lamp."""
    solid: Tensor
    """(1,1,B*LAMPS*SOLID_SIZE,SOLID_SIZE) depth below the lamp, mm."""
    hair_top: Tensor
    """(1,1,B*LAMPS*HAIR_SIZE,HAIR_SIZE) depth of the lit side of the hair."""
    hair: Tensor
    """(1,1,LAYERS,B*LAMPS*HAIR_SIZE,HAIR_SIZE) how much hair lies above each layer's floor."""
    softness_mm: Tensor
    """(B,3)."""

    def visibility(self, place: Tensor, normal: Tensor, picture: Tensor, lamp: int) -> tuple[Tensor, Tensor]:
        """How much of a lamp (P,) is seen past solid things, and past hair, from view points (P,3)."""
        slot = picture * LAMPS + lamp
        # Moving off the surface keeps it out of its own shadow where the light grazes it.
        local = torch.einsum("pij,pj->pi", self.frames[slot], place + 4.0 * normal)
        depth = -local[:, 2]
        spread = self.softness_mm[picture, lamp]
        solid = sum(self._lit(local, depth, slot, spread, tap) for tap in range(TAPS)) / TAPS
        return solid, self._through_hair(local, depth, slot)

    def _lit(self, local: Tensor, depth: Tensor, slot: Tensor, spread: Tensor, tap: int) -> Tensor:
        angle, radius = 2.4 * tap, math.sqrt((tap + 0.5) / TAPS)
        shift = radius * local.new_tensor([math.cos(angle), math.sin(angle)])
        grid = self._grid(local[:, :2] + spread[:, None] * shift, slot, SOLID_SIZE)
        occluder = grid_sample(self.solid, grid[None, None], align_corners=False)[0, 0, 0]
        return 1 - ((depth - occluder - BIAS_MM) / SOFT_STEP_MM).clamp(0, 1)

    def _through_hair(self, local: Tensor, depth: Tensor, slot: Tensor) -> Tensor:
        grid = self._grid(local[:, :2], slot, HAIR_SIZE)
        top = grid_sample(self.hair_top, grid[None, None], align_corners=False)[0, 0, 0]
        layer = (depth - top) / LAYER_MM
        across = torch.stack([grid[:, 0], grid[:, 1], (layer + 0.5) / LAYERS * 2 - 1], dim=1)
        amount = grid_sample(self.hair, across[None, None, None], align_corners=False, padding_mode="border")[
            0, 0, 0, 0
        ]
        return torch.exp(-amount * (layer > -0.5))

    def _grid(self, across_mm: Tensor, slot: Tensor, size: int) -> Tensor:
        """Places (P,2) in a tall picture of maps, for grid_sample."""
        edge = 1 - 1.0 / size
        local = (across_mm / REACH_MM).clamp(-edge, edge)
        maps = self.frames.shape[0]
        y = (slot + (1 + local[:, 1]) / 2) / maps * 2 - 1
        return torch.stack([local[:, 0], y], dim=1)


def cast(lights: Lights, solid: Tensor, hair: Tensor, hair_area: Tensor) -> Shadows:
    """Shadows of ``solid`` view points (B,Q,3) and of ``hair`` points (B,M,3) that cover (B,M) mm2 each.

    Solid points should lie no further apart than a few millimetres; non-finite ones are left out.
    """
    frames = _frames(lights.direction.flatten(0, 1))
    maps = len(frames)
    nearest = _top(frames, solid, SOLID_SIZE).clamp(max=FAR_MM)
    closed = -max_pool2d(-nearest, 3, stride=1, padding=1)
    top = _top(frames, hair, HAIR_SIZE)
    # A hair between two texels must find its layer from either; so the lit side spreads a little.
    top = -max_pool2d(-top, 3, stride=1, padding=1)
    layers = _layers(frames, hair, hair_area, top)
    return Shadows(
        frames,
        closed.reshape(1, 1, maps * SOLID_SIZE, SOLID_SIZE),
        avg_pool2d(top.clamp(max=FAR_MM), 3, 1, 1, count_include_pad=False).reshape(
            1, 1, maps * HAIR_SIZE, HAIR_SIZE
        ),
        layers.permute(1, 0, 2, 3).reshape(1, 1, LAYERS, maps * HAIR_SIZE, HAIR_SIZE),
        lights.softness_mm,
    )


def _frames(direction: Tensor) -> Tensor:
    """Orthonormal rows (A,3,3): right, up, towards the lamp (A,3)."""
    help_axis = torch.where(
        direction[:, 1:2].abs() < 0.9,
        direction.new_tensor([[0.0, 1, 0]]),
        direction.new_tensor([[1.0, 0, 0]]),
    )
    right = normalize(torch.linalg.cross(help_axis, direction), dim=-1)
    return torch.stack([right, torch.linalg.cross(direction, right), direction], dim=1)


def _texels(frames: Tensor, points: Tensor, size: int) -> tuple[Tensor, Tensor, Tensor]:
    """Flat texel (A,M), depth (A,M) and whether it counts (A,M) of points (B,M,3) in A = B*LAMPS maps."""
    local = points.repeat_interleave(LAMPS, 0) @ frames.mT
    cell = ((local[..., :2] / REACH_MM + 1) * (size / 2)).floor()
    inside = ((cell >= 0) & (cell < size)).all(-1)
    cell = cell.nan_to_num(0).clamp(0, size - 1).long()
    start = torch.arange(len(frames), device=points.device)[:, None] * size * size
    return start + cell[..., 1] * size + cell[..., 0], -local[..., 2], inside


def _top(frames: Tensor, points: Tensor, size: int) -> Tensor:
    """(A,size,size) depth of the point nearest to each lamp; far away where there is none."""
    texel, depth, inside = _texels(frames, points, size)
    top = points.new_full((len(frames) * size * size,), 2 * FAR_MM)
    depth = torch.where(inside, depth, 2 * FAR_MM)
    return top.scatter_reduce_(0, texel.flatten(), depth.flatten(), "amin").reshape(-1, size, size)


def _layers(frames: Tensor, hair: Tensor, area: Tensor, top: Tensor) -> Tensor:
    """(A,LAYERS,size,size) optical depth of the hair above each layer's middle."""
    size = HAIR_SIZE
    texel, depth, inside = _texels(frames, hair, size)
    layer = ((depth - top.flatten()[texel]) / LAYER_MM).clamp(0, LAYERS - 1).nan_to_num(0).long()
    texel_mm2 = (2 * REACH_MM / size) ** 2
    share = area.repeat_interleave(LAMPS, 0) / texel_mm2 * FIXED_POINT
    amount = torch.zeros(LAYERS * len(frames) * size * size, dtype=torch.int64, device=hair.device)
    place = layer * (len(frames) * size * size) + texel
    amount.index_add_(0, place.flatten(), share.where(inside, 0.0).flatten().long())
    layers = amount.reshape(LAYERS, len(frames), size, size).permute(1, 0, 2, 3).float() / FIXED_POINT
    below = layers.cumsum(1) - 0.5 * layers
    return avg_pool3d(below, (1, 3, 3), 1, (0, 1, 1))
