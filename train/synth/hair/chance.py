"""Random numbers of every strand, the same on every device and in every batch."""

from __future__ import annotations

import math

import torch
from torch import Tensor

GOLDEN, FIRST_MIX, SECOND_MIX = -7046029254386353131, -4658895280553007687, -7723592293110705685
"""Constants of SplitMix64 (Steele, Lea and Flood 2014) as signed numbers."""
CHANNEL_STEP = 1 << 40
MANTISSA = 1 << 23
"""One bit less than float32 holds, so that the half step at the top does not round up to 1."""


def uniform(seeds: Tensor, names: Tensor, channel: int) -> Tensor:
    """Numbers in (0, 1) for strands or locks ``names`` (N,) or (B,N) int64 of people of ``seeds`` (B,) int64.

    Returns (B,N) float32. Every ``channel`` is another draw.
    """
    return uniforms(seeds, names, [channel])[0]


def uniforms(seeds: Tensor, names: Tensor, channels: list[int]) -> Tensor:
    """(C,B,N) of several channels: most of what a draw costs is to begin with it."""
    steps = torch.tensor(channels, device=seeds.device)[:, None, None] * CHANNEL_STEP + 1
    bits = (seeds[:, None] * FIRST_MIX) ^ (names + steps) * GOLDEN
    bits = (bits ^ _shifted(bits, 30)).mul_(FIRST_MIX)
    bits = (bits ^ _shifted(bits, 27)).mul_(SECOND_MIX)
    bits = bits ^ _shifted(bits, 31)
    return ((bits & (MANTISSA - 1)).float() + 0.5) / MANTISSA


def normal(seeds: Tensor, names: Tensor, channel: int) -> Tensor:
    """Like :func:`uniform`, of the standard normal distribution (Box and Muller 1958)."""
    return normals(seeds, names, [channel])[0]


def normals(seeds: Tensor, names: Tensor, channels: list[int]) -> Tensor:
    """Like :func:`uniforms`, normally distributed."""
    pairs = [2 * channel + start for start in (1000, 1001) for channel in channels]
    radius, turn = uniforms(seeds, names, pairs).unflatten(0, (2, -1))
    return (-2 * radius.log()).sqrt_() * (2 * math.pi * turn).cos_()


def vectors(seeds: Tensor, names: Tensor, channel: int) -> Tensor:
    """(B,N,3) normally distributed."""
    return normals(seeds, names, [3 * channel + axis for axis in range(3)]).permute(1, 2, 0)


def _shifted(bits: Tensor, by: int) -> Tensor:
    """Right, with zeros from the left as in unsigned numbers."""
    return (bits >> by).bitwise_and_((1 << (64 - by)) - 1)
