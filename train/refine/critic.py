"""The discriminator of pix2pixHD (Wang et al., CVPR 2018): patches at several scales, real or not."""

from __future__ import annotations

from itertools import pairwise

from torch import Tensor, nn
from torch.nn import functional

DEEPEST = 8
"""Layers are at most so many times as wide as the first one."""
LEAK = 0.2

Answers = list[list[Tensor]]
"""Of each scale the features of each layer, finest first; the last ones are the scores of patches."""


class PatchCritic(nn.Module):
    """PatchGAN (Isola et al., CVPR 2017): one score for every patch of about 70 pixels."""

    def __init__(self, channels: int, layers: int = 3) -> None:
        super().__init__()
        widths = [min(channels * 2**level, DEEPEST * channels) for level in range(layers + 1)]
        stages: list[nn.Module] = [nn.Sequential(nn.Conv2d(3, widths[0], 4, 2, 2), nn.LeakyReLU(LEAK))]
        for level, (inputs, outputs) in enumerate(pairwise(widths)):
            stride = 2 if level < layers - 1 else 1
            stages.append(
                nn.Sequential(
                    nn.Conv2d(inputs, outputs, 4, stride, 2),
                    nn.InstanceNorm2d(outputs),
                    nn.LeakyReLU(LEAK),
                )
            )
        stages.append(nn.Conv2d(widths[-1], 1, 4, 1, 2))
        self.stages = nn.ModuleList(stages)

    def forward(self, pictures: Tensor) -> list[Tensor]:
        """Features of (B,3,H,W), and scores (B,1,h,w) at the end."""
        found = [pictures]
        for stage in self.stages:
            found.append(stage(found[-1]))
        return found[1:]


class Critic(nn.Module):
    """A :class:`PatchCritic` for the picture and one for each picture half as large."""

    def __init__(self, channels: int = 64, scales: int = 2) -> None:
        super().__init__()
        self.scales = nn.ModuleList(PatchCritic(channels) for _ in range(scales))

    def forward(self, pictures: Tensor) -> Answers:
        """Look at (B,3,H,W) in [-1,1]."""
        answers: Answers = []
        for scale in self.scales:
            answers.append(scale(pictures))
            pictures = functional.avg_pool2d(pictures, 3, 2, 1, count_include_pad=False)
        return answers
