"""Photographs judge an answer by what they show: who drew the photograph is not punished by it."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import pytest
import torch
from torch import Tensor

from backend.morphable import load_head_model
from backend.nets.face_crop import WindowCameras
from backend.nets.face_net import FaceCoefficients
from backend.nets.identity_net import load_identity_net
from train.face.data import Jitter
from train.face.plain import PlainFaces
from train.face.render import displayed
from train.face.shape import ShapeModel, shape_model
from train.face.unsupervised import AlbedoTensors, draw, photograph_losses

SIDE = 96


@cache
def model() -> tuple[ShapeModel, AlbedoTensors]:
    head = load_head_model()
    assert head.albedo is not None
    device = torch.device("cpu")
    return shape_model(head, device), AlbedoTensors.of(head.albedo, device)


@cache
def somebody() -> tuple[FaceCoefficients, dict[str, Tensor]]:
    """The truth of one face, and its own drawing as the photograph."""
    sample = {name: v[None] for name, v in PlainFaces(Jitter(0.0, 0.0), 2).sample(1, SIDE).items()}
    names = ("identity", "expression", "albedo", "light", "rotation", "place")
    truth = FaceCoefficients(**{name: sample[name] for name in names})
    cameras = WindowCameras(sample["focal"], sample["principal"], SIDE)
    # Light that was metered as a camera does may still be brighter than a picture can show.
    truth = replace(truth, light=truth.light * 0.5)
    drawn = draw(truth, *model(), cameras)
    photo = displayed(drawn.colour).clamp(0, 1)
    batch = {
        "picture": photo.permute(0, 3, 1, 2) * 2 - 1,
        "skin": torch.ones(1, SIDE, SIDE),
        "focal": sample["focal"],
        "principal": sample["principal"],
        "landmarks": sample["landmarks"],
    }
    return truth, batch


def judged(answer: FaceCoefficients) -> dict[str, Tensor]:
    return photograph_losses(answer, somebody()[1], *model(), load_identity_net())


def test_the_painter_is_not_punished() -> None:
    losses = judged(somebody()[0])
    assert losses["photo_landmarks"] < 0.01
    assert losses["photometric"] < 0.03
    assert losses["likeness"] < 0.01


@pytest.mark.parametrize(
    ("name", "loss"),
    [
        ("identity", "photo_landmarks"),
        ("albedo", "photometric"),
        ("light", "photometric"),
        ("identity", "likeness"),
    ],
)
def test_another_face_is(name: str, loss: str) -> None:
    truth, _ = somebody()
    generator = torch.Generator().manual_seed(1)
    noise = torch.randn(getattr(truth, name).shape, generator=generator) * (0.2 if name == "light" else 1.0)
    other = replace(truth, **{name: getattr(truth, name) + noise})
    assert judged(other)[loss] > 2 * judged(truth)[loss]


def test_gradients_reach_every_coefficient() -> None:
    truth, _ = somebody()
    free = {name: values.clone().requires_grad_() for name, values in vars(truth).items()}
    torch.stack(list(judged(FaceCoefficients(**free)).values())).sum().backward()
    for name, values in free.items():
        assert values.grad is not None and values.grad.isfinite().all(), name
        assert values.grad.abs().max() > 0, name


def test_a_gradient_is_the_slope() -> None:
    """Of the colours along one direction of light: nothing there is hidden or uncovered."""
    truth, batch = somebody()
    darker = replace(truth, light=truth.light * 0.9)

    def photometric(light: Tensor) -> Tensor:
        answer = replace(darker, light=light)
        return photograph_losses(answer, batch, *model(), load_identity_net())["photometric"]

    light = darker.light.clone().requires_grad_()
    (slope,) = torch.autograd.grad(photometric(light), light)
    step = torch.zeros_like(light)
    step[0, 0] = 0.02
    measured = (photometric(darker.light + step) - photometric(darker.light - step)) / 0.04
    assert (slope * step).sum() / 0.02 == pytest.approx(measured.item(), rel=0.05)
