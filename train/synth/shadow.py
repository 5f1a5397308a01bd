"""Who stands in whose light: a shadow map for every lamp, solid things and hair apart.

Solid things leave mean and mean square of their depth below the lamp, from which a receiver learns how much
of the lamp it sees (variance shadow maps, Donnelly and Lauritzen 2006); blurring them as wide as the lamp is
soft softens the edge. Hair leaves how much of it lies in each of a few layers below its lit side (deep
opacity maps, Yuksel and Keyser 2008), so that light fades on its way into the hair.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import grid_sample, normalize, pad

from .light import Lights

REACH_MM = 300.0
"""Half the side of a map: head, neck and shoulders."""
SIZE = 112
TEXEL_MM = 2 * REACH_MM / SIZE
LAYERS, LAYER_MM = 8, 9.0
FAR_MM = 450.0
"""Below everything that is lit."""
LIFT_MM = 4.0
"""Receivers are moved off their surface by this, out of their own shadow."""
LEAST_VARIANCE_MM2 = 12.0
LEAK = 0.25
"""Shares of light below this are what variance maps leak behind two occluders."""
WIDE_MM = 25.0
"""A lamp this soft gets the blurred map alone."""
FIXED_POINT = 1 << 12


@dataclass(frozen=True)
class Shadows:
    """Maps of B scenes by L lamps, lamp after lamp, stacked into one tall picture each."""

    frames: Tensor
    """(L,B,3,3) rows: right, up, towards the lamp."""
    top: Tensor
    """(1,3,L*B*SIZE,SIZE) mean depth, mean square depth of solid things, depth of the hair's lit side; mm."""
    hair: Tensor
    """(1,LAYERS,L*B*SIZE,SIZE) how much hair lies above each layer's middle."""

    def visibility(self, place: Tensor, normal: Tensor, picture: Tensor, lamp: int) -> Tensor:
        """How much of a lamp (P,) is seen from view points (P,3) past solid things and hair."""
        frames = self.frames[lamp]
        off = place + LIFT_MM * normal
        if len(frames) == 1:
            local = off @ frames[0].T
        else:
            local = torch.bmm(frames.index_select(0, picture), off[:, :, None])[:, :, 0]
        x, y, depth = local[:, 0], local[:, 1], -local[:, 2]
        edge = 1 - 1.0 / SIZE
        x, y = (x / REACH_MM).clamp(-edge, edge), (y / REACH_MM).clamp(-edge, edge)
        maps, slot = self.frames.shape[0] * len(frames), lamp * len(frames) + picture
        y = (slot * 2 + 1 + y) / maps - 1
        grid = torch.stack([x, y], dim=1)[None, None]
        mean, square, top = grid_sample(self.top, grid, align_corners=False)[0, :, 0]
        behind = (depth - mean).clamp(min=0)
        variance = (square - mean**2).clamp(min=LEAST_VARIANCE_MM2)
        solid = ((variance / (variance + behind**2) - LEAK) / (1 - LEAK)).clamp(min=0)
        return solid * self._through_hair(grid, (depth - top) / LAYER_MM)

    def _through_hair(self, grid: Tensor, layer: Tensor) -> Tensor:
        # Two of the layers are picked by hand: grid_sample is four times as quick in a plane as in space.
        layers = grid_sample(self.hair, grid, align_corners=False)[0, :, 0]
        below = layer.clamp(0, LAYERS - 1)
        upper = below.long().clamp(max=LAYERS - 2)
        above, under = (layers.gather(0, (upper + step)[None])[0] for step in (0, 1))
        return torch.exp(-torch.lerp(above, under, below - upper) * (layer + 0.5).clamp(0, 1))


def cast(lights: Lights, solid: Tensor, hair: Tensor, hair_area: Tensor) -> Shadows:
    """Shadows of ``solid`` view points (B,Q,3) and of ``hair`` points (B,M,3) that cover (B,M) mm2 each.

    Solid points should lie no further apart than a few millimetres; infinite ones are left out.
    """
    lamps, scenes = lights.direction.shape[1], len(lights.direction)
    frames = _frames(lights.direction.transpose(0, 1).flatten(0, 1))
    texel, depth = _texels(frames, solid, scenes)
    nearest = _top(texel, depth, len(frames))
    nearest = _spread(nearest)
    moments = torch.stack([nearest, nearest**2], dim=1)
    softness = (lights.softness_mm.T.reshape(-1, 1, 1, 1) / WIDE_MM).clamp(max=1)
    narrow, wide = _blurred(moments, 3), _blurred(_blurred(moments, 7), 5)
    texel, depth = _texels(frames, hair, scenes)
    # A hair between two texels must find its layer from either; so the lit side spreads a little.
    top = _spread(_top(texel, depth, len(frames)))
    layers = _layers(texel, depth, hair_area.repeat(lamps, 1), top)
    maps = torch.cat([torch.lerp(narrow, wide, softness), _blurred(top[:, None], 3)], dim=1)
    tall = len(frames) * SIZE
    return Shadows(
        frames.unflatten(0, (lamps, scenes)),
        maps.transpose(0, 1).reshape(1, 3, tall, SIZE),
        layers.transpose(0, 1).reshape(1, LAYERS, tall, SIZE),
    )


def _blurred(maps: Tensor, width: int) -> Tensor:
    """Means of ``width`` x ``width`` texels; adding shifted pictures is several times as quick as pooling."""
    side, wide = maps.shape[-1], pad(maps, (width // 2,) * 4, mode="replicate")
    rows = sum(wide[..., i : i + side, :] for i in range(width))
    return sum(rows[..., i : i + side] for i in range(width)) / width**2


def _spread(maps: Tensor) -> Tensor:
    """The least of 3 x 3 texels of maps (A,S,S)."""
    wide = pad(maps[None], (1,) * 4, mode="replicate")[0]
    rows = torch.minimum(torch.minimum(wide[:, :-2], wide[:, 1:-1]), wide[:, 2:])
    return torch.minimum(torch.minimum(rows[..., :-2], rows[..., 1:-1]), rows[..., 2:])


def _frames(direction: Tensor) -> Tensor:
    """Orthonormal rows (A,3,3): right, up, towards the lamp (A,3)."""
    upright = direction[:, 1:2].abs() < 0.9
    aside = torch.where(upright, direction.new_tensor([0.0, 1, 0]), direction.new_tensor([1.0, 0, 0]))
    right = normalize(torch.linalg.cross(aside, direction), dim=-1)
    return torch.stack([right, torch.linalg.cross(direction, right), direction], dim=1)


def _texels(frames: Tensor, points: Tensor, scenes: int) -> tuple[Tensor, Tensor]:
    """Flat texel (A,M) and depth (A,M) of points (B,M,3) in A = L*B maps; depth is far beyond the map."""
    local = points.repeat(len(frames) // scenes, 1, 1) @ frames.mT
    x, y, z = local.unbind(-1)
    x, y = ((t * (1 / TEXEL_MM) + SIZE / 2).floor() for t in (x, y))
    inside = (x >= 0) & (x < SIZE) & (y >= 0) & (y < SIZE)
    start = torch.arange(len(frames), device=points.device)[:, None] * SIZE
    texel = (start + y.where(inside, 0.0).long()) * SIZE + x.where(inside, 0.0).long()
    return texel, (-z).where(inside, FAR_MM)


def _top(texel: Tensor, depth: Tensor, maps: int) -> Tensor:
    """(A,SIZE,SIZE) depth of the point nearest to each lamp; far away where there is none."""
    top = depth.new_full((maps * SIZE * SIZE,), FAR_MM)
    return top.scatter_reduce_(0, texel.flatten(), depth.flatten(), "amin").reshape(maps, SIZE, SIZE)


def _layers(texel: Tensor, depth: Tensor, area: Tensor, top: Tensor) -> Tensor:
    """(A,LAYERS,SIZE,SIZE) optical depth of the hair above each layer's middle."""
    maps = len(top)
    below = depth - top.flatten().index_select(0, texel.flatten()).view_as(depth)
    layer = (below * (1 / LAYER_MM)).clamp(0, LAYERS - 1).long()
    share = (area * (FIXED_POINT / TEXEL_MM**2)).where(depth < FAR_MM, 0.0).int()
    amount = torch.zeros(LAYERS * maps * SIZE * SIZE, dtype=torch.int32, device=top.device)
    place = layer * (maps * SIZE * SIZE) + texel
    amount.scatter_add_(0, place.flatten(), share.flatten())
    layers = amount.reshape(LAYERS, maps, SIZE, SIZE).transpose(0, 1).float() / FIXED_POINT
    return _blurred(layers.cumsum(1) - 0.5 * layers, 3)
