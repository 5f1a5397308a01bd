"""A run becomes a file that the product loads; the critic stays at home."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from backend.nets.refine_net import LightRefineNet, load_refine_net
from backend.nets.weights import read_weights
from train.common.distributed import World
from train.common.export import NotExportable
from train.common.loop import TrainingState
from train.refine.config import EXPERIMENTS, RefineExperiment
from train.refine.export import export
from train.refine.task import RefineTask

from . import portraits


def checkpoint_of(experiment: RefineExperiment, folder: Path):
    import torch

    task = RefineTask(experiment, [portraits.folder(folder, 1)], [], frozenset(), None)
    return TrainingState(task, World(torch.device("cpu"))).checkpoint()


def test_the_product_loads_what_was_exported(tmp_path: Path) -> None:
    checkpoint = checkpoint_of(EXPERIMENTS["cpu"].smoke().without_features(), tmp_path / "data")
    metrics, asset = tmp_path / "metrics.jsonl", tmp_path / "refine.safetensors"
    metrics.write_text(json.dumps({"step": 0, "test_hole": 12.5, "test_score": 0.4}) + "\n")
    card = export(checkpoint, asset, "discs", "none", metrics)
    words = card.read_text(encoding="utf-8")
    assert "discs" in words and "hole 12.50" in words
    assert isinstance(load_refine_net(asset), LightRefineNet)
    state, origin = read_weights(asset, "RefineNet 1")
    assert origin["net"] == "light" and not any("critic" in name for name in state)


def test_an_ablation_does_not_ship(tmp_path: Path) -> None:
    mixed = EXPERIMENTS["cpu"].smoke().without_features().with_mixed_output()
    with pytest.raises(NotExportable, match="holes alone"):
        export(checkpoint_of(mixed, tmp_path), tmp_path / "r.safetensors", "discs", "none", None)
