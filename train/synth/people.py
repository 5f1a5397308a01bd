"""Parameters of B people become a batch of people, part by part."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from .assets import load_assets
from .clothes import ClothesParams, build_clothes, sample_clothes
from .eyes import EyeParams, build_eyes, sample_eyes
from .head import HeadParams, build_head, sample_head
from .mouth import MouthParams, build_mouth, sample_mouth
from .person import Person, Who, stream
from .skin import SkinParams, build_skin, sample_skin


@dataclass(frozen=True)
class PersonParams:
    """All that a person is made of."""

    head: HeadParams
    skin: SkinParams
    eyes: EyeParams
    mouth: MouthParams
    clothes: ClothesParams


def sample_person(seed: int, who: Who) -> PersonParams:
    """Draw every part of somebody; each has random numbers of its own."""
    return PersonParams(
        head=sample_head(stream(seed, "head"), who),
        skin=sample_skin(stream(seed, "skin"), who),
        eyes=sample_eyes(stream(seed, "eyes"), who),
        mouth=sample_mouth(stream(seed, "mouth"), who),
        clothes=sample_clothes(stream(seed, "clothes"), who),
    )


def build_people(params: list[PersonParams], device: torch.device) -> Person:
    """B people on a device."""
    assets = load_assets(str(device))
    shape = build_head([p.head for p in params], assets)
    surfaces = (
        build_skin([p.skin for p in params], shape),
        build_eyes([p.eyes for p in params], shape),
        build_mouth([p.mouth for p in params], shape),
        *build_clothes([p.clothes for p in params], shape),
    )
    return Person(surfaces=surfaces, strands=(), face=shape.vertices)
