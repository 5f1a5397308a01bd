"""What the refinement network is punished for: eq. 10 to 13 of Deep 3D Portrait, section 5.2."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from .critic import Answers


def colour_loss(answer: Tensor, target: Tensor) -> Tensor:
    """Mean distance of colours (B,3,H,W) (eq. 10).

    For a render, multiply both by what is known: missing pixels have no target. The mean is taken over all
    pixels all the same, as the integral in the paper.
    """
    return (answer - target).abs().mean()


def realism_loss(answers: Answers) -> Tensor:
    """How far the critic is from taking made pictures for real ones, mean over its scales (eq. 11).

    One half of the squared distance to 1 (LSGAN, Mao et al., ICCV 2017).
    """
    return torch.stack([0.5 * (wide(of[-1]) - 1).square().mean() for of in answers]).mean()


def critic_loss(made: Answers, real: Answers | None) -> Tensor:
    """How far the critic is from 0 for made and from 1 for real pictures, mean over its scales (eq. 12).

    ``real`` None: a batch of renders, for which there is no real picture. Made pictures of both kinds of
    batches count one half each, real ones one.
    """
    loss = torch.stack([0.5 * wide(of[-1]).square().mean() for of in made]).mean()
    if real is None:
        return loss
    return loss + torch.stack([(wide(of[-1]) - 1).square().mean() for of in real]).mean()


def feature_loss(found: Sequence[Tensor], target: Sequence[Tensor]) -> Tensor:
    """Sum over layers of the mean distance of features (eq. 13)."""
    pairs = zip(found, target, strict=True)
    return torch.stack([(wide(a) - wide(b)).abs().mean() for a, b in pairs]).sum()


def matching_loss(made: Answers, real: Answers) -> Tensor:
    """Mean distance of the critic's own features, over layers and scales (pix2pixHD, eq. 4).

    Not one of the paper's losses.
    """
    pairs = [pair for a, b in zip(made, real, strict=True) for pair in zip(a[:-1], b[:-1], strict=True)]
    return torch.stack([(wide(a) - wide(b.detach())).abs().mean() for a, b in pairs]).mean()


def wide(values: Tensor) -> Tensor:
    """At least 32 bits: means over many numbers need more than bfloat16 has."""
    return values.to(torch.promote_types(values.dtype, torch.float32))
