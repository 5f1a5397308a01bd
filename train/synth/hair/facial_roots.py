"""Where hair leaves the face: brows and beard by the skin's masks, lashes along the lids."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import torch
from torch import Tensor

from ..assets import SynthAssets, load_assets
from ..blend import blend_all

LASHES = 240
LASH_RADIUS_MM = (17.8, 19.4)
"""Distance from the eye's centre at which lashes leave the mean head's lids."""
MOUTH_MM = -47.0
"""Height of the mouth on the mean head."""
LIP_DENSITY = 3.0
"""How much denser moustaches grow than other beards."""


@dataclass(frozen=True)
class FacialRoots:
    """Places on the head where hairs leave it, shared by everybody."""

    corners: Tensor
    """(N,3) int64 head vertices."""
    weights: Tensor
    """(N,3)."""
    mean: Tensor
    """(N,3) mm, on the mean head."""
    strength: Tensor
    """(N,) 0 at the rim of the area to 1 inside."""

    def on(self, values: Tensor) -> Tensor:
        """(B,N,3) of vertex values (B,V,3)."""
        return blend_all(values, self.corners, self.weights)


@cache
def roots_on(device: str, mask: str, count: int) -> FacialRoots:
    """``count`` roots as dense as a mask over the head's texture is strong."""
    assets = load_assets(device)
    triangles, uvs = assets.part("skin")
    lookup, size = assets.masks[mask], assets.masks[mask].shape[0]
    corners = assets.mean[triangles]
    area = torch.linalg.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]).norm(dim=1)
    generator = torch.Generator().manual_seed(count)
    strong = area * (_texels(lookup, uvs.flatten(0, 1), size).view(-1, 3).amax(dim=1) > 0.02)
    tried = torch.multinomial(strong.cpu(), 12 * count, replacement=True, generator=generator)
    u, v = torch.rand(2, len(tried), generator=generator).sort(dim=0).values
    weights, tried = torch.stack([u, v - u, 1 - v], dim=1).to(device), tried.to(device)
    strength = _texels(lookup, (weights[..., None] * uvs[tried]).sum(dim=1), size)
    mean = (weights[..., None] * assets.mean[triangles[tried]]).sum(dim=1)
    dense = strength * (1 + (LIP_DENSITY - 1) * lip_share(mean)) + 1e-6
    kept = torch.multinomial(dense.cpu(), count, generator=generator).to(device)
    return FacialRoots(triangles[tried[kept]], weights[kept], mean[kept], strength[kept])


def _texels(picture: Tensor, uvs: Tensor, size: int) -> Tensor:
    column = (uvs[:, 0] * size).long().clamp(0, size - 1)
    return picture[((1 - uvs[:, 1]) * size).long().clamp(0, size - 1), column]


@cache
def lash_roots(device: str) -> FacialRoots:
    """Evenly along the rims of all four lids; ``strength`` is 1 on the upper, 0 on the lower."""
    assets = load_assets(device)
    triangles, uvs = assets.part("lashes")
    parts = [
        _along_lid(assets, triangles, uvs, left, upper) for left in (True, False) for upper in (True, False)
    ]
    return FacialRoots(*(torch.cat(column) for column in zip(*parts, strict=True)))


def _along_lid(
    assets: SynthAssets, triangles: Tensor, uvs: Tensor, left: bool, upper: bool
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    mine = ((assets.mean[triangles][..., 0] > 0).all(dim=1) == left) & (
        (uvs[..., 1] < 0.5).all(dim=1) == upper
    )
    vertices = triangles[mine].unique()
    eye = assets.model.eye_centre("left" if left else "right", assets.model.mean)
    reach = (assets.mean[vertices] - assets.mean.new_tensor(eye)).norm(dim=1)
    rim = vertices[(reach > LASH_RADIUS_MM[0]) & (reach < LASH_RADIUS_MM[1])]
    rim = rim[assets.mean[rim, 0].argsort()]
    at = torch.linspace(0, len(rim) - 1.001, LASHES // 4, device=rim.device)
    low, share = at.long(), at - at.floor()
    corners = torch.stack([rim[low], rim[low + 1], rim[low]], dim=1)
    weights = torch.stack([1 - share, share, torch.zeros_like(share)], dim=1)
    mean = (weights[..., None] * assets.mean[corners]).sum(dim=1)
    return corners, weights, mean, torch.full_like(share, float(upper))


def lip_share(mean: Tensor) -> Tensor:
    """(N,) 1 where the moustache grows, 0 elsewhere."""
    x, y, z = mean.unbind(-1)
    return ((34 - x.abs()) / 6).clamp(0, 1) * ((y - MOUTH_MM + 0.25 * x.abs()) / 5).clamp(0, 1) * (z > 70)
