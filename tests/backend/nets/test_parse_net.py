"""The parsing network: its shapes, its size, its folding and its file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from backend.errors import AssetBroken
from backend.nets.layers import folded, parameter_count
from backend.nets.parse_net import ARCHITECTURE, CLASSES, ParseNet, load_parse_net, normalised
from train.common.export import write_weights

MOST_PARAMETERS = 4_000_000


@pytest.fixture(scope="module")
def net() -> ParseNet:
    """Random weights, and normalisations that have seen pictures."""
    torch.manual_seed(1)
    net = ParseNet()
    net(torch.rand(4, 3, 64, 64) * 2 - 1)
    return net.eval()


def test_it_is_small() -> None:
    assert parameter_count(ParseNet()) <= MOST_PARAMETERS


@pytest.mark.parametrize("side", [32, 96])
def test_every_pixel_gets_an_answer(net: ParseNet, side: int) -> None:
    answer = net(torch.zeros(2, 3, side, side))
    assert answer.classes.shape == (2, CLASSES, side, side)
    assert answer.mattes.shape == (2, 2, side, side)


def test_every_parameter_learns() -> None:
    net = ParseNet()
    answer = net(torch.rand(2, 3, 64, 64))
    (answer.classes.square().mean() + answer.mattes.square().mean()).backward()
    assert [name for name, value in net.named_parameters() if value.grad is None] == []


def test_folding_changes_nothing_but_the_layers(net: ParseNet) -> None:
    picture = torch.rand(1, 3, 64, 64) * 2 - 1
    quick = folded(net)
    assert not any(isinstance(module, torch.nn.BatchNorm2d) for module in quick.modules())
    torch.testing.assert_close(quick(picture).classes, net(picture).classes, rtol=1e-4, atol=1e-4)


def test_colours_reach_from_minus_one_to_one() -> None:
    pixels = torch.tensor([[[0, 51, 255]]], dtype=torch.uint8)
    np.testing.assert_allclose(normalised(pixels).flatten(), [-1, -0.6, 1], atol=1e-6)


def test_the_file_holds_the_same_network(net: ParseNet, tmp_path: Path) -> None:
    path = tmp_path / "parse.safetensors"
    size = write_weights(net, path, {"architecture": ARCHITECTURE})
    assert size == path.stat().st_size < 2.1 * MOST_PARAMETERS
    picture = torch.rand(1, 3, 64, 64) * 2 - 1
    ours, theirs = net(picture).classes, load_parse_net(path)(picture).classes
    # Half precision rounds each weight by up to 0.05 %.
    assert (ours - theirs).abs().max() < 0.01 * ours.abs().max()


def test_a_file_that_is_not_sound_is_named(net: ParseNet, tmp_path: Path) -> None:
    path = tmp_path / "parse.safetensors"

    def refused() -> None:
        with pytest.raises(AssetBroken, match=path.name):
            load_parse_net(path)

    refused()
    write_weights(net, path, {"architecture": ARCHITECTURE})
    path.write_bytes(path.read_bytes()[:-1000])
    refused()
    write_weights(net, path, {"architecture": "ParseNet 0"})
    refused()
    state = {name: value.half() for name, value in folded(net).state_dict().items()}
    state["head.bias"][0] = float("nan")
    save_file(state, path, {"architecture": ARCHITECTURE})
    refused()
    save_file({"head.bias": state["detail.conv.bias"]}, path, {"architecture": ARCHITECTURE})
    refused()
