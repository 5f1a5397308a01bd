"""What the parsing network is punished for."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional

from .sample import UNKNOWN

EDGE_GAIN = 4.0
"""How much more a matte counts where it is neither 0 nor 1: there it is what it exists for."""


def cross_entropy(scores: Tensor, regions: Tensor, weights: Tensor) -> Tensor:
    """Mean over known pixels of ``scores`` (B,C,H,W) against ``regions`` (B,H,W) int64, or 0."""
    sums = functional.cross_entropy(scores, regions, weights, ignore_index=UNKNOWN, reduction="sum")
    known = regions != UNKNOWN
    return sums / weights[regions[known]].sum().clamp(min=1.0)


def overlap_loss(scores: Tensor, regions: Tensor) -> Tensor:
    """1 - soft Dice (Milletari et al., 3DV 2016), averaged over the classes that the batch shows."""
    known = regions != UNKNOWN
    truth = functional.one_hot(regions.where(known, 0), scores.shape[1]).movedim(-1, 1) * known[:, None]
    share = scores.softmax(dim=1) * known[:, None]
    area = truth.sum(dim=(0, 2, 3))
    both = (share * truth).sum(dim=(0, 2, 3))
    dice = (2 * both + 1) / (share.sum(dim=(0, 2, 3)) + area + 1)
    shown = area > 0
    return (1 - dice)[shown].mean() if bool(shown.any()) else scores.sum() * 0


def matte_loss(scores: Tensor, mattes: Tensor, trusted: Tensor) -> Tensor:
    """Mean error of ``sigmoid(scores)`` (B,2,H,W) to ``mattes`` in [0,1], weighted by ``trusted`` (B,H,W)."""
    weight = trusted[:, None] * (1 + EDGE_GAIN * ((mattes > 0.02) & (mattes < 0.98)))
    error = (scores.sigmoid() - mattes).abs() * weight
    return error.sum() / weight.sum().clamp(min=1.0)
