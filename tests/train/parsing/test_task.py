from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from train.common.checkpoint import LAST, load_checkpoint
from train.common.distributed import World
from train.common.errors import EmptyDataset, HeldOutSample
from train.common.experiment import from_json, to_json
from train.parsing.__main__ import main
from train.parsing.augment import Geometry
from train.parsing.config import EXPERIMENTS, ParsingExperiment
from train.parsing.data import ParsingData
from train.parsing.held_out import TEST_IDS, read_ids
from train.parsing.task import ParsingTask

from . import pictures

CPU = World(torch.device("cpu"))
NOBODY: frozenset[str] = frozenset()


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_every_experiment_trains_two_steps(name: str, tmp_path: Path) -> None:
    data = pictures.folder(tmp_path / "data")
    words = f"--experiment {name} --data {data} --check {data} --out {tmp_path / 'run'} --smoke --device cpu"
    assert main(words.split()) == 0
    found = load_checkpoint(tmp_path / "run" / LAST, name)
    assert found.step == 2
    assert from_json(ParsingExperiment, found.config) == EXPERIMENTS[name].smoke()
    lines = [json.loads(line) for line in (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()]
    assert {"test_hair", "test_face", "test_ear", "test_score"} <= set(lines[-1])
    assert len(list((tmp_path / "run" / "pictures").iterdir())) == 1


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_config_round_trip(name: str) -> None:
    assert from_json(ParsingExperiment, to_json(EXPERIMENTS[name])) == EXPERIMENTS[name]


def test_the_network_learns_one_batch_by_heart(tmp_path: Path) -> None:
    experiment = EXPERIMENTS["cpu"].smoke()
    task = ParsingTask(experiment, [pictures.folder(tmp_path)], [], NOBODY)
    torch.manual_seed(0)
    net = task.build().train()
    batch = next(task.batches(0, CPU))
    optimizer = torch.optim.AdamW(net.parameters(), 3e-3)
    losses = []
    for _ in range(25):
        loss = task.loss(net, batch)["loss"]
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.5 * losses[0]


def test_a_resumed_run_may_be_shortened(tmp_path: Path) -> None:
    data = pictures.folder(tmp_path / "data")
    words = f"--data {data} --out {tmp_path / 'run'} --smoke --device cpu".split()
    assert main([*words, "--minutes", "0"]) == 0
    assert main([*words, "--resume", "--steps", "3"]) == 0
    lines = [json.loads(line) for line in (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines if "rate" in line] == [1, 2, 3]


def test_the_test_set_is_kept_out_of_training(tmp_path: Path) -> None:
    geometry = Geometry(64, 64, 0.0, (1.0, 1.0))
    with pytest.raises(HeldOutSample, match=r"p1\.jpg"):
        ParsingData([pictures.folder(tmp_path)], geometry, 0, frozenset({"p1"}))
    assert len(read_ids(TEST_IDS)) == 60
    (tmp_path / "ids.txt").write_text("\n")
    with pytest.raises(EmptyDataset, match=r"ids\.txt"):
        read_ids(tmp_path / "ids.txt")


def test_a_refusal_is_said_and_not_thrown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = f"--data {tmp_path} --out {tmp_path / 'run'} --smoke --device cpu".split()
    assert main(words) == 1
    assert str(tmp_path) in capsys.readouterr().err
    assert main([*words, "--experiment", "none"]) == 1
    assert "cpu" in capsys.readouterr().err
