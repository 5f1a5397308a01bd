"""The parsing network: a picture of a head becomes its eight classes and two soft mattes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn
from torch.nn import functional

from ..errors import AssetBroken
from .layers import ConvNorm, folded
from .light_unet import DECODER_CHANNELS, LightUNet

PARSE_ASSET = Path(__file__).parent.parent / "assets" / "parse.safetensors"
ARCHITECTURE = "ParseNet 1"
"""In the file's metadata; another number is another layout."""

CLASSES = 8
"""Of ``backend.head_parse``, in its order."""
MATTES = 2
"""Head and person."""

DETAIL_CHANNELS = 32
"""Of the last look, which joins the pixels' own colours; single hairs are as thin as that."""


@dataclass(frozen=True)
class ParseLogits:
    """What the network says of B pictures, before softmax and sigmoid."""

    classes: Tensor
    """(B,8,S,S) scores of the classes."""
    mattes: Tensor
    """(B,2,S,S) scores of head (everything but background, neck and body) and person."""


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
