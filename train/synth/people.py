"""Parameters of B people become a batch of people, part by part."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch

from .assets import load_assets
from .clothes import ClothesParams, build_clothes, covered_skin, sample_clothes
from .eyes import EyeParams, build_eyes, sample_eyes
from .glasses import GlassesParams, build_glasses, sample_glasses
from .hair import HairParams, grow_hair, sample_hair
from .hair.facial import FacialParams, grow_facial, sample_facial
from .head import HeadParams, build_head, sample_head
from .headwear import HeadwearParams, build_headwear, sample_headwear, tuck_in
from .mouth import MouthParams, build_mouth, sample_mouth
from .person import Person, Who, stream
from .skin import SkinParams, build_skin, sample_skin

SCALP_TINT, BEARD_TINT = 0.6, 0.8
"""How much of full hair or a dense beard is seen on the skin that it grows from."""


@dataclass(frozen=True)
class PersonParams:
    """All that a person is made of."""

    head: HeadParams
    skin: SkinParams
    eyes: EyeParams
    mouth: MouthParams
    clothes: ClothesParams
    hair: HairParams
    facial: FacialParams
    glasses: GlassesParams
    headwear: HeadwearParams


def sample_person(seed: int, who: Who) -> PersonParams:
    """Draw every part of somebody; each has random numbers of its own."""
    hair = sample_hair(stream(seed, "hair"), who)
    # Whoever dyes their hair leaves brows and beard as they are.
    undyed = replace(hair.colour, dyed=0.0).albedo
    facial = sample_facial(stream(seed, "facial"), who, undyed)
    return PersonParams(
        head=sample_head(stream(seed, "head"), who),
        skin=_below_hair(sample_skin(stream(seed, "skin"), who), hair, facial),
        eyes=sample_eyes(stream(seed, "eyes"), who),
        mouth=sample_mouth(stream(seed, "mouth"), who),
        clothes=sample_clothes(stream(seed, "clothes"), who),
        hair=hair,
        facial=facial,
        glasses=sample_glasses(stream(seed, "glasses"), who),
        headwear=sample_headwear(stream(seed, "headwear"), who),
    )


def _below_hair(skin: SkinParams, hair: HairParams, facial: FacialParams) -> SkinParams:
    """Skin darkened where short hair is dense."""
    # The tint covers the whole scalp, so whoever has bare places there goes without.
    line = hair.hairline
    whole = float(line.rim_mm > 200 and line.crown_mm < 15 and line.temples_mm < 25)
    bearded = facial.beard in ("stubble", "full", "long")
    return replace(
        skin,
        scalp_tint=(*hair.colour.albedo, SCALP_TINT * whole * line.density),
        stubble=max(skin.stubble, BEARD_TINT * facial.beard_density) if bearded else skin.stubble,
    )


def build_people(params: list[PersonParams], device: torch.device) -> Person:
    """B people on a device."""
    assets = load_assets(str(device))
    shape = build_head([p.head for p in params], assets)
    headwear = [p.headwear for p in params]
    clothes = [p.clothes for p in params]
    surfaces = (
        replace(build_skin([p.skin for p in params], shape), hidden=covered_skin(clothes, shape)),
        build_eyes([p.eyes for p in params], shape),
        build_mouth([p.mouth for p in params], shape),
        *build_clothes(clothes, shape),
        *build_glasses([p.glasses for p in params], shape),
        *build_headwear(headwear, shape),
    )
    # Scalp hair comes first: the renderer measures how deep inside it light is (render.py).
    strands = (
        tuck_in(grow_hair([p.hair for p in params], shape).strands, headwear, shape),
        grow_facial([p.facial for p in params], shape),
    )
    return Person(surfaces=surfaces, strands=strands, face=shape.vertices)
