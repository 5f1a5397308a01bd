"""Who a face is, as 128 numbers: dlib's face recogniser (King 2017) in torch, for losses and evaluation.

The weights are dlib's, public domain, in the 8-bit form in which face-api carries them
(``tools/build_identity_net.py`` converts them; ``backend/assets/identity.card.md``).
"""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn
from torch.nn import functional

from ..errors import AssetBroken

IDENTITY_ASSET = Path(__file__).parent.parent / "assets" / "identity.safetensors"

INPUT_SIDE = 150
"""Pixels; the face fills the square with a quarter of its own size as a margin."""
MEAN_RGB = (122.782, 117.001, 104.298)
EMBEDDING = 128

SAME_PERSON_MEDIAN, SAME_PERSON_95 = 0.34, 0.50
"""L2 distance of two photographs of one person by this network: median and 95th percentile."""

BLOCKS: tuple[tuple[str, int, int, bool], ...] = (
    ("conv32_1", 32, 32, False),
    ("conv32_2", 32, 32, False),
    ("conv32_3", 32, 32, False),
    ("conv64_down", 32, 64, True),
    ("conv64_1", 64, 64, False),
    ("conv64_2", 64, 64, False),
    ("conv64_3", 64, 64, False),
    ("conv128_down", 64, 128, True),
    ("conv128_1", 128, 128, False),
    ("conv128_2", 128, 128, False),
    ("conv256_down", 128, 256, True),
    ("conv256_1", 256, 256, False),
    ("conv256_2", 256, 256, False),
    ("conv256_down_out", 256, 256, True),
)
"""Name, channels in, channels out, whether it halves the picture: the 14 residual blocks in order."""


class ScaledConv(nn.Module):
    """A convolution with the frozen scale and shift that batch normalisation left behind."""

    def __init__(self, inside: int, outside: int, kernel: int, stride: int, padding: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inside, outside, kernel, stride, padding)
        self.scale = nn.Parameter(torch.ones(outside))
        self.shift = nn.Parameter(torch.zeros(outside))

    def forward(self, x: Tensor) -> Tensor:
        """(B,inside,H,W) to (B,outside,H',W')."""
        return self.conv(x) * self.scale[:, None, None] + self.shift[:, None, None]


class Block(nn.Module):
    """A residual block; the shortcut of one that halves is an average pool with zero channels added."""

    def __init__(self, inside: int, outside: int, down: bool) -> None:
        super().__init__()
        self.down = down
        # dlib pads nothing where it strides; the row and column that this loses come back as zeros.
        self.conv1 = ScaledConv(inside, outside, 3, 2 if down else 1, 0 if down else 1)
        self.conv2 = ScaledConv(outside, outside, 3, 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(B,inside,H,W) to (B,outside,H or H/2,...)."""
        out = self.conv2(self.conv1(x).relu())
        if not self.down:
            return (out + x).relu()
        short = functional.avg_pool2d(x, 2)
        height, width = (max(a, b) for a, b in zip(out.shape[2:], short.shape[2:], strict=True))
        channels = max(out.shape[1], short.shape[1])
        return (_padded(out, channels, height, width) + _padded(short, channels, height, width)).relu()


def _padded(x: Tensor, channels: int, height: int, width: int) -> Tensor:
    return functional.pad(x, (0, width - x.shape[3], 0, height - x.shape[2], 0, channels - x.shape[1]))


class IdentityNet(nn.Module):
    """dlib's ResNet-29: two faces of one person lie closer than about 0.5, strangers further than 0.6."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = ScaledConv(3, 32, 7, 2, 0)
        self.blocks = nn.ModuleDict({name: Block(i, o, down) for name, i, o, down in BLOCKS})
        self.head = nn.Linear(256, EMBEDDING, bias=False)

    def forward(self, pictures: Tensor) -> Tensor:
        """Embeddings (B,128) of ``pictures`` (B,3,150,150) float sRGB in [0,1]; differentiable."""
        mean = pictures.new_tensor(MEAN_RGB)[:, None, None]
        x = functional.max_pool2d(self.stem((pictures * 255.0 - mean) / 256.0).relu(), 3, 2)
        for block in self.blocks.values():
            x = block(x)
        return self.head(x.mean(dim=(2, 3)))


def load_identity_net(path: Path = IDENTITY_ASSET) -> IdentityNet:
    """The network with its weights, frozen, in evaluation mode. Raises AssetBroken if they are not there."""
    net = IdentityNet()
    try:
        with safe_open(path, "pt") as file:
            steps = json.loads(file.metadata()["quantisation"])
            names = list(file.keys())
            state = {name: _restored(file.get_tensor(name), steps.get(name)) for name in names}
        net.load_state_dict(state)
    except (OSError, SafetensorError, KeyError, TypeError, ValueError, RuntimeError) as error:
        raise AssetBroken(
            f"A file that belongs to Likeness is missing or damaged: {path.name}.",
            "Install Likeness again; your own files are not affected.",
        ) from error
    return net.requires_grad_(False).eval()


def _restored(stored: Tensor, quantisation: tuple[float, float] | None) -> Tensor:
    scale, low = quantisation or (1.0, 0.0)
    return stored.to(torch.float32) * scale + low


CHIP_LANDMARKS = (263, 362, 33, 133, 2)
"""MediaPipe's outer and inner corner of the left and of the right eye, and the base of the nose."""
CHIP_POINTS = (
    (0.8596, 0.2135),
    (0.6461, 0.2290),
    (0.1206, 0.2137),
    (0.3341, 0.2291),
    (0.4901, 0.6278),
)
"""Where dlib's average face has them, in the face's own unit square (dlib, get_face_chip_details)."""
CHIP_PADDING = 0.25


def face_chip(pixels: NDArray[np.uint8], landmarks_px: NDArray[np.floating]) -> NDArray[np.uint8]:
    """The upright square (150,150,3) that the network was trained on, cut from ``pixels`` (H,W,3) sRGB.

    ``landmarks_px`` (478,2); the similarity transform that best lays five of them onto dlib's face.
    """
    share = (np.array(CHIP_POINTS) + CHIP_PADDING) / (1.0 + 2.0 * CHIP_PADDING)
    matrix = similarity(landmarks_px[list(CHIP_LANDMARKS)].astype(np.float64), share * INPUT_SIDE)
    shrink = float(np.hypot(*matrix[0, :2]))
    if shrink < 1.0:  # a bilinear warp alone would alias a large photo
        pixels = cv2.GaussianBlur(pixels, (0, 0), max(0.4 / shrink, 0.1))
    return cv2.warpAffine(pixels, matrix, (INPUT_SIDE, INPUT_SIDE), flags=cv2.INTER_LINEAR)


def similarity(source: NDArray[np.float64], target: NDArray[np.float64]) -> NDArray[np.float64]:
    """(2,3) rotation, scale and shift that best take points (n,2) to others (least squares)."""
    x, y = source.T
    one, zero = np.ones_like(x), np.zeros_like(x)
    system = np.concatenate([np.stack([x, -y, one, zero], 1), np.stack([y, x, zero, one], 1)])
    a, b, tx, ty = np.linalg.lstsq(system, target.T.reshape(-1), rcond=None)[0]
    return np.array([[a, -b, tx], [b, a, ty]])


def embed(
    net: IdentityNet, pixels: NDArray[np.uint8], landmarks_px: NDArray[np.floating]
) -> NDArray[np.float32]:
    """Embedding (128,) of the face with these landmarks (478,2) in a picture (H,W,3) sRGB."""
    chip = torch.from_numpy(face_chip(pixels, landmarks_px)).permute(2, 0, 1)[None] / 255.0
    with torch.inference_mode():
        return net(chip)[0].numpy()
