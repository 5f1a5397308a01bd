"""The parsing network: a picture of a head becomes its eight classes and two soft mattes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn
from torch.nn import functional

from ..errors import AssetBroken
from .face_encoder import ENCODER_CHANNELS, FaceEncoder
from .layers import ConvNorm, folded

PARSE_ASSET = Path(__file__).parent.parent / "assets" / "parse.safetensors"
ARCHITECTURE = "ParseNet 1"
"""In the file's metadata; another number is another layout."""

CLASSES = 8
"""Of ``backend.head_parse``, in its order."""
MATTES = 2
"""Head and person."""

DECODER_CHANNELS = (32, 48, 64, 96, 96)
"""At strides 2, 4, 8, 16 and 32."""
DETAIL_CHANNELS = 32
"""Of the last look, which joins the pixels' own colours; single hairs are as thin as that."""


@dataclass(frozen=True)
class ParseLogits:
    """What the network says of B pictures, before softmax and sigmoid."""

    classes: Tensor
    """(B,8,S,S) scores of the classes."""
    mattes: Tensor
    """(B,2,S,S) scores of head (everything but background, neck and body) and person."""


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


class LightUNet(nn.Module):
    """Residual encoder with a light U-Net decoder (Ronneberger et al., MICCAI 2015) up to half size."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = FaceEncoder()
        self.bottom = nn.Sequential(
            ConvNorm(ENCODER_CHANNELS[-1], DECODER_CHANNELS[-1], 1), Context(DECODER_CHANNELS[-1])
        )
        self.merges = nn.ModuleList(
            Merge(DECODER_CHANNELS[k + 1], ENCODER_CHANNELS[k], DECODER_CHANNELS[k])
            for k in reversed(range(len(DECODER_CHANNELS) - 1))
        )

    def features(self, pictures: Tensor) -> Tensor:
        """(B,3,S,S) in [-1,1] to (B,32,S/2,S/2); S is a multiple of 32."""
        taps = self.encoder(pictures)
        x = self.bottom(taps[-1])
        for merge, skip in zip(self.merges, reversed(taps[:-1]), strict=True):
            x = merge(x, skip)
        return x


class ParseNet(LightUNet):
    """The light U-Net with a last look at full size."""

    def __init__(self) -> None:
        super().__init__()
        self.detail = ConvNorm(DECODER_CHANNELS[0] + 3 * 2**2, DETAIL_CHANNELS, 3)
        self.head = nn.Conv2d(DETAIL_CHANNELS, (CLASSES + MATTES) * 2**2, 1)

    def forward(self, pictures: Tensor) -> ParseLogits:
        """Parse (B,3,S,S) sRGB pictures scaled to [-1,1] by :func:`normalised`; S is a multiple of 32."""
        x = self.features(pictures)
        # Full size by sub-pixel convolution (Shi et al., CVPR 2016): four pixels are four channels.
        x = self.detail(torch.cat([x, functional.pixel_unshuffle(pictures, 2).to(x.dtype)], dim=1))
        classes, mattes = functional.pixel_shuffle(self.head(x), 2).split([CLASSES, MATTES], dim=1)
        return ParseLogits(classes, mattes)


def normalised(pixels: Tensor) -> Tensor:
    """(…,H,W,3) uint8 sRGB to (…,3,H,W) float32 in [-1,1]."""
    return pixels.movedim(-1, -3).float() / 127.5 - 1.0


def enlarged(x: Tensor) -> Tensor:
    """(B,C,H,W) to (B,C,2H,2W)."""
    return functional.interpolate(x, scale_factor=2.0, mode="bilinear", align_corners=False)


def load_parse_net(path: Path = PARSE_ASSET) -> ParseNet:
    """The network for inference in float32 on the CPU. Raises AssetBroken if the file is not sound."""
    net = folded(ParseNet())
    try:
        with safe_open(path, "pt") as file:
            architecture = (file.metadata() or {}).get("architecture")
            if architecture != ARCHITECTURE:
                raise ValueError(f"weights of {architecture!r} for {ARCHITECTURE!r}")
            state = {name: file.get_tensor(name).float() for name in file.keys()}  # noqa: SIM118
        if not all(bool(values.isfinite().all()) for values in state.values()):
            raise ValueError("weights that are no numbers")
        net.load_state_dict(state)
    except (OSError, SafetensorError, ValueError, RuntimeError) as error:
        raise AssetBroken(
            f"A file that belongs to Likeness is missing or damaged: {path.name}.",
            "Install Likeness again; your own files are not affected.",
        ) from error
    return net.requires_grad_(False)
