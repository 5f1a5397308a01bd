"""R-Net: one picture of a face becomes the coefficients of a morphable head, its light and its pose.

After Deng et al. (CVPR workshops 2019, arXiv 1903.08527), whose network Deep 3D Portrait begins with.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from ..frames import HEAD_TO_CAMERA_AXES
from ..harmonics import CONSTANT, SH_TERMS
from ..morphable import MorphableModel
from .face_crop import FACE_SIZE
from .face_encoder import ENCODER_CHANNELS, FaceEncoder
from .layers import ConvNorm, folded
from .weights import broken, read_weights

FACE_ASSET = Path(__file__).parent.parent / "assets" / "face.safetensors"
ARCHITECTURE = "FaceNet 2"
"""In the file's metadata; another number is another layout."""

LIGHT = SH_TERMS * 3
SIX, PLACE = 6, 3
"""Numbers of a rotation (Zhou et al., CVPR 2019) and of a place (:mod:`backend.nets.face_crop`)."""

LIGHT_CHANNELS = 512
LIGHT_GRID = 5
"""Cells along each side of the light network's last map, as many as the map of a 160 px window has. The last
layer reads every cell by itself: their mean would have to tell where things are by what they are."""
RESNET50 = ((64, 3), (128, 4), (256, 6), (512, 3))
"""Width and number of the bottlenecks at strides 4, 8, 16 and 32 (He et al., CVPR 2016)."""
EXPANSION = 4

FIRST_SPREAD = 1e-3
"""Of the last layer's weights: training begins with the answer that knows nothing."""
USUAL = (1.0, 1.0, 1.0, 0.3, 0.3, 0.05)
"""Spread of identity, expression (before the sigmoid), albedo, light, six and place among portraits. The
last layer works in these units, for an optimiser takes steps of one length in all of them."""
AT_REST = 0.05
"""Expression weight at the start of training, as a share of the way between its bounds, if 0 is a bound."""
EVEN_LIGHT = 1 / CONSTANT
"""First coefficient of light that shows every surface with its albedo."""


@dataclass(frozen=True)
class FaceDimensions:
    """What a morphable model asks of the network."""

    identity: int
    """K."""
    expression: tuple[tuple[float, float], ...]
    """(E,) least and greatest weight."""
    albedo: int = 0
    """A; 0 for a model without an albedo basis."""

    @staticmethod
    def of(model: MorphableModel) -> FaceDimensions:
        """Those of a model."""
        low, high = model.expression_bounds
        bounds = tuple(zip(low.tolist(), high.tolist(), strict=True))
        return FaceDimensions(len(model.identity), bounds, 0 if model.albedo is None else len(model.albedo))


@dataclass(frozen=True)
class FaceCoefficients:
    """What the network says of B faces."""

    identity: Tensor
    """(B,K) standard deviations."""
    expression: Tensor
    """(B,E) weights within the model's bounds."""
    albedo: Tensor
    """(B,A) standard deviations."""
    light: Tensor
    """(B,9,3) spherical harmonics (Ramamoorthi and Hanrahan 2001; pole along y, in the order 1, y, x, z, xy,
    yz, 3y² - 1, xz, x² - z²) of the light that a matt surface sends out over its albedo, linear RGB, for
    normals in camera axes turned y-up."""
    rotation: Tensor
    """(B,3,3) head axes to camera axes, see :mod:`backend.nets.face_crop`."""
    place: Tensor
    """(B,3) of the head centre in the window, see there."""

    def __getitem__(self, faces: slice) -> FaceCoefficients:
        """The answers of some of the faces."""
        return FaceCoefficients(**{name: values[faces] for name, values in vars(self).items()})

    @property
    def surprise(self) -> Tensor:
        """(B,) root mean square of the identity coefficients: 1 is usual, 3 is a face that hardly exists."""
        return self.identity.square().mean(dim=1).sqrt()


class FaceNet(nn.Module):
    """A backbone, which makes (B,features) of pictures, and one linear layer."""

    low: Tensor
    high: Tensor
    rest: Tensor
    usual: Tensor
    side: int = FACE_SIZE
    """Of the pictures that it was trained on, in pixels."""

    def __init__(self, backbone: nn.Module, features: int, dimensions: FaceDimensions) -> None:
        super().__init__()
        self.backbone = backbone
        self.sizes = (
            dimensions.identity, len(dimensions.expression), dimensions.albedo, LIGHT, SIX, PLACE,
        )  # fmt: skip
        self.head = nn.Linear(features, sum(self.sizes))
        nn.init.normal_(self.head.weight, std=FIRST_SPREAD)
        nn.init.zeros_(self.head.bias)
        bounds = torch.tensor(dimensions.expression).reshape(-1, 2)
        constants = {
            "low": bounds[:, 0].clone(),
            "high": bounds[:, 1].clone(),
            "rest": torch.cat(self._rest(bounds[:, 0])),
            "usual": torch.tensor(USUAL).repeat_interleave(torch.tensor(self.sizes)),
        }
        for name, values in constants.items():
            self.register_buffer(name, values, persistent=False)

    def _rest(self, low: Tensor) -> list[Tensor]:
        """The groups of an answer that knows nothing: the mean head, upright, in even light."""
        identity, _, albedo, light, _, place = (torch.zeros(size) for size in self.sizes)
        light[:3] = EVEN_LIGHT
        expression = torch.where(low < 0, 0.5, AT_REST).logit()
        six = torch.from_numpy(HEAD_TO_CAMERA_AXES[:, :2].T.copy()).float().flatten()
        return [identity, expression, albedo, light, six, place]

    def forward(self, pictures: Tensor) -> FaceCoefficients:
        """Coefficients of faces (B,3,S,S), sRGB in [-1,1], cut by :func:`backend.nets.face_crop.face_window`.

        S is a multiple of 32, best :attr:`side`.
        """
        features = self.backbone(pictures)
        # Everything after the convolutions is geometry: half precision would move faces by pixels.
        with torch.autocast(pictures.device.type, enabled=False):
            raw = functional.linear(features.float(), self.head.weight.float(), self.head.bias.float())
            groups = (self.rest + self.usual * raw).split(self.sizes, dim=1)
            identity, expression, albedo, light, six, place = groups
            return FaceCoefficients(
                identity=identity,
                expression=self.low + (self.high - self.low) * expression.sigmoid(),
                albedo=albedo,
                light=light.unflatten(1, (SH_TERMS, 3)),
                rotation=rotation_from_six(six),
                place=place,
            )


def light_face_net(dimensions: FaceDimensions) -> FaceNet:
    """For a CPU: the parsing network's dense encoder, which can start from dlib's face recogniser."""
    return FaceNet(LightBackbone(), LIGHT_CHANNELS * LIGHT_GRID**2, dimensions)


def paper_face_net(dimensions: FaceDimensions) -> FaceNet:
    """For a GPU: ResNet-50, as in the paper."""
    return FaceNet(residual_network(RESNET50), RESNET50[-1][0] * EXPANSION, dimensions)


BACKBONES: dict[str, Callable[[FaceDimensions], FaceNet]] = {
    "light": light_face_net,
    "paper": paper_face_net,
}
"""By the name in the file's metadata."""


def load_face_net(model: MorphableModel, path: Path = FACE_ASSET) -> FaceNet:
    """The network for inference in float32 on the CPU; the file says which one.

    Raises AssetBroken if the file is not sound or was trained for another model's dimensions.
    """
    state, origin = read_weights(path, ARCHITECTURE)
    try:
        net = folded(BACKBONES[origin["backbone"]](FaceDimensions.of(model)))
        net.side = int(origin.get("side", FACE_SIZE))
        net.load_state_dict(state)
    except (KeyError, ValueError, RuntimeError) as error:
        raise broken(path) from error
    return net.requires_grad_(False)


class LightBackbone(nn.Module):
    """The encoder's coarsest map, widened so that one linear layer can read it."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = FaceEncoder()
        self.widen = ConvNorm(ENCODER_CHANNELS[-1], LIGHT_CHANNELS, 3)

    def forward(self, x: Tensor) -> Tensor:
        """(B,3,S,S) to (B,12800), the cells of each channel row by row."""
        cells = functional.adaptive_avg_pool2d(self.widen(self.encoder(x)[-1]), LIGHT_GRID)
        # As loud together as one mean, so that an optimiser's step is not 25 times as long.
        return cells.flatten(1) / LIGHT_GRID


class Bottleneck(nn.Module):
    """1x1, 3x3 and 1x1 convolutions beside a shortcut; the 3x3 one strides (Goyal et al. 2017)."""

    def __init__(self, inputs: int, width: int, stride: int) -> None:
        super().__init__()
        outputs = width * EXPANSION
        self.conv1 = ConvNorm(inputs, width, 1)
        self.conv2 = ConvNorm(width, width, 3, stride)
        self.conv3 = ConvNorm(width, outputs, 1, active=False)
        changes = inputs != outputs or stride > 1
        self.shortcut = ConvNorm(inputs, outputs, 1, stride, active=False) if changes else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """(B,inputs,H,W) to (B,4 width,H/stride,W/stride)."""
        return functional.relu6(self.conv3(self.conv2(self.conv1(x))) + self.shortcut(x))


def residual_network(stages: Sequence[tuple[int, int]]) -> nn.Sequential:
    """Stem and bottlenecks for (width, number) of each stage; (B,3,S,S) to (B,C), means of the last map."""
    channels = stages[0][0]
    layers: list[nn.Module] = [ConvNorm(3, channels, 7, 2), nn.MaxPool2d(3, 2, 1)]
    for stage, (width, count) in enumerate(stages):
        for number in range(count):
            layers.append(Bottleneck(channels, width, 2 if stage and not number else 1))
            channels = width * EXPANSION
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten())


def rotation_from_six(six: Tensor) -> Tensor:
    """Rotations (B,3,3) whose first two columns lie nearest to two vectors (B,6), by Gram and Schmidt.

    Continuous everywhere, which no three numbers can be (Zhou et al. 2019, section 4.2).
    """
    first, second = six[:, :3], six[:, 3:]
    x = functional.normalize(first, dim=1)
    y = functional.normalize(second - (x * second).sum(dim=1, keepdim=True) * x, dim=1)
    return torch.stack([x, y, torch.linalg.cross(x, y)], dim=2)
