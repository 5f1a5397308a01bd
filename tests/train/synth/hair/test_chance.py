"""Random numbers of strands: whole in (0, 1), the same alone and in a batch, unlike for neighbours."""

from __future__ import annotations

import torch

from train.synth.hair.chance import normal, uniform

NAMES = torch.arange(20_000)
SEEDS = torch.tensor([3, 2**39 + 5])


def test_uniform_numbers_fill_the_unit_interval_evenly() -> None:
    drawn = uniform(SEEDS, NAMES, 0)
    assert drawn.min() > 0
    assert drawn.max() < 1
    shares = torch.histc(drawn, bins=10, min=0, max=1) / drawn.numel()
    torch.testing.assert_close(shares, torch.full((10,), 0.1), atol=0.01, rtol=0)


def test_a_person_draws_the_same_alone_and_in_a_batch() -> None:
    together = uniform(SEEDS, NAMES, 7)
    torch.testing.assert_close(together[1:], uniform(SEEDS[1:], NAMES, 7), atol=0, rtol=0)


def test_people_channels_and_neighbours_are_uncorrelated() -> None:
    first, second = normal(SEEDS, NAMES, 0), normal(SEEDS, NAMES, 1)
    rows = torch.stack([first[0], first[1], second[0], first[0].roll(1)])
    assert torch.corrcoef(rows).fill_diagonal_(0).abs().max() < 0.03


def test_normal_numbers_have_unit_variance() -> None:
    drawn = normal(SEEDS, NAMES, 2)
    assert abs(float(drawn.mean())) < 0.02
    assert abs(float(drawn.var()) - 1) < 0.03
