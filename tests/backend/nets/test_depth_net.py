"""The depth networks: shapes, what they begin with, their file."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from backend.errors import AssetBroken
from backend.head_parse import HAIR
from backend.nets.depth_net import (
    ARCHITECTURE,
    BOUND,
    NETS,
    HeadView,
    LikenessDepthNet,
    PaperDepthNet,
    depth_of,
    load_depth_net,
    relief_of,
)
from backend.nets.layers import folded, parameter_count
from train.common.export import write_weights

SIDE = 64
SHIPPABLE = 4_000_000
"""Parameters that fit into the largest asset, two bytes each."""


def view(side: int = SIDE) -> HeadView:
    generator = torch.Generator().manual_seed(1)

    def random(*shape: int) -> torch.Tensor:
        return torch.rand(2, *shape, side, side, generator=generator)

    face, prior = random(), random()
    face[:, : side // 2] = torch.nan
    prior[:, :4] = torch.nan
    return HeadView(random(3) * 2 - 1, face, prior, torch.full((2, side, side), HAIR), random())


@pytest.mark.parametrize("name", NETS)
def test_one_relief_for_each_pixel(name: str) -> None:
    net = NETS[name]().eval()
    with torch.inference_mode():
        assert net(view()).shape == (2, SIDE, SIDE)
        quick = folded(net)(view())
        torch.testing.assert_close(quick, net(view()), rtol=1e-3, atol=1e-4)
        assert bool(net(view().blind()).isfinite().all())


@pytest.mark.parametrize("name", NETS)
def test_every_parameter_learns_and_blindness_is_felt(name: str) -> None:
    torch.manual_seed(0)
    net = NETS[name]()
    answer = net(view())
    (answer - 1).square().mean().backward()
    assert [name for name, value in net.named_parameters() if value.grad is None] == []
    assert answer.dtype == torch.float32
    assert not torch.equal(answer, net(view().blind()))


def test_the_light_network_begins_as_the_prior_and_stays_near() -> None:
    seen = view()
    net = LikenessDepthNet().eval()
    torch.testing.assert_close(net(seen), seen.prior.nan_to_num(0.0))
    with torch.no_grad():
        net.head.bias.fill_(1e3)
    torch.testing.assert_close(net(seen), seen.prior.nan_to_num(0.0) + BOUND)
    assert parameter_count(net) < SHIPPABLE


def test_the_published_layout() -> None:
    net = PaperDepthNet()
    encoder = parameter_count(net.stem) + parameter_count(net.stages)
    # ResNet-18 has 11.18 M without its classifier; a fourth input channel adds 7 * 7 * 64.
    assert encoder == 11_176_512 + 7 * 7 * 64
    sizes: list[tuple[int, ...]] = []
    for up in net.ups:
        up.register_forward_hook(lambda _, __, out: sizes.append(tuple(out.shape[1:])))
    with torch.inference_mode():
        net.eval()(view(32 * 8))
    assert sizes == [(256, 16, 16), (128, 32, 32), (64, 64, 64), (64, 128, 128)]


def test_half_precision_keeps_heads_smooth() -> None:
    """The last layers count in 32 bits: neighbours of a plane differ by less than a 16-bit step."""
    net = LikenessDepthNet().eval()
    with torch.no_grad():
        net.head.bias.fill_(0.2503)
    seen = view().blind()
    with torch.autocast("cpu", torch.bfloat16):
        answer = net(seen)
    assert answer.dtype == torch.float32
    torch.testing.assert_close(answer, torch.full_like(answer, BOUND * float(torch.tensor(0.2503).tanh())))


def test_relief_and_depth_are_inverse() -> None:
    depth, centre = torch.tensor([[[850.0, 920.0]]]), torch.tensor([900.0])
    assert relief_of(depth, centre).tolist() == [[[0.5, pytest.approx(-0.2)]]]
    torch.testing.assert_close(depth_of(relief_of(depth, centre), centre), depth)


def test_the_file_holds_the_same_network(tmp_path: Path) -> None:
    path = tmp_path / "depth.safetensors"
    torch.manual_seed(0)
    net = LikenessDepthNet().eval()
    torch.nn.init.normal_(net.head.weight, std=0.02)
    write_weights(net, path, {"architecture": ARCHITECTURE, "net": "likeness"})
    found = load_depth_net(path)
    assert isinstance(found, LikenessDepthNet)
    torch.testing.assert_close(found(view()), net(view()), atol=5e-3, rtol=0)


def test_a_file_that_is_not_sound_is_named(tmp_path: Path) -> None:
    path = tmp_path / "depth.safetensors"

    def refused() -> None:
        with pytest.raises(AssetBroken, match=path.name):
            load_depth_net(path)

    refused()
    net = LikenessDepthNet()
    for metadata in ({"architecture": "DepthNet 0", "net": "likeness"}, {"architecture": ARCHITECTURE},
                     {"architecture": ARCHITECTURE, "net": "huge"}):  # fmt: skip
        write_weights(net, path, metadata)
        refused()
    write_weights(net, path, {"architecture": ARCHITECTURE, "net": "likeness"})
    load_depth_net(path)
    path.write_bytes(path.read_bytes()[:-1000])
    refused()
