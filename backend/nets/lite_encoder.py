"""The encoder of EfficientNet-Lite0: small, and without the gates that suffer in 16 bits."""

from __future__ import annotations

from torch import Tensor, nn

from .layers import ConvNorm

STEM_CHANNELS = 32

STAGES = (
    # repeats, kernel, stride, expansion, channels (Tan and Le, ICML 2019, table 1; Lite0 keeps B0's widths)
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)
TAPS = (0, 1, 2, 4, 6)
"""Stages whose results the decoder gets: the last ones of strides 2, 4, 8, 16 and 32."""

ENCODER_CHANNELS = tuple(STAGES[tap][4] for tap in TAPS)
ENCODER_STRIDE = 32


class InvertedResidual(nn.Module):
    """Widen, filter each channel by itself, narrow; add the input where the shape allows (MobileNetV2)."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int, expansion: int) -> None:
        super().__init__()
        wide = inputs * expansion
        self.expand = ConvNorm(inputs, wide, 1) if expansion > 1 else nn.Identity()
        self.depthwise = ConvNorm(wide, wide, kernel, stride, groups=wide)
        self.project = ConvNorm(wide, outputs, 1, active=False)
        self.shortcut = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        """(B,inputs,H,W) to (B,outputs,H/stride,W/stride)."""
        y = self.project(self.depthwise(self.expand(x)))
        return x + y if self.shortcut else y


class LiteEncoder(nn.Module):
    """Features of a picture at five scales."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = ConvNorm(3, STEM_CHANNELS, 3, stride=2)
        stages: list[nn.Module] = []
        inputs = STEM_CHANNELS
        for repeats, kernel, stride, expansion, outputs in STAGES:
            blocks = [InvertedResidual(inputs, outputs, kernel, stride, expansion)]
            blocks += [InvertedResidual(outputs, outputs, kernel, 1, expansion) for _ in range(repeats - 1)]
            stages.append(nn.Sequential(*blocks))
            inputs = outputs
        self.stages = nn.ModuleList(stages)

    def forward(self, x: Tensor) -> list[Tensor]:
        """(B,3,S,S) in [-1,1] to the taps (B,C,S/2,S/2) … (B,C,S/32,S/32); S is a multiple of 32."""
        x = self.stem(x)
        taps = []
        for number, stage in enumerate(self.stages):
            x = stage(x)
            if number in TAPS:
                taps.append(x)
        return taps
