"""Building blocks that the networks share: normalised convolutions, and their folding for inference."""

from __future__ import annotations

import copy
from typing import TypeVar

from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.fusion import fuse_conv_bn_eval

BATCH_NORM_EPSILON = 1e-3
BATCH_NORM_MOMENTUM = 0.01
"""Of EfficientNet (Tan and Le, ICML 2019), in torch's convention."""

Net = TypeVar("Net", bound=nn.Module)


class ConvNorm(nn.Module):
    """Convolution, batch normalisation and, if ``active``, ReLU6 (ReLU6 keeps 16-bit numbers safe).

    Strided convolutions pad like TensorFlow's ``SAME`` (more on the right and below), which is what the
    ImageNet weights were trained with; input sides must be even there.
    """

    def __init__(
        self, inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1, active: bool = True
    ) -> None:
        super().__init__()
        pad = (kernel - 1) // 2 if stride == 1 else 0
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride, pad, groups=groups, bias=False)
        self.norm: nn.Module = nn.BatchNorm2d(outputs, BATCH_NORM_EPSILON, BATCH_NORM_MOMENTUM)
        self.active = active
        short = (kernel - stride) // 2
        self.pad = (short, kernel - stride - short) * 2 if stride > 1 else None

    def forward(self, x: Tensor) -> Tensor:
        """(B,inputs,H,W) to (B,outputs,H/stride,W/stride)."""
        if self.pad is not None:
            x = functional.pad(x, self.pad)
        x = self.norm(self.conv(x))
        return functional.relu6(x) if self.active else x


def folded(net: Net) -> Net:
    """A copy for inference whose batch normalisations have become part of their convolutions."""
    net = copy.deepcopy(net).eval()
    for module in net.modules():
        if isinstance(module, ConvNorm) and isinstance(module.norm, nn.BatchNorm2d):
            module.conv = fuse_conv_bn_eval(module.conv, module.norm)
            module.norm = nn.Identity()
    return net


def parameter_count(net: nn.Module) -> int:
    """Number of trainable numbers."""
    return sum(parameter.numel() for parameter in net.parameters())
