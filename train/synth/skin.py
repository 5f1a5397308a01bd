"""Skin: albedo in the head's own layout, from CC0 skins over any colour a human skin has."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import interpolate

from .assets import SKIN_MIDDLE, SynthAssets, load_assets
from .head import HeadShape
from .person import Surface, Who, stack

TONES = (
    (0.66, 0.47, 0.38),
    (0.58, 0.385, 0.29),
    (0.48, 0.295, 0.20),
    (0.36, 0.205, 0.125),
    (0.215, 0.112, 0.064),
    (0.088, 0.045, 0.028),
)
"""Linear albedo of the cheek from Fitzpatrick's type I to VI, evenly spaced over ``melanin``."""

LIP_TINT = (-0.10, -0.55, -0.42)
BLUSH_TINT = (-0.02, -0.22, -0.16)
UNDER_EYE_TINT = (-0.30, -0.34, -0.24)
FRECKLE_TINT = (-0.25, -0.42, -0.50)
STUBBLE_TINT = (-0.75, -0.62, -0.50)
LASH_TINT = (-0.55, -0.60, -0.60)
"""What a full measure of each adds to the logarithm of the albedo (red, green, blue)."""

PLAIN_LAYERS = (
    (LIP_TINT, ("lips",)),
    (BLUSH_TINT, ("cheek", "nose_tip")),
    (UNDER_EYE_TINT, ("under_eye",)),
    (LASH_TINT, ("lash_line",)),
)
"""Tints that lie evenly on their masks."""

NOISE_SEED = 7
"""One bank of noise for all people; each looks at it through an offset of its own."""

DARK_FROM = 0.62
"""Melanin from which a skin is made of the dark CC0 skins."""


@dataclass(frozen=True)
class SkinParams:
    """Look of somebody's skin. Amounts are 0 to 1 unless said otherwise."""

    melanin: float
    """0 (palest) to 1 (darkest)."""
    redness: float
    """-1 (sallow) to 1 (florid)."""
    skins: tuple[int, int]
    """Numbers of the two CC0 skins that are mixed."""
    mix: float
    contrast: float
    """How strongly their marks show, about 0.8."""
    wrinkles: float
    pores: float
    freckles: float
    lips: float
    lipstick: tuple[float, float, float, float]
    """Linear colour, and how much of it covers the lips."""
    blush: float
    under_eye: float
    eye_shadow: tuple[float, float, float, float]
    """Linear colour, and how much of it covers the lids."""
    lashes: float
    """Darkness of the lash line."""
    stubble: float
    """Of a shaven beard."""
    scalp_tint: tuple[float, float, float, float]
    """Linear colour of cut or thin hair seen on the scalp, and how much of it there is."""
    gloss: float
    noise: tuple[float, float]
    """Where in the bank of noise this skin looks, 0 to 1."""


def sample_skin(rng: np.random.Generator, who: Who) -> SkinParams:
    """A random skin for somebody; its scalp is bare (the hair's colour is not known here)."""
    melanin = float(np.clip(who.melanin + 0.02 * rng.standard_normal(), 0, 1))
    old = float(np.clip((who.age - 30.0) / 45.0, 0, 1))
    woman = rng.random() > who.masculinity
    made_up = float(rng.beta(1.5, 2.0)) if woman and rng.random() < 0.75 else 0.0
    return SkinParams(
        melanin=melanin,
        redness=float(np.clip(0.35 * rng.standard_normal(), -1, 1)),
        skins=_pick_skins(rng, melanin),
        mix=float(rng.random()),
        contrast=float(rng.uniform(0.55, 0.95)),
        wrinkles=old * float(rng.uniform(0.4, 1.0)) * (1 - 0.3 * made_up),
        pores=float(rng.uniform(0.2, 1.0)) * (1 - 0.5 * made_up),
        freckles=float(rng.beta(1, 5)) * (melanin < 0.35) + 0.25 * old * float(rng.random()),
        lips=float(rng.uniform(0.0, 0.6)),
        lipstick=_lipstick(rng, made_up),
        blush=float(rng.beta(1.2, 2.5)) + 0.3 * made_up,
        under_eye=float(rng.beta(1.5, 3)) * (1 - 0.6 * made_up),
        eye_shadow=_eye_shadow(rng, made_up),
        lashes=float(0.15 + 0.25 * rng.random() + 0.6 * made_up),
        stubble=0.0 if woman else float(rng.beta(1.2, 2.2)),
        scalp_tint=(0.1, 0.08, 0.06, 0.0),
        gloss=float(rng.uniform(0.25, 0.6)) * (1 - 0.4 * made_up),
        noise=(float(rng.random()), float(rng.random())),
    )


def _pick_skins(rng: np.random.Generator, melanin: float) -> tuple[int, int]:
    names = load_assets().skin_names
    dark = melanin + 0.12 * rng.standard_normal() > DARK_FROM
    fitting = [k for k, name in enumerate(names) if ("dark" in name) == dark]
    first, second = rng.choice(fitting, size=2)
    return int(first), int(second)


def _lipstick(rng: np.random.Generator, made_up: float) -> tuple[float, float, float, float]:
    red = rng.uniform(0.2, 0.5)
    green, blue = red * rng.uniform(0.1, 0.45), red * rng.uniform(0.15, 0.5)
    return float(red), float(green), float(blue), made_up * float(rng.random())


def _eye_shadow(rng: np.random.Generator, made_up: float) -> tuple[float, float, float, float]:
    grey = rng.uniform(0.06, 0.25)
    tint = grey * (1 + 0.35 * rng.standard_normal(3)).clip(0.4, 1.8)
    return float(tint[0]), float(tint[1]), float(tint[2]), 0.6 * made_up * float(rng.random())


def build_skin(params: list[SkinParams], shape: HeadShape, size: int = 256) -> Surface:
    """Head and bust of B people as one surface, with a texture of ``size`` x ``size`` texels."""
    skin = shape.assets.skin
    return Surface(
        vertices=skin.complete(torch.cat([shape.vertices, shape.bust], dim=1)),
        triangles=skin.triangles,
        uvs=skin.uvs,
        texture=paint_skin(params, shape.assets, size),
        region=skin.region,
        shown=torch.ones(len(params), dtype=torch.bool, device=shape.device),
        specular=stack([p.gloss for p in params], shape.device),
        roughness=stack([0.62 - 0.3 * p.gloss for p in params], shape.device),
        occlusion=skin.occlusion,
        translucent=True,
    )


def tone(params: list[SkinParams], device: torch.device) -> Tensor:
    """(B,3) linear albedo of the plain skin, as on the neck."""
    place = stack([p.melanin for p in params], device) * (len(TONES) - 1)
    table = torch.tensor(TONES, device=device).log()
    low = place.floor().clamp(0, len(TONES) - 2).long()
    colour = torch.lerp(table[low], table[low + 1], (place - low)[:, None])
    redness = stack([p.redness for p in params], device)[:, None]
    return (colour + redness * torch.tensor([0.03, -0.07, -0.03], device=device)).exp()


def paint_skin(params: list[SkinParams], assets: SynthAssets, size: int) -> Tensor:
    """(B,size,size,3) linear albedo."""
    device = assets.device
    bank = _bank(str(device), size)
    coarse, grain = _noise(params, bank).unbind(dim=1)

    def amount(name: str) -> Tensor:
        return stack([getattr(p, name) for p in params], device)[:, None, None]

    log = (_layer_weights(params, bank, device) @ bank.layers).view(len(params), 3, size, size)
    log += tone(params, device).log()[:, :, None, None]
    log += ((0.05 * coarse + 0.05 * amount("pores") * grain) * bank.masks["face"])[:, None]
    spots = (
        amount("freckles") * _fair(amount("melanin")) * bank.masks["freckles"] * (grain - 0.7).clamp(min=0)
    )
    shadow = amount("stubble") * bank.masks["beard"] * (0.55 + 0.25 * grain).clamp(0, 1)
    for tint, share in ((FRECKLE_TINT, spots), (STUBBLE_TINT, shadow)):
        for channel in range(3):
            log[:, channel].add_(share, alpha=tint[channel])
    colour = log.exp_()
    for name, mask in (("lipstick", "lips"), ("eye_shadow", "eye_lid"), ("scalp_tint", "scalp")):
        tinted = stack([getattr(p, name) for p in params], device)
        if all(getattr(p, name)[3] == 0 for p in params):
            continue
        share = tinted[:, 3, None, None] * bank.masks[mask]
        if name == "scalp_tint":
            share = share * (1 + 0.5 * grain).clamp(0, 1.4)
        colour = torch.lerp(colour, tinted[:, :3, None, None], share.clamp(0, 1)[:, None])
    return colour.clamp_(0.004, 0.9).permute(0, 2, 3, 1)


def _layer_weights(params: list[SkinParams], bank: Bank, device: torch.device) -> Tensor:
    """(B,L) how much of each of the bank's layers everyone has."""
    weights = np.zeros((len(params), len(bank.layers)), np.float32)
    for row, p in zip(weights, params, strict=True):
        row[p.skins[0]] += p.contrast * (1 - p.mix)
        row[p.skins[1]] += p.contrast * p.mix
        fair = _fair(p.melanin)
        row[-len(PLAIN_LAYERS) - 1 :] = [p.wrinkles, p.lips * fair, p.blush * fair, p.under_eye, p.lashes]
    return torch.from_numpy(weights).to(device)


def _fair(melanin: float | Tensor) -> float | Tensor:
    """How well blood and freckles show through a skin."""
    return 1 - 0.6 * melanin


@dataclass(frozen=True)
class Bank:
    """What all skins of one texture size share."""

    layers: Tensor
    """(L,3hw) what adds up to the logarithm of the albedo: every CC0 skin over its middle colour, the fine
    dark lines of the oldest, and :data:`PLAIN_LAYERS`."""
    masks: dict[str, Tensor]
    """(h,w)."""
    noise: Tensor
    """(2,h,w) unit variance: mottling of some 20 mm, and grain as fine as the texels."""


@cache
def _bank(device: str, size: int) -> Bank:
    assets = load_assets(device)
    pictures = assets.skins.permute(0, 3, 1, 2).float() / 255
    linear = ((pictures + 0.055) / 1.055) ** 2.4
    marks = (_resized(linear, size) / SKIN_MIDDLE).clamp(min=0.02).log()
    masks = {name: _resized(mask[None, None], size)[0, 0] for name, mask in assets.masks.items()}
    old = marks[next(k for k, name in enumerate(assets.skin_names) if name.startswith("old"))]
    fine = old - _blurred(old[None], 16)[0]
    masks["face"] = 1 - masks["plain"]
    keep = masks["face"] * (1 - masks["scalp"]) * (1 - masks["lips"])
    generator = torch.Generator().manual_seed(NOISE_SEED)
    coarse = interpolate(torch.randn(1, 1, size // 8, size // 8, generator=generator), size, mode="bicubic")
    coarse = coarse + interpolate(torch.randn(1, 1, 12, 12, generator=generator), size, mode="bicubic")
    fine_noise = torch.randn(1, 1, size, size, generator=generator)
    fine_noise = fine_noise + 0.7 * interpolate(
        torch.randn(1, 1, size // 2, size // 2, generator=generator), size, mode="bicubic"
    )
    noise = torch.cat([coarse / coarse.std(), fine_noise / fine_noise.std()], dim=1)[0].to(device)
    tints = torch.tensor([tint for tint, _ in PLAIN_LAYERS], device=assets.device)
    where = torch.stack([torch.stack([masks[name] for name in names]).amax(0) for _, names in PLAIN_LAYERS])
    plain = tints[:, :, None, None] * where[:, None]
    layers = torch.cat([marks, (fine.clamp(-0.5, 0.15) * keep)[None], plain]).flatten(1)
    return Bank(layers, masks, noise)


def _noise(params: list[SkinParams], bank: Bank) -> Tensor:
    """(B,2,h,w) the bank shifted for everyone."""
    size = bank.noise.shape[-1]
    shifts = [(int(p.noise[0] * size), int(p.noise[1] * size)) for p in params]
    return torch.stack([bank.noise.roll(shift, dims=(1, 2)) for shift in shifts])


def _resized(pictures: Tensor, size: int) -> Tensor:
    return interpolate(pictures, (size, size), mode="area" if size <= pictures.shape[-1] else "bilinear")


def _blurred(pictures: Tensor, radius: int) -> Tensor:
    small = interpolate(pictures, scale_factor=1 / radius, mode="area")
    return interpolate(small, pictures.shape[-2:], mode="bicubic")
