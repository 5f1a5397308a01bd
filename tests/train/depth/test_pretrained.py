"""The light depth network begins with the parsing network's layers."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from backend.nets.depth_net import LikenessDepthNet
from backend.nets.parse_net import ParseNet
from train.common.checkpoint import save_checkpoint
from train.common.errors import WrongExperiment
from train.depth.pretrained import STEM, start_from_parser

from ..common.test_checkpoint import EXAMPLE


def test_shared_layers_are_copied_and_the_rest_counts_nothing(tmp_path: Path) -> None:
    parser, net = ParseNet().eval(), LikenessDepthNet().eval()
    save_checkpoint(replace(EXAMPLE, ema=parser.state_dict()), tmp_path / "best.pt")
    start_from_parser(net, tmp_path / "best.pt")
    pictures = torch.rand(1, 3, 64, 64)
    others = torch.rand(1, net.encoder.stem.conv.in_channels - 3, 64, 64)
    taps, expected = net.encoder(torch.cat([pictures, others], dim=1)), parser.encoder(pictures)
    for tap, features in zip(taps, expected, strict=True):
        torch.testing.assert_close(tap, features)
    torch.testing.assert_close(net.bottom(taps[-1]), parser.bottom(expected[-1]))
    for mine, theirs in zip(net.merges.parameters(), parser.merges.parameters(), strict=True):
        assert torch.equal(mine, theirs)
    assert not net.head.weight.any()
    assert net.state_dict()[STEM].shape[1] == 3 + others.shape[1]


def test_another_network_is_refused(tmp_path: Path) -> None:
    save_checkpoint(EXAMPLE, tmp_path / "best.pt")
    with pytest.raises(WrongExperiment, match="parsing"):
        start_from_parser(LikenessDepthNet(), tmp_path / "best.pt")
