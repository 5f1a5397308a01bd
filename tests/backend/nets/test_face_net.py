"""R-Net: its shapes, where it starts, its rotations and its folding."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from backend.errors import AssetBroken
from backend.morphable import load_head_model
from backend.nets.face_net import (
    ARCHITECTURE,
    AT_REST,
    FaceCoefficients,
    FaceDimensions,
    FaceNet,
    light_face_net,
    load_face_net,
    paper_face_net,
    residual_network,
    rotation_from_six,
)
from backend.nets.layers import folded, parameter_count
from train.common.export import write_weights

ORIGIN = {"architecture": ARCHITECTURE, "backbone": "light", "albedo": "0"}
SMALL = FaceDimensions(4, ((0.0, 1.0), (-3.0, 3.0)), 2)
NARROW = ((4, 2), (8, 1), (8, 1), (16, 1))
"""A residual network with all that ResNet-50 has, but small."""


def narrow_net(dimensions: FaceDimensions) -> FaceNet:
    return FaceNet(residual_network(NARROW), 64, dimensions)


def numbers(answer: FaceCoefficients) -> torch.Tensor:
    return torch.cat([values.flatten(1) for values in vars(answer).values()], dim=1)


def test_the_sizes_are_the_papers_and_the_parsers() -> None:
    # torchvision's ResNet-50 has 25.557 M, of which the last layer 2.049 M.
    assert parameter_count(paper_face_net(SMALL).backbone) == 25_557_032 - 2_049_000
    assert parameter_count(light_face_net(SMALL)) < 4_000_000


def test_dimensions_are_those_of_the_model() -> None:
    model = load_head_model()
    assert model.albedo is not None
    dimensions = FaceDimensions.of(model)
    answer = narrow_net(dimensions)(torch.zeros(2, 3, 64, 64))
    shapes = [tuple(values.shape) for values in vars(answer).values()]
    assert shapes == [(2, 80), (2, 52), (2, len(model.albedo)), (2, 9, 3), (2, 3, 3), (2, 3)]
    assert FaceDimensions.of(replace(model, albedo=None)).albedo == 0


def test_some_answers_of_a_batch() -> None:
    answer = narrow_net(SMALL)(torch.rand(3, 3, 64, 64))
    torch.testing.assert_close(numbers(answer[1:]), numbers(answer)[1:])


@pytest.mark.parametrize("build", [light_face_net, narrow_net])
def test_training_begins_with_a_mean_head_that_looks_at_the_camera(
    build: Callable[[FaceDimensions], FaceNet],
) -> None:
    torch.manual_seed(1)
    answer = build(SMALL).eval()(torch.rand(2, 3, 64, 64) * 2 - 1)
    assert answer.identity.abs().max() < 0.2 and answer.place.abs().max() < 0.2
    np.testing.assert_allclose(answer.rotation[0].detach(), np.diag([1.0, -1.0, -1.0]), atol=0.2)
    np.testing.assert_allclose(answer.expression[0].detach(), [AT_REST, 0.0], atol=0.2)
    np.testing.assert_allclose(0.282095 * answer.light[:, 0].detach(), 1.0, atol=0.1)


def test_expressions_stay_within_their_bounds() -> None:
    net = narrow_net(SMALL).eval()
    torch.nn.init.normal_(net.head.weight, std=100.0)
    expression = net(torch.rand(8, 3, 32, 32) * 2 - 1).expression
    assert (expression[:, 0] >= 0).all() and (expression[:, 0] <= 1).all()
    assert (expression[:, 1].abs() <= 3).all()


def test_a_model_without_albedo_has_none() -> None:
    answer = narrow_net(FaceDimensions(4, ((0.0, 1.0),)))(torch.zeros(2, 3, 32, 32))
    assert answer.albedo.shape == (2, 0)


@pytest.mark.parametrize("build", [light_face_net, narrow_net])
def test_every_parameter_learns(build: Callable[[FaceDimensions], FaceNet]) -> None:
    net = build(SMALL)
    answer = numbers(net(torch.rand(2, 3, 64, 64)))
    (answer * torch.randn_like(answer)).sum().backward()
    assert [name for name, value in net.named_parameters() if value.grad is None] == []
    assert net.head.weight.grad is not None and net.head.weight.grad.abs().sum(dim=1).all()


def test_folding_changes_nothing_but_the_layers() -> None:
    torch.manual_seed(2)
    net = narrow_net(SMALL)
    pictures = torch.rand(4, 3, 64, 64) * 2 - 1
    net(pictures)
    quick = folded(net)
    assert not any(isinstance(module, torch.nn.BatchNorm2d) for module in quick.modules())
    torch.testing.assert_close(numbers(quick(pictures)), numbers(net.eval()(pictures)), rtol=1e-4, atol=1e-4)


def test_surprise_is_the_usual_size_of_a_coefficient() -> None:
    answer = narrow_net(SMALL).eval()(torch.zeros(2, 3, 32, 32))
    extreme = replace(answer, identity=torch.tensor([[3.0, -3.0, 3.0, 3.0], [2.0, 0.0, 0.0, 0.0]]))
    assert extreme.surprise.tolist() == pytest.approx([3.0, 1.0])


@given(st.lists(st.floats(-2, 2), min_size=6, max_size=6))
def test_six_numbers_are_a_rotation(values: list[float]) -> None:
    six = torch.tensor([values], dtype=torch.float64)
    a, b = six[0, :3], six[0, 3:]
    if torch.linalg.cross(a, b).norm() < 1e-3:
        return
    found = rotation_from_six(six)[0]
    torch.testing.assert_close(found @ found.T, torch.eye(3, dtype=torch.float64))
    assert torch.linalg.det(found) > 0
    # The first vector keeps its direction, the second its side.
    torch.testing.assert_close(found[:, 0] * a.norm(), a)
    assert found[:, 1] @ b > 0
    torch.testing.assert_close(rotation_from_six(found.T[:2].reshape(1, 6))[0], found)


def test_the_last_layer_speaks_in_usual_units() -> None:
    net = narrow_net(SMALL).eval()
    torch.nn.init.zeros_(net.head.weight)
    torch.nn.init.ones_(net.head.bias)
    answer = net(torch.zeros(1, 3, 32, 32))
    assert answer.identity[0].tolist() == [1.0] * 4
    assert answer.place[0].tolist() == pytest.approx([0.05] * 3)
    assert answer.light[0, 1].tolist() == pytest.approx([0.3] * 3)


def test_the_file_holds_the_same_network(tmp_path: Path) -> None:
    torch.manual_seed(3)
    model, path = load_head_model(), tmp_path / "face.safetensors"
    net = light_face_net(FaceDimensions.of(model))
    pictures = torch.rand(2, 3, 64, 64) * 2 - 1
    net(pictures)
    write_weights(net.eval(), path, ORIGIN)
    ours, theirs = numbers(net(pictures)), numbers(load_face_net(model, path)(pictures))
    # Half precision rounds each weight by up to 0.05 %.
    torch.testing.assert_close(theirs, ours, rtol=0.01, atol=0.01)


@pytest.mark.parametrize("origin", [{}, {"backbone": "huge"}])
def test_a_file_for_another_network_is_named(origin: dict[str, str], tmp_path: Path) -> None:
    model, path = load_head_model(), tmp_path / "face.safetensors"
    if origin:
        write_weights(light_face_net(FaceDimensions.of(model)), path, ORIGIN | origin)
    with pytest.raises(AssetBroken, match=r"face\.safetensors"):
        load_face_net(model, path)
