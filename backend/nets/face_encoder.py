"""A residual encoder with the layout of dlib's face recogniser, whose filters it can start from.

Dense convolutions on purpose: depthwise ones have fewer parameters but train ten times slower on a CPU.
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

from .layers import ConvNorm

STEM_CHANNELS = 32
STEM_KERNEL = 7

STAGES: tuple[tuple[tuple[str, int, int, bool], ...], ...] = (
    (("conv32_1", 32, 32, False), ("conv32_2", 32, 32, False), ("conv32_3", 32, 32, False)),
    (
        ("conv64_down", 32, 64, True),
        ("conv64_1", 64, 64, False),
        ("conv64_2", 64, 64, False),
        ("conv64_3", 64, 64, False),
    ),
    (("conv128_down", 64, 128, True), ("conv128_1", 128, 128, False), ("conv128_2", 128, 128, False)),
    (("conv256_down", 128, 256, True),),
)
"""Blocks at strides 4, 8, 16 and 32: name in the recogniser, channels in and out, whether it halves."""

ENCODER_CHANNELS = (STEM_CHANNELS, *(stage[-1][2] for stage in STAGES))
"""Channels of the taps at strides 2, 4, 8, 16 and 32."""
ENCODER_STRIDE = 32


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions; the shortcut of a halving one is an average pool with zero channels added."""

    def __init__(self, inputs: int, outputs: int, halves: bool) -> None:
        super().__init__()
        self.conv1 = ConvNorm(inputs, outputs, 3, stride=2 if halves else 1)
        self.conv2 = ConvNorm(outputs, outputs, 3, active=False)
        self.halves = halves
        self.added = outputs - inputs

    def forward(self, x: Tensor) -> Tensor:
        """(B,inputs,H,W) to (B,outputs,H/stride,W/stride)."""
        y = self.conv2(self.conv1(x))
        if self.halves:
            x = functional.pad(functional.avg_pool2d(x, 2), (0, 0, 0, 0, 0, self.added))
        return functional.relu6(x + y)


class FaceEncoder(nn.Module):
    """Features of a picture at five scales; 2.0 M parameters."""

    def __init__(self, inputs: int = 3) -> None:
        super().__init__()
        self.stem = ConvNorm(inputs, STEM_CHANNELS, STEM_KERNEL, stride=2)
        self.stages = nn.ModuleList(
            nn.Sequential(*(ResidualBlock(inputs, outputs, halves) for _, inputs, outputs, halves in stage))
            for stage in STAGES
        )

    def forward(self, x: Tensor) -> list[Tensor]:
        """(B,inputs,S,S) in [-1,1] to the taps (B,C,S/2,S/2) … (B,C,S/32,S/32); S is a multiple of 32."""
        taps = [self.stem(x)]
        x = functional.max_pool2d(functional.pad(taps[0], (0, 1, 0, 1)), 3, 2)
        for stage in self.stages:
            x = stage(x)
            taps.append(x)
        return taps
