"""The layers that the parsing, the normal and the depth network share: small enough for a laptop's CPU."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from .face_encoder import ENCODER_CHANNELS, FaceEncoder
from .layers import ConvNorm

DECODER_CHANNELS = (32, 48, 64, 96, 96)
"""At strides 2, 4, 8, 16 and 32."""


class LightUNet(nn.Module):
    """Residual encoder with a light U-Net decoder (Ronneberger et al., MICCAI 2015) up to half size."""

    def __init__(self, inputs: int = 3) -> None:
        super().__init__()
        self.encoder = FaceEncoder(inputs)
        self.bottom = nn.Sequential(
            ConvNorm(ENCODER_CHANNELS[-1], DECODER_CHANNELS[-1], 1), Context(DECODER_CHANNELS[-1])
        )
        self.merges = nn.ModuleList(
            Merge(DECODER_CHANNELS[k + 1], ENCODER_CHANNELS[k], DECODER_CHANNELS[k])
            for k in reversed(range(len(DECODER_CHANNELS) - 1))
        )

    def features(self, pictures: Tensor) -> Tensor:
        """(B,inputs,S,S) in [-1,1] to (B,32,S/2,S/2); S is a multiple of 32."""
        taps = self.encoder(pictures)
        x = self.bottom(taps[-1])
        for merge, skip in zip(self.merges, reversed(taps[:-1]), strict=True):
            x = merge(x, skip)
        return x


class Merge(nn.Module):
    """One step up: the coarser map is enlarged and joined with the encoder's features of this scale."""

    def __init__(self, coarse: int, skip: int, outputs: int) -> None:
        super().__init__()
        self.narrow = ConvNorm(coarse + skip, outputs, 1)
        self.mix = ConvNorm(outputs, outputs, 3)

    def forward(self, coarse: Tensor, skip: Tensor) -> Tensor:
        """(B,coarse,h,w) and (B,skip,2h,2w) to (B,outputs,2h,2w)."""
        return self.mix(self.narrow(torch.cat([enlarged(coarse), skip], dim=1)))


class Context(nn.Module):
    """Adds what the whole picture shows to every place of the coarsest map (ParseNet, Liu et al. 2015)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.whole = nn.Linear(channels, channels)

    def forward(self, x: Tensor) -> Tensor:
        """(B,C,h,w) to the same shape."""
        return x + self.whole(x.mean(dim=(2, 3)))[:, :, None, None]


def enlarged(x: Tensor) -> Tensor:
    """(B,C,H,W) to (B,C,2H,2W)."""
    return functional.interpolate(x, scale_factor=2.0, mode="bilinear", align_corners=False)
