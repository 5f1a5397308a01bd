"""The refinement networks: shapes, what they begin with, their file."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
import torch

from backend.errors import AssetBroken
from backend.nets.layers import parameter_count
from backend.nets.refine_net import (
    ARCHITECTURE,
    CoarseView,
    LightRefineNet,
    PaperRefineNet,
    RefineNet,
    load_refine_net,
)
from train.common.export import write_weights

SIDE = 64
LIGHTEST = 3_000_000
"""Parameters that a CPU bears."""


def view(side: int = SIDE) -> CoarseView:
    generator = torch.Generator().manual_seed(1)

    def random(*shape: int) -> torch.Tensor:
        return torch.rand(2, *shape, side, side, generator=generator)

    known = (random() > 0.3).float()
    return CoarseView((random(3) * 2 - 1) * known[:, None], known, random(), random(3) * 2 - 1)


@pytest.mark.parametrize("build", [LightRefineNet, partial(PaperRefineNet, 8, 2, 2)], ids=["light", "paper"])
def test_a_whole_picture_comes_back_and_every_parameter_learns(build: Callable[[], RefineNet]) -> None:
    torch.manual_seed(0)
    net = build()
    with torch.no_grad():
        for parameter in net.parameters():
            # Blocks that begin as nothing would hide the layers before them.
            parameter += 0.01 * torch.randn_like(parameter)
    answer = net(view())
    assert answer.shape == (2, 3, SIDE, SIDE) and answer.dtype == torch.float32
    answer.square().mean().backward()
    still = {name for name, p in net.named_parameters() if p.grad is None or not p.grad.abs().max() > 0}
    assert all(bool(p.grad.isfinite().all()) for p in net.parameters() if p.grad is not None)
    # A shift before an instance normalisation is taken out again.
    assert all(isinstance(net, PaperRefineNet) and name.endswith("bias") for name in still)


def test_the_light_network_begins_as_its_guess() -> None:
    seen = view()
    assert torch.equal(LightRefineNet()(seen), seen.base)
    assert parameter_count(LightRefineNet()) < LIGHTEST


def test_the_paper_network_sees_picture_and_mask_alone() -> None:
    net, seen = PaperRefineNet(4, 2, 1).eval(), view()
    other = CoarseView(seen.picture, seen.known, 1 - seen.cover, -seen.guess)
    assert torch.equal(net(seen), net(other))


def test_dilated_convolutions_stand_first_in_their_blocks() -> None:
    block = PaperRefineNet(4, 2, 1).body[-7]
    convolutions = [layer for layer in block.body if isinstance(layer, torch.nn.Conv2d)]
    assert [layer.dilation for layer in convolutions] == [(2, 2), (1, 1)]


def test_the_file_says_which_network_it_is(tmp_path: Path) -> None:
    path = tmp_path / "refine.safetensors"
    net = LightRefineNet()
    torch.nn.init.normal_(net.head.weight, std=0.01)
    write_weights(net, path, {"architecture": ARCHITECTURE, "net": "light"})
    torch.testing.assert_close(load_refine_net(path)(view()), net(view()), atol=5e-3, rtol=0)
    write_weights(net, path, {"architecture": ARCHITECTURE, "net": "paper"})
    with pytest.raises(AssetBroken):
        load_refine_net(path)
