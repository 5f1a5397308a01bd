from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from train.common.checkpoint import FORMAT, Checkpoint, begin_with, load_checkpoint, save_checkpoint
from train.common.errors import CheckpointBroken, WrongExperiment

EXAMPLE = Checkpoint(
    experiment="toy",
    config="{}",
    step=3,
    seconds=1.5,
    model={"weight": torch.arange(6.0).reshape(2, 3)},
    ema={"weight": torch.zeros(2, 3)},
    optimizer={"state": {0: {"step": torch.tensor(3.0)}}, "param_groups": [{"lr": 0.1, "params": [0]}]},
    random={"cpu": torch.get_rng_state()},
    best=0.5,
    commit="abc",
)


def test_round_trip(tmp_path: Path) -> None:
    save_checkpoint(EXAMPLE, tmp_path / "run" / "last.pt")
    found = load_checkpoint(tmp_path / "run" / "last.pt", "toy")
    assert torch.equal(found.model["weight"], EXAMPLE.model["weight"])
    assert found.optimizer == EXAMPLE.optimizer
    assert replace(found, model={}, ema={}, random={}, optimizer={}) == replace(
        EXAMPLE, model={}, ema={}, random={}, optimizer={}
    )


@pytest.mark.parametrize("keep", [0, 10, 600])
def test_a_torn_file_is_named(tmp_path: Path, keep: int) -> None:
    path = tmp_path / "last.pt"
    save_checkpoint(EXAMPLE, path)
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(CheckpointBroken, match=r"last\.pt"):
        load_checkpoint(path)


def test_a_file_of_something_else_is_named(tmp_path: Path) -> None:
    torch.save({"weights": torch.zeros(1)}, tmp_path / "last.pt")
    with pytest.raises(CheckpointBroken, match=r"last\.pt"):
        load_checkpoint(tmp_path / "last.pt")


def test_another_format_and_another_experiment_are_refused(tmp_path: Path) -> None:
    save_checkpoint(replace(EXAMPLE, format=FORMAT + 1), tmp_path / "new.pt")
    with pytest.raises(CheckpointBroken, match="format"):
        load_checkpoint(tmp_path / "new.pt")
    save_checkpoint(EXAMPLE, tmp_path / "last.pt")
    with pytest.raises(WrongExperiment, match=r"'toy'.*'depth'"):
        load_checkpoint(tmp_path / "last.pt", "depth")


def test_a_network_begins_with_the_averages_of_another_run(tmp_path: Path) -> None:
    ema = {"weight": torch.arange(6.0).reshape(2, 3), "bias": torch.ones(2)}
    save_checkpoint(replace(EXAMPLE, ema=ema), tmp_path / "best.pt")
    net = begin_with(torch.nn.Linear(3, 2), tmp_path / "best.pt")
    assert torch.equal(net.state_dict()["weight"], ema["weight"])
    with pytest.raises(WrongExperiment, match="another network"):
        begin_with(torch.nn.Linear(4, 2), tmp_path / "best.pt")
