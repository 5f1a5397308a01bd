"""From a checkpoint to an asset with a card that says what was measured, and no more."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from backend.nets.parse_net import ParseNet, load_parse_net
from train.common.checkpoint import Checkpoint
from train.common.errors import WrongExperiment
from train.common.experiment import to_json
from train.common.export import NotExportable, write_weights
from train.parsing.config import EXPERIMENTS
from train.parsing.export import export

FIGURES = {"n": 3, "side": 256, "iou": {"hair": {"mean": 0.912, "median": 0.934, "n": 3}}}


@pytest.fixture(scope="module")
def checkpoint() -> Checkpoint:
    torch.manual_seed(0)
    model, ema = ParseNet().state_dict(), ParseNet().state_dict()
    config = to_json(EXPERIMENTS["cpu"])
    return Checkpoint("cpu", config, 700, 5400.0, model, ema, {}, {}, 0.5, "abc123")


def test_the_averaged_weights_are_shipped(checkpoint: Checkpoint, tmp_path: Path) -> None:
    path = tmp_path / "parse.safetensors"
    export(checkpoint, path, "drawings", "CC0", [])
    net = ParseNet().eval()
    net.load_state_dict(checkpoint.ema)
    picture = torch.rand(1, 3, 64, 64) * 2 - 1
    expected = net(picture).classes
    assert (load_parse_net(path)(picture).classes - expected).abs().max() < 0.01 * expected.abs().max()


def test_the_card_says_what_is_known(checkpoint: Checkpoint, tmp_path: Path) -> None:
    figures = tmp_path / "figures.json"
    figures.write_text(json.dumps(FIGURES))
    card = export(checkpoint, tmp_path / "parse.safetensors", "drawings", "CC0", [figures]).read_text()
    run = EXPERIMENTS["cpu"].run
    for words in (
        "drawings",
        "CC0",
        f"step 700 of {run.steps}",
        f"{700 * run.batch:,}",
        "abc123",
        "hair 0.912",
    ):
        assert words in card
    bare = export(checkpoint, tmp_path / "parse.safetensors", "drawings", "CC0", []).read_text()
    assert "nothing yet" in bare and "0.912" not in bare


@pytest.mark.parametrize("text", ["", "{}", '{"n": 1, "side": 256, "iou": {"hair": 0.9}}'])
def test_figures_are_read_before_anything_is_written(
    checkpoint: Checkpoint, tmp_path: Path, text: str
) -> None:
    (tmp_path / "figures.json").write_text(text)
    with pytest.raises(NotExportable, match=r"figures\.json"):
        export(checkpoint, tmp_path / "parse.safetensors", "", "", [tmp_path / "figures.json"])
    assert not (tmp_path / "parse.safetensors").exists()


def test_foreign_checkpoints_are_refused(checkpoint: Checkpoint, tmp_path: Path) -> None:
    path = tmp_path / "parse.safetensors"
    with pytest.raises(WrongExperiment):
        export(replace(checkpoint, config="{}"), path, "", "", [])
    with pytest.raises(NotExportable, match="abc123"):
        export(replace(checkpoint, ema={"weight": torch.zeros(1)}), path, "", "", [])


def test_weights_beyond_half_precision_are_refused(tmp_path: Path) -> None:
    net = torch.nn.Linear(1, 1)
    torch.nn.init.constant_(net.weight, 1e6)
    with pytest.raises(NotExportable, match="weight"):
        write_weights(net, tmp_path / "x.safetensors", {})
    assert not (tmp_path / "x.safetensors").exists()
