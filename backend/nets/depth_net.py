"""The depth network: photo and face depth of a working crop become the depth of the whole head.

Section 4.2 of Deep 3D Portrait (CVPR 2020). Depths are *relief*: how far a surface lies before the plane
through the head centre, in units of 100 mm, as in the face model that the paper's weights are meant for.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from .layers import ConvNorm, folded
from .light_unet import DECODER_CHANNELS, LightUNet
from .parse_net import CLASSES
from .weights import broken, read_weights

DEPTH_ASSET = Path(__file__).parent.parent / "assets" / "depth.safetensors"
ARCHITECTURE = "DepthNet 1"
"""In the file's metadata; another number is another layout."""

DEPTH_SIDE = 256
"""Pixels along one side of the crop, as in the paper."""
COARSEST_PX = 32
"""A side is a multiple of this: the encoder halves it five times."""
UNIT_MM = 100.0
"""Millimetres in one unit of relief."""
FARTHEST = 2.0
"""Relief of everything lies between minus and plus this: no head reaches 200 mm from its centre plane."""

RESNET18 = ((64, 2), (128, 2), (256, 2), (512, 2))
"""Width and number of the basic blocks at strides 4, 8, 16 and 32 (He et al., CVPR 2016)."""
UP_CHANNELS = (256, 128, 64, 64)
"""Of the up-blocks at strides 16, 8, 4 and 2 (supplement S1)."""
BOUND = 1.0
"""The light network moves the prior by at most so much."""


@dataclass(frozen=True)
class HeadView:
    """What is known of B heads before the network looks at them; S is a multiple of 32."""

    picture: Tensor
    """(B,3,S,S) sRGB in [-1,1]."""
    face: Tensor
    """(B,S,S) relief of d_f, the fitted face where it is the nearest surface; NaN elsewhere."""
    prior: Tensor
    """(B,S,S) relief that :class:`backend.depth.GeometricPrior` gives the head; NaN elsewhere."""
    regions: Tensor
    """(B,S,S) int64 classes of :mod:`backend.head_parse`."""
    matte: Tensor
    """(B,S,S) in [0,1], share of the head."""

    def blind(self) -> HeadView:
        """The same without d_f and all that follows from it: the paper's ablation."""
        nothing = torch.full_like(self.face, torch.nan)
        return HeadView(self.picture, nothing, nothing, self.regions, self.matte)


class DepthNet(nn.Module):
    """Whatever answers a :class:`HeadView` with relief."""

    side: int = DEPTH_SIDE
    """Pixels along one side of the views that it was trained on and should be asked about."""

    def forward(self, view: HeadView) -> Tensor:
        """(B,S,S) float32 relief of the head's visible surface; it means something within the head only."""
        raise NotImplementedError


class PaperDepthNet(DepthNet):
    """ResNet-18 and five up-blocks with skips at strides 4, 8 and 16, as published (supplement S1).

    The published text leaves the transposed convolutions' kernel open (4 here) and starts from weights of
    ImageNet or none; here from none. Nothing tells the network about regions.
    """

    def __init__(self) -> None:
        super().__init__()
        self.stem = ConvNorm(4, RESNET18[0][0], 7, 2, active=False)
        self.stages = nn.ModuleList()
        channels = RESNET18[0][0]
        for number, (width, count) in enumerate(RESNET18):
            first = BasicBlock(channels, width, 2 if number else 1)
            rest = (BasicBlock(width, width, 1) for _ in range(count - 1))
            self.stages.append(nn.Sequential(first, *rest))
            channels = width
        self.ups = nn.ModuleList()
        for width, skip in zip(UP_CHANNELS, (256, 128, 64, 0), strict=True):
            self.ups.append(UpBlock(channels, width, skip))
            channels = width
        self.last = nn.Sequential(ConvNorm(channels, channels, 3), upward(channels, 1))

    def forward(self, view: HeadView) -> Tensor:
        """See :class:`DepthNet`; uses picture and d_f alone."""
        x = functional.relu(self.stem(torch.cat([view.picture, view.face[:, None].nan_to_num(0.0)], dim=1)))
        x = functional.max_pool2d(x, 3, 2, 1)
        taps: list[Tensor | None] = [None]
        for stage in self.stages:
            x = stage(x)
            taps.append(x)
        for up, skip in zip(self.ups, reversed(taps[:-1]), strict=True):
            x = up(x, skip)
        return exact(self.last, x)[:, 0]


class LikenessDepthNet(LightUNet, DepthNet):
    """A light U-Net that corrects the geometric prior, and sees regions and matte besides.

    It begins as the prior itself.
    """

    def __init__(self) -> None:
        super().__init__(3 + 3 + CLASSES + 1)
        self.head = nn.Conv2d(DECODER_CHANNELS[0], 2**2, 3, padding=1)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)

    def forward(self, view: HeadView) -> Tensor:
        """See :class:`DepthNet`."""
        prior = view.prior.nan_to_num(0.0)
        planes = (view.face.nan_to_num(0.0), view.face.isfinite().to(prior.dtype), prior, view.matte)
        classes = functional.one_hot(view.regions, CLASSES).movedim(-1, 1).to(prior.dtype)
        x = self.features(torch.cat([view.picture, torch.stack(planes, dim=1), classes], dim=1))
        # Full size by sub-pixel convolution (Shi et al., CVPR 2016): four pixels are four channels.
        change = functional.pixel_shuffle(exact(self.head, x), 2)[:, 0]
        return prior.float() + BOUND * torch.tanh(change / BOUND)


NETS: dict[str, Callable[[], DepthNet]] = {"paper": PaperDepthNet, "likeness": LikenessDepthNet}
"""By the name in the file's metadata."""


def load_depth_net(path: Path = DEPTH_ASSET) -> DepthNet:
    """The network for inference in float32 on the CPU; the file says which one, and for which side.

    Raises AssetBroken if the file is not sound.
    """
    state, origin = read_weights(path, ARCHITECTURE)
    try:
        net = folded(NETS[origin["net"]]())
        net.load_state_dict(state)
        net.side = int(origin.get("side", DEPTH_SIDE))
    except (KeyError, RuntimeError, ValueError) as error:
        raise broken(path) from error
    if net.side <= 0 or net.side % COARSEST_PX:
        raise broken(path)
    return net.requires_grad_(False)


def exact(last: nn.Module, x: Tensor) -> Tensor:
    """The last layers in float32 whatever the others use: 16 bits would cut a head into steps of a mm."""
    with torch.autocast(x.device.type, enabled=False):
        return last(x.float())


class BasicBlock(nn.Module):
    """Two 3x3 convolutions beside a shortcut (He et al., CVPR 2016)."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.conv1 = ConvNorm(inputs, outputs, 3, stride, active=False)
        self.conv2 = ConvNorm(outputs, outputs, 3, active=False)
        changes = inputs != outputs or stride > 1
        self.shortcut = ConvNorm(inputs, outputs, 1, stride, active=False) if changes else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """(B,inputs,H,W) to (B,outputs,H/stride,W/stride)."""
        return functional.relu(self.conv2(functional.relu(self.conv1(x))) + self.shortcut(x))


class UpBlock(nn.Module):
    """A transposed convolution of stride 2, joined with the encoder's features, and a convolution."""

    def __init__(self, inputs: int, outputs: int, skip: int) -> None:
        super().__init__()
        self.up = upward(inputs, outputs)
        self.mix = ConvNorm(outputs + skip, outputs, 3, active=False)

    def forward(self, x: Tensor, skip: Tensor | None) -> Tensor:
        """(B,inputs,H,W) and perhaps (B,skip,2H,2W) to (B,outputs,2H,2W)."""
        x = functional.relu(self.up(x))
        return functional.relu(self.mix(x if skip is None else torch.cat([x, skip], dim=1)))


def upward(inputs: int, outputs: int) -> nn.ConvTranspose2d:
    """Doubles a map; a kernel twice the stride wide leaves no checkerboard (Odena et al., Distill 2016)."""
    return nn.ConvTranspose2d(inputs, outputs, 4, 2, 1)


def relief_of(depth_mm: Tensor, centre_mm: Tensor) -> Tensor:
    """Relief of depths (B,S,S) along the optical axis; ``centre_mm`` (B,) that of the head centre."""
    return (centre_mm[:, None, None] - depth_mm) / UNIT_MM


def depth_of(relief: Tensor, centre_mm: Tensor) -> Tensor:
    """Inverse of :func:`relief_of`, mm."""
    return centre_mm[:, None, None] - UNIT_MM * relief
