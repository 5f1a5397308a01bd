"""Colours of strands: each its own, and the same alone or in a batch."""

from __future__ import annotations

from dataclasses import replace

import torch

from train.synth.hair.colour import HairColour, colour_strands

BLACK = HairColour(2.5, 0.3, 0.0, 1.0, 0.2, 0.0, (0.3, 0.03, 0.03), 0.0)
SEEDS = torch.tensor([11, 12, 13])
LOCKS = (torch.arange(600) // torch.tensor([[60], [20], [5]])).expand(3, 3, -1).transpose(0, 1)
"""(3,B,N) of people who each have locks of their own."""


def coloured(colours: list[HairColour], people: slice = slice(None)) -> torch.Tensor:
    return colour_strands(colours, SEEDS[people], LOCKS[:, people])


def test_strands_of_one_person_differ() -> None:
    alone = coloured([BLACK], slice(0, 1))
    assert alone.shape == (1, 600, 3)
    assert alone[0].unique(dim=0).shape[0] > 500


def test_colours_are_the_same_alone_and_in_company() -> None:
    together = coloured([BLACK] * 3)
    torch.testing.assert_close(together[2:], coloured([BLACK], slice(2, 3)))


def test_half_grey_hair_of_salt_and_pepper_has_dark_and_white_strands() -> None:
    brightness = coloured([replace(BLACK, grey=0.5)] * 3).mean(dim=-1)
    assert 0.25 < (brightness > 0.3).float().mean() < 0.75
    assert (brightness < 0.25).float().mean() > 0.25


def test_colours_are_albedos_and_melanin_darkens() -> None:
    blonde = replace(BLACK, eumelanin=0.2)
    light, dark = coloured([blonde] * 3), coloured([BLACK] * 3)
    assert light.min() > 0
    assert light.max() < 1
    assert light.mean() > 3 * dark.mean()
