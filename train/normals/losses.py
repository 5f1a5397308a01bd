"""What the normal network is punished for."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

from backend.nets.normal_net import FaceNormals


def error_angle(found: Tensor, truth: Tensor) -> Tensor:
    """Angles (B,H,W) in radians between unit vectors (B,3,H,W), with a gradient at 0, too."""
    chord = (found - truth).square().sum(dim=1).clamp(min=1e-8).sqrt()
    return 2 * torch.asin((chord / 2).clamp(max=1 - 1e-4))


def doubtful_angle_loss(answer: FaceNormals, truth: Tensor) -> Tensor:
    """Mean negative logarithm of how likely the truth (B,3,H,W) is to an answer; 0 vectors do not count.

    The angle follows the distribution of Bae et al. (ICCV 2021, eq. 3), whose concentration the network says,
    so that beards and shadows may be doubted: ``-log(k² + 1) + k a + log(1 + exp(-k π))``.
    """
    known = truth.square().sum(dim=1) > 0.5
    angle, sure = error_angle(answer.normals, truth), answer.sureness
    unlikely = -(sure.square() + 1).log() + sure * angle + (-math.pi * sure).exp().log1p()
    return unlikely[known].mean() if bool(known.any()) else 0.0 * unlikely.sum()


def cover_loss(answer: FaceNormals, cover: Tensor, truth: Tensor) -> Tensor:
    """Mean cross entropy of what lies before a face against ``cover`` (B,H,W), where ``truth`` is not 0."""
    known = truth.square().sum(dim=1) > 0.5
    if not bool(known.any()):
        return 0.0 * answer.covered.sum()
    return functional.binary_cross_entropy_with_logits(answer.covered[known], cover[known])
