"""The refinement network: a coarse render with missing pixels becomes a whole picture.

Section 5.2 of Deep 3D Portrait (CVPR 2020), whose generator is that of pix2pixHD (Wang et al., CVPR 2018).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from .depth_net import exact
from .layers import folded
from .light_unet import enlarged
from .weights import broken, read_weights

REFINE_ASSET = Path(__file__).parent.parent / "assets" / "refine.safetensors"
ARCHITECTURE = "RefineNet 1"
"""In the file's metadata; another number is another layout."""

STRIDE = 32
"""Sides of pictures are multiples of this."""

LIGHT_CHANNELS = (32, 64, 96, 128, 128)
"""Of the light network at strides 2, 4, 8, 16 and 32."""
LIGHT_DILATIONS = (1, 2, 4, 1)
"""Of the blocks at its bottom: holes are wide, and what fills them stands far away."""
LEAK = 0.2


@dataclass(frozen=True)
class CoarseView:
    """What is known of B pictures before the network looks at them; sides are multiples of STRIDE."""

    picture: Tensor
    """(B,3,S,S) sRGB in [-1,1] times ``known``: missing pixels are 0."""
    known: Tensor
    """(B,S,S) in [0,1], 0 where a pixel is missing."""
    cover: Tensor
    """(B,S,S) in [0,1], how much of the background the person covers."""
    guess: Tensor
    """(B,3,S,S) in [-1,1], smooth colours that a missing pixel may have, the background's included."""

    @property
    def base(self) -> Tensor:
        """(B,3,S,S) known pixels, and the guess where they are missing."""
        return self.picture + (1 - self.known[:, None]) * self.guess


class RefineNet(nn.Module):
    """Whatever answers a :class:`CoarseView` with a picture."""

    def forward(self, view: CoarseView) -> Tensor:
        """(B,3,S,S) float32 sRGB, about [-1,1]: the whole picture, not only what is missing."""
        raise NotImplementedError


class PaperRefineNet(RefineNet):
    """pix2pixHD's global generator, the first convolution of each residual block dilated by 2.

    Sees picture and mask alone. The paper leaves depth and width open; the defaults are pix2pixHD's.
    """

    def __init__(self, channels: int = 64, downs: int = 4, blocks: int = 9) -> None:
        super().__init__()
        layers: list[nn.Module] = [nn.ReflectionPad2d(3), *_normed(nn.Conv2d(4, channels, 7))]
        for level in range(downs):
            inputs = channels * 2**level
            layers += _normed(nn.Conv2d(inputs, 2 * inputs, 3, 2, 1))
        layers += [DilatedBlock(channels * 2**downs) for _ in range(blocks)]
        for level in reversed(range(downs)):
            outputs = channels * 2**level
            layers += _normed(nn.ConvTranspose2d(2 * outputs, outputs, 3, 2, 1, output_padding=1))
        self.body = nn.Sequential(*layers)
        self.last = nn.Sequential(nn.ReflectionPad2d(3), nn.Conv2d(channels, 3, 7))

    def forward(self, view: CoarseView) -> Tensor:
        """See :class:`RefineNet`."""
        x = self.body(torch.cat([view.picture, 1 - view.known[:, None]], dim=1))
        return torch.tanh(exact(self.last, x))


class DilatedBlock(nn.Module):
    """A residual block of pix2pixHD whose first convolution is dilated by 2 (section 5.2)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.ReflectionPad2d(2),
            *_normed(nn.Conv2d(channels, channels, 3, dilation=2)),
            nn.ReflectionPad2d(1),
            nn.Conv2d(channels, channels, 3),
            nn.InstanceNorm2d(channels),
        )

    def forward(self, x: Tensor) -> Tensor:
        """(B,C,H,W) to the same shape."""
        return x + self.body(x)


def _normed(convolution: nn.Conv2d | nn.ConvTranspose2d) -> tuple[nn.Module, ...]:
    return convolution, nn.InstanceNorm2d(convolution.out_channels), nn.ReLU()


class LightRefineNet(RefineNet):
    """A U-Net without normalisation that corrects the guess; it begins as the guess itself.

    2 M parameters. It sees cover and guess besides picture and mask.
    """

    def __init__(self) -> None:
        super().__init__()
        widths = LIGHT_CHANNELS
        # Two by two pixels are one: the layers at full size would take more time than all others.
        self.stem = nn.Conv2d(8 * 2**2, widths[0], 3, padding=1)
        self.downs = nn.ModuleList(
            nn.Sequential(Residual(inputs), nn.Conv2d(inputs, outputs, 4, 2, 1))
            for inputs, outputs in pairwise(widths)
        )
        self.bottom = nn.Sequential(*(Residual(widths[-1], dilation) for dilation in LIGHT_DILATIONS))
        self.merges = nn.ModuleList(
            LightMerge(coarse, fine) for fine, coarse in reversed(list(pairwise(widths)))
        )
        self.head = nn.Conv2d(widths[0], 3 * 2**2, 3, padding=1)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)

    def forward(self, view: CoarseView) -> Tensor:
        """See :class:`RefineNet`."""
        base = view.base.float()
        planes = torch.cat([view.picture, base, view.known[:, None], view.cover[:, None]], dim=1)
        taps = [self.stem(functional.pixel_unshuffle(planes, 2))]
        for down in self.downs:
            taps.append(down(taps[-1]))
        x = self.bottom(taps.pop())
        for merge in self.merges:
            x = merge(x, taps.pop())
        return base + functional.pixel_shuffle(exact(self.head, functional.leaky_relu(x, LEAK)), 2)


class Residual(nn.Module):
    """Two 3x3 convolutions whose result is added; the first one may be dilated."""

    def __init__(self, channels: int, dilation: int = 1) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=dilation, dilation=dilation)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1)
        # Without normalisation, what is added has to begin small (Zhang et al., ICLR 2019: Fixup).
        nn.init.zeros_(self.conv2.weight)
        nn.init.zeros_(self.conv2.bias)

    def forward(self, x: Tensor) -> Tensor:
        """(B,C,H,W) to the same shape."""
        inner = self.conv1(functional.leaky_relu(x, LEAK))
        return x + self.conv2(functional.leaky_relu(inner, LEAK))


class LightMerge(nn.Module):
    """One step up: the coarser map is enlarged, joined with this scale's own, and looked at once."""

    def __init__(self, coarse: int, fine: int) -> None:
        super().__init__()
        self.narrow = nn.Conv2d(coarse + fine, fine, 1)
        self.mix = Residual(fine)

    def forward(self, coarse: Tensor, fine: Tensor) -> Tensor:
        """(B,coarse,h,w) and (B,fine,2h,2w) to (B,fine,2h,2w)."""
        return self.mix(self.narrow(torch.cat([enlarged(coarse), fine], dim=1)))


NETS: dict[str, Callable[[], RefineNet]] = {"paper": PaperRefineNet, "light": LightRefineNet}
"""By the name in the file's metadata."""


def load_refine_net(path: Path = REFINE_ASSET) -> RefineNet:
    """The network for inference in float32 on the CPU; the file says which one.

    Raises AssetBroken if the file is not sound.
    """
    state, origin = read_weights(path, ARCHITECTURE)
    try:
        net = folded(NETS[origin["net"]]())
        net.load_state_dict(state)
    except (KeyError, RuntimeError) as error:
        raise broken(path) from error
    return net.requires_grad_(False)
