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
    bits = (seeds[:, None] * FIRST_MIX) ^ (names + channel * CHANNEL_STEP + 1) * GOLDEN
    bits = (bits ^ _shifted(bits, 30)) * FIRST_MIX
    bits = (bits ^ _shifted(bits, 27)) * SECOND_MIX
    bits = bits ^ _shifted(bits, 31)
    return ((bits & (MANTISSA - 1)).float() + 0.5) / MANTISSA


def normal(seeds: Tensor, names: Tensor, channel: int) -> Tensor:
    """Like :func:`uniform`, of the standard normal distribution (Box and Muller 1958)."""
    radius = (-2 * uniform(seeds, names, 2 * channel + 1000).log()).sqrt()
    return radius * (2 * math.pi * uniform(seeds, names, 2 * channel + 1001)).cos()


def vectors(seeds: Tensor, names: Tensor, channel: int) -> Tensor:
    """(B,N,3) normally distributed."""
    return torch.stack([normal(seeds, names, 3 * channel + axis) for axis in range(3)], dim=-1)


def _shifted(bits: Tensor, by: int) -> Tensor:
    """Right, with zeros from the left as in unsigned numbers."""
    return (bits >> by) & ((1 << (64 - by)) - 1)
