"""Collars, hoods and scarves: strips that follow a profile round the neck."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn.functional import normalize

from backend.head_parse import BODY

from .assets import COLLAR_LEVELS_MM, SynthAssets
from .blend import blend_all
from .cloth import Cloth, paint
from .person import Surface, stack

Profile = tuple[tuple[float, float], ...]

COLLARS: dict[str, Profile] = {
    "none": ((0, 0),) * 7,
    "shirt": ((2, -6), (3, 14), (4, 29), (7, 32), (11, 24), (13, 8), (14, -8)),
    "polo": ((2, -6), (3, 8), (4, 18), (8, 21), (12, 14), (14, 0), (15, -14)),
    "stand": ((2, -6), (3, 10), (4, 24), (5, 36), (7, 37), (8, 20), (7, -6)),
    "roll": ((3, -8), (4, 14), (5, 34), (8, 42), (12, 37), (13, 18), (10, -4)),
    "hood": ((5, 4), (12, 16), (24, 20), (38, 10), (46, -8), (40, -26), (24, -34)),
    "scarf": ((3, 34), (14, 40), (28, 30), (35, 8), (30, -18), (16, -32), (5, -30)),
    "jacket": ((5, -12), (9, 4), (11, 14), (15, 16), (18, 6), (19, -10), (17, -30)),
}
"""Seven points of each profile from the inner edge to the outer: mm out from the neck, and up along it."""

FRONT_SHARE = {"hood": 0.45, "scarf": 0.9}
"""How far a profile stands out ahead of the throat, where it is less than behind."""

POINT_MM = {"shirt": 34.0, "polo": 24.0}
"""How far a collar's points hang down at its ends."""

LEAN_DEG = {"shirt": 20.0, "polo": 14.0}
"""How far they stand apart."""

JACKET_SINKS_MM = 26.0

COLUMNS = 64
TEXTURE = (16, 128)


def build_collars(
    wanted: list[tuple[str, float, Cloth, tuple[float, float]]], body: Tensor, assets: SynthAssets
) -> Surface:
    """Collars of B people as (name of :data:`COLLARS`, half gap at the throat in degrees, cloth, noise), on
    head and bust (B,N+M,3); the name ``none`` leaves it out."""
    garment = assets.garment
    rings = blend_all(body, garment.collar_corners, garment.collar_weights)
    gap = torch.deg2rad(stack([opening for _, opening, _, _ in wanted], body.device))[:, None]
    share = torch.linspace(0, 1, COLUMNS, device=body.device)
    azimuth = gap + share * (2 * math.pi - 2 * gap)
    names = [name for name, *_ in wanted]
    out, up = _profiles(names, azimuth, share).unbind(dim=-1)
    base = _at_drop(_turned(rings, _spread(names, azimuth, share)), -up)
    centre = rings.mean(dim=(1, 2), keepdim=False)[:, None, None]
    outward = base - centre
    outward = normalize(outward * outward.new_tensor([1.0, 0.0, 1.0]), dim=-1)
    vertices = (base + out[..., None] * outward).flatten(1, 2)
    triangles, uvs = _strip(len(COLLARS["none"]), COLUMNS, body.device)
    everyone = torch.ones(len(wanted), device=body.device)
    return Surface(
        vertices=vertices,
        triangles=triangles,
        uvs=uvs,
        texture=torch.stack([_texture(cloth, noise, body.device) for _, _, cloth, noise in wanted]),
        region=torch.full((len(triangles),), BODY, dtype=torch.uint8, device=body.device),
        shown=torch.tensor([name != "none" for name, *_ in wanted], device=body.device),
        specular=0.06 * everyone,
        roughness=0.85 * everyone,
        occlusion=torch.full((vertices.shape[1],), 0.8, device=body.device),
    )


def _turned(rings: Tensor, azimuth: Tensor) -> Tensor:
    """Rings (B,L,48,3) at azimuths (B,7,K) from straight ahead: (B,L,7,K,3)."""
    people, levels, count, _ = rings.shape
    place = (azimuth.flatten(1) / (2 * math.pi) * count + count / 2) % count
    low = place.floor().long() % count
    share = (place - place.floor())[:, None, :, None]

    def pick(index: Tensor) -> Tensor:
        return rings.gather(2, index[:, None, :, None].expand(-1, levels, -1, 3))

    turned = torch.lerp(pick(low), pick((low + 1) % count), share)
    return turned.reshape(people, levels, *azimuth.shape[1:], 3)


def _spread(names: list[str], azimuth: Tensor, share: Tensor) -> Tensor:
    """(B,7,K) azimuths of the profiles' points: the two points of a collar lean apart."""
    lean = torch.deg2rad(stack([LEAN_DEG.get(name, 0.0) for name in names], azimuth.device))[:, None, None]
    outer = azimuth.new_tensor([0.0, 0.0, 0.0, 0.0, 0.3, 0.65, 1.0])[:, None]
    side = torch.exp(-share / 0.12) - torch.exp(-(1 - share) / 0.12)
    return azimuth[:, None] + lean * outer * side


def _profiles(names: list[str], azimuth: Tensor, share: Tensor) -> Tensor:
    """(B,7,K,2) mm out and up of every point of the strips."""
    table = stack([COLLARS[name] for name in names], azimuth.device)[:, :, None].repeat(1, 1, COLUMNS, 1)
    front = stack([FRONT_SHARE.get(name, 1.0) for name in names], azimuth.device)[:, None]
    ahead = 0.5 + 0.5 * azimuth.cos()
    table[..., 0] *= torch.lerp(torch.ones_like(azimuth), front.expand_as(azimuth), ahead)[:, None]
    points = stack([POINT_MM.get(name, 0.0) for name in names], azimuth.device)[:, None]
    end = torch.exp(-((torch.minimum(share, 1 - share) / 0.045) ** 2))
    # A jacket's collar sinks into its lapels.
    sunk = stack([float(name == "jacket") for name in names], azimuth.device)[:, None]
    sinking = sunk * torch.exp(-((torch.minimum(share, 1 - share) / 0.13) ** 2))
    table[..., 0] *= 1 - 0.5 * sinking[:, None]
    table[..., 1] *= 1 - 0.5 * sinking[:, None]
    table[..., 1] -= JACKET_SINKS_MM * sinking[:, None]
    table[:, -1, :, 1] -= points * end
    table[:, -2, :, 1] -= 0.5 * points * end
    return table


def _at_drop(rings: Tensor, drop: Tensor) -> Tensor:
    """(B,7,K,3) points of rings (B,L,7,K,3) at drops (B,7,K), between and beyond the sampled levels."""
    levels = rings.new_tensor(COLLAR_LEVELS_MM)
    slot = torch.bucketize(drop.contiguous(), levels[1:-1])
    share = (drop - levels[slot]) / (levels[slot + 1] - levels[slot])

    def pick(index: Tensor) -> Tensor:
        return rings.gather(1, index[:, None, ..., None].expand(-1, 1, -1, -1, 3))[:, 0]

    return torch.lerp(pick(slot), pick(slot + 1), share[..., None])


def _strip(rows: int, columns: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """Triangles (T,3) and UVs (T,3,2) of a grid of vertices."""
    index = torch.arange(rows * columns, device=device).reshape(rows, columns)
    a, b, c, d = index[:-1, :-1], index[:-1, 1:], index[1:, 1:], index[1:, :-1]
    triangles = torch.cat(
        [torch.stack([a, c, b], -1).reshape(-1, 3), torch.stack([a, d, c], -1).reshape(-1, 3)]
    )
    uvs = torch.stack(
        [(triangles % columns) / (columns - 1), 1 - (triangles // columns) / (rows - 1)], dim=-1
    )
    return triangles, uvs


def _texture(cloth: Cloth, noise: tuple[float, float], device: torch.device) -> Tensor:
    """(16,128,3) the cloth round 400 mm of neck; darker towards the neck, where no light falls."""
    rows, columns = TEXTURE
    x = torch.linspace(0, 400, columns, device=device)[None].expand(TEXTURE)
    down = torch.linspace(0, 1, rows, device=device)[:, None].expand(TEXTURE)
    return (paint(cloth, x, 60 * down, noise) * (0.4 + 1.2 * down).clamp(max=1.0)[..., None]).clamp(
        0.003, 0.9
    )
