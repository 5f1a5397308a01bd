"""How light leaves skin, cloth, eyes and hair; linear colours, view frame.

Surfaces: Lambert, wrapped around the terminator and reddened where the surface is skin, with a GGX highlight
(Walter 2007; Kelemen's visibility). Hair: Kajiya and Kay 1989 with the two highlights of Marschner 2003, the
first shifted to the root and white, the second to the tip and coloured by the hair.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import normalize

from .light import LAMPS, Lights, sh_basis
from .mesh import Fragments
from .person import Surface
from .shadow import Shadows
from .splat import StrandFragments

SKIN_WRAP = (0.22, 0.09, 0.06)
"""How far red, green and blue light creep around the terminator of skin."""
SKIN_BLEED = (0.55, 1.0, 1.15)
"""Exponents of the shadow's edge on skin: red reaches further in."""
CLOTH_WRAP = 0.05
REFLECTANCE = 0.08
"""Reflectance at right angles for a specular strength of 1; skin has 0.35 of it."""
HIGHLIGHT_SHIFT = 0.09
"""Sine by which the scales of a hair tilt its first highlight to the root; the second goes thrice as far
the other way."""
FIRST_POWER, SECOND_POWER = 90.0, 22.0
HAIR_WRAP = 0.35
SKULL_CENTRE_MM = (0.0, 20.0, -10.0)
"""Hair is lit as if it lay on a ball around this place of the head."""


def light_surfaces(seen: Fragments, finish: Finish, lights: Lights, shadows: Shadows, eyes: Tensor) -> Tensor:
    """Linear colour (P,3) of surface pixels; ``eyes`` (B,3) is each camera's place.

    The fragments' attributes are normal (3), sky light (3) and occlusion (1).
    """
    normal, sky, open_sky = (
        normalize(seen.attributes[:, :3], dim=1),
        seen.attributes[:, 3:6],
        seen.attributes[:, 6:],
    )
    view = normalize(eyes[seen.picture] - seen.place, dim=1)
    normal = _facing(normal, view)
    wrap = finish.wrap[seen.owner]
    bleed = finish.bleed[seen.owner]
    specular = finish.specular[seen.picture, seen.owner]
    roughness = finish.roughness[seen.picture, seen.owner]
    matt, shine = (
        sky.clamp(min=0),
        _sky_shine(normal, view, specular, roughness, lights, seen.picture) * open_sky,
    )
    for lamp in range(LAMPS):
        towards, colour = lights.direction[seen.picture, lamp], lights.colour[seen.picture, lamp]
        solid, hair = shadows.visibility(seen.place, normal, seen.picture, lamp)
        visible = (solid * hair)[:, None]
        cosine = (normal * towards).sum(1, keepdim=True)
        wrapped = ((cosine + wrap) / (1 + wrap)).clamp(min=0)
        crevice = 0.5 + 0.5 * open_sky
        matt = matt + colour * wrapped * visible.clamp(min=1e-4) ** bleed * crevice
        gloss = _ggx(normal, view, towards, cosine, roughness) * specular * REFLECTANCE
        shine = shine + colour * (gloss[:, None] * visible * open_sky)
    return seen.albedo * matt + shine


@dataclass(frozen=True)
class Finish:
    """How the surfaces of B people take light, by their place in the mesh."""

    wrap: Tensor
    """(surfaces,3)."""
    bleed: Tensor
    """(surfaces,3)."""
    specular: Tensor
    """(B,surfaces)."""
    roughness: Tensor
    """(B,surfaces)."""


def finish_of(surfaces: tuple[Surface, ...]) -> Finish:
    """Collect what shading needs from surfaces."""
    device = surfaces[0].specular.device
    skin = torch.tensor([[s.translucent] for s in surfaces], device=device)
    plain = torch.ones(3, device=device)
    return Finish(
        wrap=torch.where(skin, torch.tensor(SKIN_WRAP, device=device), CLOTH_WRAP * plain),
        bleed=torch.where(skin, torch.tensor(SKIN_BLEED, device=device), plain),
        specular=torch.stack([s.specular for s in surfaces], dim=1),
        roughness=torch.stack([s.roughness for s in surfaces], dim=1),
    )


def light_strands(
    seen: StrandFragments,
    lights: Lights,
    shadows: Shadows,
    eyes: Tensor,
    centre: Tensor,
    depth_in_hair: Tensor,
) -> Tensor:
    """Linear colour (Q,3) of strand pixels; ``centre`` (B,3) is the skull's, ``depth_in_hair`` (Q,) mm."""
    tangent, view = seen.tangent, normalize(eyes[seen.picture] - seen.place, dim=1)
    outward = normalize(seen.place - centre[seen.picture], dim=1)
    outward = normalize(outward - 0.8 * (outward * tangent).sum(1, keepdim=True) * tangent, dim=1)
    open_sky = 0.25 + 0.75 * torch.exp(-depth_in_hair / 12.0)[:, None]
    sky = (sh_basis(outward)[:, :, None] * lights.sky[seen.picture]).sum(1).clamp(min=0)
    # Light that has passed through other hairs takes on their colour.
    matt, gloss = sky * open_sky, torch.zeros_like(sky)
    tinted = torch.zeros_like(sky)
    across_view = (tangent * view).sum(1)
    flicker = 0.03 * torch.sin(seen.colour.sum(1) * 4e4)
    for lamp in range(LAMPS):
        towards, colour = lights.direction[seen.picture, lamp], lights.colour[seen.picture, lamp]
        solid, hair = shadows.visibility(seen.place, outward, seen.picture, lamp)
        visible = (solid * hair)[:, None]
        along = (tangent * towards).sum(1)
        facing = (((outward * towards).sum(1) + HAIR_WRAP) / (1 + HAIR_WRAP)).clamp(min=0)
        matt = matt + colour * ((1 - along**2).clamp(min=0).sqrt() * facing)[:, None] * visible
        mirror = along + across_view
        lit = colour * visible * facing[:, None] ** 0.5
        gloss = gloss + lit * _lobe(mirror + HIGHLIGHT_SHIFT + flicker, FIRST_POWER)[:, None]
        tinted = tinted + lit * _lobe(mirror - 3 * HIGHLIGHT_SHIFT + 2 * flicker, SECOND_POWER)[:, None]
    strength = seen.specular[:, None]
    warm = seen.colour.clamp(min=1e-4).sqrt() * 0.5
    return seen.colour * matt + strength * (0.055 * gloss + 0.3 * warm * seen.colour.sqrt() * tinted)


def _lobe(mirror: Tensor, power: float) -> Tensor:
    """A highlight that is brightest where the sines of light and view cancel."""
    return torch.exp(-0.25 * power * mirror**2)


def _facing(normal: Tensor, view: Tensor) -> Tensor:
    """Normals of back sides turned to the camera; interpolated ones bent until they are seen."""
    cosine = (normal * view).sum(1, keepdim=True)
    return torch.where(cosine < -0.3, -normal, normal)


def _ggx(normal: Tensor, view: Tensor, towards: Tensor, cosine: Tensor, roughness: Tensor) -> Tensor:
    """Highlight (P,) of a lamp for a reflectance of 1, times the cosine and pi."""
    half = normalize(view + towards, dim=1)
    n_h, l_h = (normal * half).sum(1).clamp(min=0), (towards * half).sum(1).clamp(min=0.1)
    alpha2 = roughness.clamp(min=0.08) ** 4
    spread = alpha2 / ((n_h**2 * (alpha2 - 1) + 1) ** 2)
    fresnel = 1 + (1 / REFLECTANCE - 1) * (1 - l_h) ** 5
    return spread * fresnel / (4 * l_h**2) * cosine[:, 0].clamp(min=0)


def _sky_shine(
    normal: Tensor, view: Tensor, specular: Tensor, roughness: Tensor, lights: Lights, picture: Tensor
) -> Tensor:
    """The environment's reflection, as blurred as its irradiance."""
    n_v = (normal * view).sum(1, keepdim=True).clamp(0, 1)
    mirrored = 2 * n_v * normal - view
    sky = (sh_basis(mirrored)[:, :4, None] * lights.sky[picture][:, :4]).sum(1).clamp(min=0)
    base = REFLECTANCE * specular[:, None]
    grazing = specular[:, None] * (1 - roughness[:, None]) ** 2
    return sky * (base + (grazing - base).clamp(min=0) * (1 - n_v) ** 5)
