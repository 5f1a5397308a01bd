"""How light leaves skin, cloth, eyes and hair; linear colours, view frame.

Surfaces: Lambert, wrapped around the terminator and reddened where the surface is skin, with a GGX highlight
(Walter 2007; Kelemen's visibility). Hair: Kajiya and Kay 1989 with the two highlights of Marschner 2003, the
first shifted to the root and white, the second to the tip and coloured by the hair.
"""

from __future__ import annotations

import torch
from torch import Tensor

from backend.harmonics import sh_basis

from .light import Lights
from .mesh import Mesh
from .shadow import Shadows
from .splat import StrandFragments
from .view import pick

SKIN_WRAP = (0.22, 0.09, 0.06)
"""How far red, green and blue light creep around the terminator of skin."""
SKIN_BLEED = 0.85
"""How much softer red's edge of a shadow is on skin."""
CLOTH_WRAP = 0.05
BACK_SIDE = -0.3
"""Cosine from which a surface is seen from behind; interpolated normals at an outline stay above it."""
REFLECTANCE = 0.08
"""Reflectance at right angles for a specular strength of 1; skin has 0.35 of it."""
HIGHLIGHT_SHIFT = 0.09
"""Sine by which the scales of a hair tilt its first highlight to the root; the second goes thrice as far
the other way."""
FIRST_POWER, SECOND_POWER = 90.0, 22.0
FIRST_STRENGTH, SECOND_STRENGTH = 0.055, 0.15
HAIR_WRAP = 0.35
FLATNESS = 0.8
"""How far a hair is lit by its own direction rather than the hairdo's."""
SHUT_IN, SKY_DEPTH_MM = 0.25, 12.0
"""Share of the sky that reaches the innermost hair, and how quickly it gets there."""
SKULL_CENTRE_MM = (0.0, 20.0, -10.0)
"""Hair is lit as if it lay on a ball around this place of the head."""


def light_surfaces(mesh: Mesh, lights: Lights, shadows: Shadows, eyes: Tensor) -> Tensor:
    """(B,N,6) what the vertices send to the camera: light to be multiplied by the albedo, and highlights.

    Vertices lie about as close as pixels, and shadows are softer than both; so pixels need not be lit one
    by one. ``eyes`` (B,3) is each camera's place.
    """
    # Channels come first here: sums over three neighbours in memory take several times as long.
    people, count, _ = mesh.vertices.shape
    place = mesh.vertices.flatten(0, 1)
    picture = torch.arange(people, device=place.device).repeat_interleave(count)
    view = _unit(pick(eyes, picture).T - place.T)
    normal = _facing(mesh.normals.flatten(0, 1).T.contiguous(), view)
    open_sky = mesh.occlusion.flatten()
    skin, specular, roughness = _finish_of(mesh)
    inner, outer = normal.T.contiguous(), 0.5 + 0.5 * open_sky
    matt = _sky(normal, lights, picture, 9) * open_sky
    shine = _sky_shine(normal, view, specular, roughness, lights, picture) * open_sky
    wrap = torch.where(skin, place.new_tensor(SKIN_WRAP)[:, None], CLOTH_WRAP)
    for lamp in range(lights.direction.shape[1]):
        towards = pick(lights.direction[:, lamp], picture).T
        colour = pick(lights.colour[:, lamp], picture).T
        visible = shadows.visibility(place, inner, picture, lamp)
        cosine = (normal * towards).sum(0)
        wrapped = ((cosine + wrap) / (1 + wrap)).clamp_(min=0)
        wrapped[0] *= torch.lerp(visible, visible.sqrt(), SKIN_BLEED * skin)
        wrapped[1:] *= visible
        matt = matt + colour * wrapped * outer
        gloss = _ggx(normal, view, towards, cosine, roughness) * (specular * REFLECTANCE * visible * open_sky)
        shine = shine + colour * gloss
    return torch.cat([matt, shine]).T.unflatten(0, (people, count))


def _finish_of(mesh: Mesh) -> tuple[Tensor, Tensor, Tensor]:
    """Skin or not, specular strength and roughness (B*N,) of the vertices."""
    device = mesh.vertices.device
    counts = torch.tensor([s.vertices.shape[1] for s in mesh.surfaces], device=device)

    def spread(values: Tensor) -> Tensor:
        return values.repeat_interleave(counts, dim=1).flatten()

    skin = torch.tensor([s.translucent for s in mesh.surfaces], device=device)
    return (
        spread(skin.expand(len(mesh.vertices), -1)),
        spread(torch.stack([s.specular for s in mesh.surfaces], dim=1)),
        spread(torch.stack([s.roughness for s in mesh.surfaces], dim=1)),
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
    picture, tangent, albedo = seen.picture, seen.tangent.T.contiguous(), seen.colour.T.contiguous()
    view = _unit(pick(eyes, picture).T - seen.place.T)
    outward = _unit(seen.place.T - pick(centre, picture).T)
    outward = _unit(outward - FLATNESS * (outward * tangent).sum(0) * tangent)
    open_sky = SHUT_IN + (1 - SHUT_IN) * torch.exp(-depth_in_hair / SKY_DEPTH_MM)
    matt = _sky(outward, lights, picture, 9) * open_sky
    gloss, tinted = torch.zeros_like(matt), torch.zeros_like(matt)
    across_view = (tangent * view).sum(0)
    # Scales of neighbouring hairs tilt a little differently; their colours tell them apart.
    tilt = 0.03 * torch.sin(albedo.sum(0) * 4e4)
    for lamp in range(lights.direction.shape[1]):
        towards = pick(lights.direction[:, lamp], picture).T
        visible = shadows.visibility(seen.place, outward.T, picture, lamp)
        colour = pick(lights.colour[:, lamp], picture).T * visible
        along = (tangent * towards).sum(0)
        facing = (((outward * towards).sum(0) + HAIR_WRAP) / (1 + HAIR_WRAP)).clamp(min=0)
        matt = matt + colour * ((1 - along**2).clamp(min=0).sqrt() * facing)
        mirror, lit = along + across_view + tilt, facing.sqrt()
        gloss = gloss + colour * (lit * _lobe(mirror + HIGHLIGHT_SHIFT, FIRST_POWER))
        tinted = tinted + colour * (lit * _lobe(mirror - 3 * HIGHLIGHT_SHIFT, SECOND_POWER))
    # Light of the second highlight has passed through the hair twice less than that of the matt part.
    warm = albedo.clamp(min=1e-4) ** 0.75
    return (albedo * matt + seen.specular * (FIRST_STRENGTH * gloss + SECOND_STRENGTH * warm * tinted)).T


def _unit(vectors: Tensor) -> Tensor:
    """Vectors (3,P) at length 1."""
    return vectors * (vectors * vectors).sum(0).clamp(min=1e-12).rsqrt()


def _sky(normal: Tensor, lights: Lights, picture: Tensor, terms: int) -> Tensor:
    """(3,P) light of the sky on normals (3,P), from the first so many terms."""
    basis, sky = sh_basis(normal.T)[:, :terms], lights.sky[:, :terms]
    if len(sky) == 1:
        return (basis @ sky[0]).clamp_(min=0).T
    return torch.bmm(basis[:, None], sky.index_select(0, picture))[:, 0].clamp_(min=0).T


def _lobe(mirror: Tensor, power: float) -> Tensor:
    """A highlight that is brightest where the sines of light and view cancel."""
    return torch.exp(-0.25 * power * mirror**2)


def _facing(normal: Tensor, view: Tensor) -> Tensor:
    """Normals (3,P) of back sides turned to the camera."""
    away = (normal * view).sum(0) < BACK_SIDE
    return torch.where(away, -normal, normal)


def _ggx(normal: Tensor, view: Tensor, towards: Tensor, cosine: Tensor, roughness: Tensor) -> Tensor:
    """Highlight (P,) of a lamp for a reflectance of 1, times the cosine and pi."""
    half = _unit(view + towards)
    n_h, l_h = (normal * half).sum(0).clamp(min=0), (towards * half).sum(0).clamp(min=0.1)
    alpha2 = roughness.clamp(min=0.08) ** 4
    spread = alpha2 / ((n_h**2 * (alpha2 - 1) + 1) ** 2)
    fresnel = 1 + (1 / REFLECTANCE - 1) * (1 - l_h) ** 5
    return spread * fresnel / (4 * l_h**2) * cosine.clamp(min=0)


def _sky_shine(
    normal: Tensor, view: Tensor, specular: Tensor, roughness: Tensor, lights: Lights, picture: Tensor
) -> Tensor:
    """(3,P) the environment's reflection, as blurred as its irradiance."""
    n_v = (normal * view).sum(0).clamp(0, 1)
    sky = _sky(2 * n_v * normal - view, lights, picture, 4)
    base = REFLECTANCE * specular
    grazing = specular * (1 - roughness) ** 2
    return sky * (base + (grazing - base).clamp(min=0) * (1 - n_v) ** 5)
