"""Eyeballs: iris, pupil, limbus and a sclera that is never quite white."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
import torch
from torch import Tensor

from backend.head_parse import FACE

from .assets import load_assets, load_parts
from .head import HeadShape
from .person import Surface, Who, stack

SIZE = 128
"""Texels of the texture; the iris has some 11 across, more than a picture of the head has pixels."""
ROUGHNESS = 0.35
"""A cornea is smoother, but its highlight would fall between the vertices, some 8 degrees apart."""

IRIS_DEG, PUPIL_DEG, LIMBUS_DEG = 20.5, 7.5, 2.2
"""Angular radii on hm08's eyeball (16.8 mm where people have 12, so that all angles are smaller): an iris of
11.8 mm, an ordinary pupil, and the soft dark edge of the iris."""

IRISES = {
    "dark brown": (0.020, 0.010, 0.006),
    "brown": (0.055, 0.026, 0.012),
    "hazel": (0.110, 0.070, 0.028),
    "green": (0.095, 0.110, 0.055),
    "grey": (0.150, 0.165, 0.170),
    "blue": (0.090, 0.150, 0.220),
}
"""Linear albedo."""

LIGHT_ODDS = (0.0, 0.26, 0.18, 0.12, 0.12, 0.32)
DARK_ODDS = (0.72, 0.27, 0.01, 0.0, 0.0, 0.0)
"""Odds of the irises at melanin 0 and from 0.45 on."""

SCLERA = (0.47, 0.41, 0.37)
VEINS = (0.0, -0.25, -0.25)
"""Linear albedo, and what redness towards the lids adds to its logarithm."""


@dataclass(frozen=True)
class EyeParams:
    """Look of both eyes."""

    iris: tuple[float, float, float]
    """Linear albedo."""
    ring: float
    """Darkness of the limbal ring, 0 to 1; it fades with age."""
    pupil: float
    """Share of an ordinary pupil, 0.6 to 1.6."""
    redness: float
    yellowness: float


def sample_eyes(rng: np.random.Generator, who: Who) -> EyeParams:
    """Random eyes for somebody."""
    dark = float(np.clip(who.melanin / 0.45, 0, 1))
    odds = (1 - dark) * np.array(LIGHT_ODDS) + dark * np.array(DARK_ODDS)
    colour = np.array(list(IRISES.values())[rng.choice(len(odds), p=odds / odds.sum())])
    colour = colour * np.exp(0.25 * rng.standard_normal() + 0.1 * rng.standard_normal(3))
    old = float(np.clip((who.age - 40.0) / 45.0, 0, 1))
    return EyeParams(
        iris=tuple(colour.tolist()),
        ring=float(rng.uniform(0.3, 1.0)) * (1 - 0.6 * old),
        pupil=float(rng.uniform(0.6, 1.5)) * (1 - 0.25 * old),
        redness=float(rng.beta(1.2, 3)),
        yellowness=float(rng.beta(1.2, 4)) * (0.5 + 0.5 * old),
    )


def build_eyes(params: list[EyeParams], shape: HeadShape) -> Surface:
    """Both eyeballs of B people; iris and pupil are painted, the cornea is their gloss."""
    both = load_parts(str(shape.device), "eye_left", "eye_right")
    everyone = torch.ones(len(params), device=shape.device)
    return Surface(
        vertices=shape.vertices.index_select(1, both.used),
        triangles=both.triangles,
        uvs=both.uvs,
        texture=paint_eyes(params, shape.device),
        region=torch.full((len(both.triangles),), FACE, dtype=torch.uint8, device=shape.device),
        shown=everyone.bool(),
        specular=everyone,
        roughness=ROUGHNESS * everyone,
        occlusion=shape.assets.skin.occlusion[both.used],
    )


def paint_eyes(params: list[EyeParams], device: torch.device) -> Tensor:
    """(B,SIZE,SIZE,3) linear albedo in the layout of the head's eyes."""
    angle, fibres = (table.to(device) for table in _polar())
    iris = stack([p.iris for p in params], device)[:, None, None]
    ring, pupil, redness, yellow = (
        stack([getattr(p, name) for p in params], device)[:, None, None]
        for name in ("ring", "pupil", "redness", "yellowness")
    )
    inside = _step(IRIS_DEG + LIMBUS_DEG / 2 - angle, LIMBUS_DEG)
    black = _step(PUPIL_DEG * pupil + 0.5 - angle, 1.5)
    out = ((angle - PUPIL_DEG) / (IRIS_DEG - PUPIL_DEG)).clamp(0, 1)
    shade = (1.25 - 0.35 * out + 0.35 * fibres) * (1 - 0.75 * ring * _step(angle - IRIS_DEG + 4.0, 4.0))
    coloured = iris * shade[..., None] * (1 - 0.97 * black)[..., None]
    bloodshot = (redness * (angle / 70).clamp(0.2, 1.0) * (0.7 + 0.5 * fibres))[..., None]
    stain = yellow[..., None] * torch.tensor([-0.05, -0.12, -0.35], device=device)
    white = torch.tensor(SCLERA, device=device).log() + stain
    white = (white + bloodshot * torch.tensor(VEINS, device=device)).exp()
    return torch.lerp(white.expand(-1, SIZE, SIZE, 3), coloured, inside[..., None])


def _step(distance: Tensor, width: float) -> Tensor:
    """0 below 0, 1 above ``width``, smooth between."""
    t = (distance / width).clamp(0, 1)
    return t * t * (3 - 2 * t)


@cache
def _polar() -> tuple[Tensor, Tensor]:
    """(SIZE,SIZE) degrees from the gaze and a noise of radial fibres, for every texel of both eyes."""
    centres, degrees_per_unit = _layout()
    place = (torch.arange(SIZE) + 0.5) / SIZE
    u, v = place[None].expand(SIZE, -1), (1 - place)[:, None].expand(-1, SIZE)
    which = (u > 0.5).long()
    du, dv = u - centres[which][..., 0], v - centres[which][..., 1]
    angle = torch.sqrt(du**2 + dv**2) * degrees_per_unit
    around = torch.atan2(dv, du)
    generator = torch.Generator().manual_seed(3)
    phase, weight = 6.28 * torch.rand(12, generator=generator), torch.rand(12, generator=generator)
    waves = [
        w * torch.cos((5 + 3 * k) * around + p) for k, (p, w) in enumerate(zip(phase, weight, strict=True))
    ]
    fibres = torch.stack(waves).sum(dim=0) / 3
    return angle, fibres


def _layout() -> tuple[Tensor, float]:
    """Centres (2,2) of both front disks in the texture, and degrees from the gaze per unit of it."""
    assets = load_assets()
    centres, scales = [], []
    for side in ("left", "right"):
        triangles, uvs = assets.part(f"eye_{side}")
        middle = torch.from_numpy(assets.model.eye_centre(side, assets.model.mean)).float()
        arm = torch.nn.functional.normalize(assets.mean[triangles] - middle, dim=-1)
        angle = torch.rad2deg(torch.acos(arm[..., 2].clamp(-1, 1)))
        front = angle < 60
        pole = uvs[angle < 1.0]
        low, high = uvs[front].amin(dim=0), uvs[front].amax(dim=0)
        centre = pole.mean(dim=0) if len(pole) else (low + high) / 2
        reach = (uvs[front] - centre).norm(dim=-1)
        centres.append(centre)
        scales.append(float(angle[front].sum() / reach.sum()))
    return torch.stack(centres), sum(scales) / 2
