"""A run becomes a file that the product loads, with a card that says no more than is known."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from backend.morphable import load_head_model
from backend.nets.face_net import load_face_net
from train.common.checkpoint import Checkpoint
from train.common.distributed import World
from train.common.export import NotExportable
from train.common.loop import TrainingState
from train.face.config import EXPERIMENTS
from train.face.export import export
from train.face.task import FaceTask

from . import faces


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Checkpoint:
    """A run that has not begun."""
    data = faces.folder(tmp_path_factory.mktemp("data"), 1)
    task = FaceTask(EXPERIMENTS["cpu"].smoke(), [data], [])
    return TrainingState(task, World(torch.device("cpu"))).checkpoint()


def test_the_product_loads_what_was_exported(checkpoint: Checkpoint, tmp_path: Path) -> None:
    metrics, asset = tmp_path / "metrics.jsonl", tmp_path / "face.safetensors"
    figures = {"step": 0, "test_vertices_mm": 1.5, "test_score": -1.5}, {"step": 9, "test_pose_deg": 3.0}
    metrics.write_text("".join(json.dumps(line) + "\n" for line in figures))
    card = export(checkpoint, asset, "a head of noise", "none", metrics)
    words = card.read_text(encoding="utf-8")
    assert card.name == "face.card.md"
    for expected in (
        "a head of noise",
        "`cpu`, step 0 of 2",
        "measured on synthetic faces | vertices_mm 1.50 |",
    ):
        assert expected in words
    answer = load_face_net(load_head_model(), asset)(torch.zeros(1, 3, 64, 64))
    assert all(bool(values.isfinite().all()) for values in vars(answer).values())


def test_a_card_does_not_invent_figures(checkpoint: Checkpoint, tmp_path: Path) -> None:
    card = export(checkpoint, tmp_path / "face.safetensors", "noise", "none", None)
    assert "nothing yet" in card.read_text(encoding="utf-8")
    (tmp_path / "empty.jsonl").write_text("")
    card = export(checkpoint, tmp_path / "face.safetensors", "noise", "none", tmp_path / "empty.jsonl")
    assert "nothing at this step" in card.read_text(encoding="utf-8")
    (tmp_path / "broken.jsonl").write_text("{")
    with pytest.raises(NotExportable, match=r"broken\.jsonl"):
        export(checkpoint, tmp_path / "face.safetensors", "noise", "none", tmp_path / "broken.jsonl")


def test_a_checkpoint_of_another_network_is_refused(checkpoint: Checkpoint, tmp_path: Path) -> None:
    other = replace(checkpoint, ema={k: v for k, v in checkpoint.ema.items() if k != "head.bias"})
    with pytest.raises(NotExportable, match="another network"):
        export(other, tmp_path / "face.safetensors", "noise", "none", None)
