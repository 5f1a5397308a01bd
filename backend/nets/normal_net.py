"""The normal network: which way every bit of a face's skin looks, from its shading and its outlines.

Shading tells relief, and it tells it locally: a dense answer uses every pixel, where one vector of
coefficients would have to squeeze the whole face through one layer (cf. Giebenhain et al., *Pixel3DMM*,
arXiv 2505.00615, who fit a head to normals that a network draws).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from .layers import folded
from .light_unet import DECODER_CHANNELS, LightUNet
from .weights import broken, read_weights

NORMAL_ASSET = Path(__file__).parent.parent / "assets" / "normals.safetensors"
ARCHITECTURE = "NormalNet 1"
"""In the file's metadata; another number is another layout."""

NORMAL_SIDE = 128
"""Of the pictures, in pixels, where the file does not say."""
STRIDE = 2
"""Pixels of the picture in one of the answer: 4 mm, and vertices of the face lie 2 to 3 mm apart."""
LEAST_SURE = 1e-3
"""Keeps the concentration positive."""


@dataclass(frozen=True)
class FaceNormals:
    """What the network says of B faces."""

    normals: Tensor
    """(B,3,S/2,S/2) unit, outward; axes of a camera that looks straight at the window's middle
    (:mod:`backend.nets.face_crop`), turned y-up. They mean something on the face's skin only."""
    sureness: Tensor
    """(B,S/2,S/2) concentration of the error angle: the angle in radians is about 2 over it on average."""
    covered: Tensor
    """(B,S/2,S/2) logit that something lies before the face which belongs to no head: a hand, a cup."""


class NormalNet(LightUNet):
    """The parsing network's layers up to half the picture's size, and one look at normal, doubt and cover."""

    side: int = NORMAL_SIDE

    def __init__(self) -> None:
        super().__init__()
        self.head = nn.Conv2d(DECODER_CHANNELS[0], 5, 1)

    def forward(self, pictures: Tensor) -> FaceNormals:
        """Normals of faces (B,3,S,S), sRGB in [-1,1], cut by :func:`backend.nets.face_crop.face_window`.

        S is a multiple of 32, best :attr:`side`.
        """
        x = self.features(pictures)
        # Half precision would round the last degree away.
        with torch.autocast(pictures.device.type, enabled=False):
            answer = functional.conv2d(x.float(), self.head.weight.float(), self.head.bias.float())
            # A head looks at the camera unless something speaks for another direction.
            ahead = answer[:, :3] + answer.new_tensor([0.0, 0.0, 1.0])[:, None, None]
            return FaceNormals(
                normals=functional.normalize(ahead, dim=1),
                sureness=functional.elu(answer[:, 3]) + 1 + LEAST_SURE,
                covered=answer[:, 4],
            )


def load_normal_net(path: Path = NORMAL_ASSET) -> NormalNet:
    """The network for inference in float32 on the CPU. Raises AssetBroken if the file is not sound."""
    state, origin = read_weights(path, ARCHITECTURE)
    net = folded(NormalNet())
    try:
        net.side = int(origin.get("side", NORMAL_SIDE))
        net.load_state_dict(state)
    except (ValueError, RuntimeError) as error:
        raise broken(path) from error
    return net.requires_grad_(False)
