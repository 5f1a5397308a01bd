"""A run becomes a file that the product loads, with a card that says no more than is known."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from backend.nets.depth_net import LikenessDepthNet, load_depth_net
from train.common.checkpoint import Checkpoint
from train.common.distributed import World
from train.common.experiment import to_json
from train.common.export import NotExportable
from train.common.loop import TrainingState
from train.depth.config import EXPERIMENTS
from train.depth.export import export
from train.depth.task import DepthTask

from . import eggs


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Checkpoint:
    """A run that has not begun."""
    data = eggs.folder(tmp_path_factory.mktemp("data"), 1)
    task = DepthTask(EXPERIMENTS["cpu"].smoke(), [data])
    return TrainingState(task, World(torch.device("cpu"))).checkpoint()


def test_the_product_loads_what_was_exported(checkpoint: Checkpoint, tmp_path: Path) -> None:
    metrics, asset = tmp_path / "metrics.jsonl", tmp_path / "depth.safetensors"
    lines = {"step": 0, "test_non_face_mm": 9.5, "test_score": -9.5}, {"step": 9, "test_face_mm": 3.0}
    metrics.write_text("".join(json.dumps(line) + "\n" for line in lines))
    card = export(checkpoint, asset, "eggs", "none", metrics)
    words = card.read_text(encoding="utf-8")
    assert card.name == "depth.card.md"
    for expected in ("eggs", "`cpu`, step 0 of 2", "non_face_mm 9.50 |"):
        assert expected in words
    assert "face_mm 3" not in words
    net = load_depth_net(asset)
    assert isinstance(net, LikenessDepthNet)
    assert net.side == EXPERIMENTS["cpu"].smoke().side


def test_a_card_does_not_invent_figures(checkpoint: Checkpoint, tmp_path: Path) -> None:
    asset = tmp_path / "depth.safetensors"
    assert "nothing yet" in export(checkpoint, asset, "eggs", "none", None).read_text(encoding="utf-8")
    metrics = tmp_path / "metrics.jsonl"
    metrics.write_text("")
    assert "nothing at this step" in export(checkpoint, asset, "eggs", "none", metrics).read_text()
    metrics.write_text("{")
    with pytest.raises(NotExportable, match=r"metrics\.jsonl"):
        export(checkpoint, asset, "eggs", "none", metrics)


def test_what_is_not_for_the_product_is_refused(checkpoint: Checkpoint, tmp_path: Path) -> None:
    asset = tmp_path / "depth.safetensors"
    other = replace(checkpoint, ema={k: v for k, v in checkpoint.ema.items() if k != "head.bias"})
    with pytest.raises(NotExportable, match="another network"):
        export(other, asset, "eggs", "none", None)
    blind = replace(checkpoint, config=to_json(EXPERIMENTS["cpu"].without_df()))
    with pytest.raises(NotExportable, match="ablation"):
        export(blind, asset, "eggs", "none", None)
    assert not asset.exists()
