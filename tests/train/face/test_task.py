"""The face network's run: experiments, losses of who knows the truth, learning by heart."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from backend.nets.face_net import FaceCoefficients
from train.common.checkpoint import LAST, load_checkpoint
from train.common.distributed import World
from train.common.errors import WrongExperiment
from train.common.experiment import from_json, to_json
from train.face.__main__ import main
from train.face.config import EXPERIMENTS, FaceExperiment
from train.face.task import FaceTask

from . import faces, photos

CPU = World(torch.device("cpu"))


class Knowing(nn.Module):
    """Answers with the truth, whatever it is shown."""

    def __init__(self, batch: dict[str, Tensor]) -> None:
        super().__init__()
        names = ("identity", "expression", "albedo", "light", "rotation", "place")
        self.answer = FaceCoefficients(**{name: batch[name] for name in names})

    def forward(self, _: Tensor) -> FaceCoefficients:
        return self.answer


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_every_experiment_trains_two_steps(name: str, tmp_path: Path) -> None:
    data = faces.folder(tmp_path / "data", 2)
    words = f"--experiment {name} --data {data} --check {data} --out {tmp_path / 'run'} --smoke --device cpu"
    words += f" --photos {photos.folder(tmp_path / 'photos')}"
    assert main(words.split()) == 0
    found = load_checkpoint(tmp_path / "run" / LAST, name)
    assert found.step == 2
    assert from_json(FaceExperiment, found.config) == EXPERIMENTS[name].smoke()
    lines = [json.loads(line) for line in (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()]
    assert {"test_vertices_mm", "test_mean_head_mm", "test_pose_deg", "test_score"} <= set(lines[-1])
    assert len(list((tmp_path / "run" / "pictures").iterdir())) == 1


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_config_round_trip(name: str) -> None:
    assert from_json(FaceExperiment, to_json(EXPERIMENTS[name])) == EXPERIMENTS[name]


def test_who_knows_the_truth_is_not_punished(tmp_path: Path) -> None:
    task = FaceTask(EXPERIMENTS["cpu"].smoke(), [faces.folder(tmp_path)], [])
    batch = next(task.batches(0, CPU))
    parts = task.loss(Knowing(batch), batch)
    assert {name for name, value in parts.items() if value.abs() > 1e-4} == set()
    wrong = Knowing({**batch, "place": batch["place"] + 0.1})
    parts = task.loss(wrong, batch)
    assert {name for name, value in parts.items() if value.abs() > 1e-4} == {"loss", "place", "landmarks"}


def test_who_knows_the_truth_scores_best(tmp_path: Path) -> None:
    data = faces.folder(tmp_path, 1)
    task = FaceTask(replace(EXPERIMENTS["cpu"].smoke(), shift_jitter=0.0, size_jitter=0.0), [data], [data])
    truth = {name: values[:1] for name, values in next(task.batches(0, CPU)).items()}
    figures, picture = task.evaluate(Knowing(truth), CPU.device)
    assert picture is not None and picture.shape == (64, 3 * 64, 3)
    assert figures["vertices_mm"] < 1e-4 < 1 < figures["mean_head_mm"]
    assert figures["pose_deg"] < 0.01 and figures["landmarks_px"] < 0.01
    assert figures["score"] == -figures["vertices_mm"]


def test_depth_pulls_at_shape_and_place(tmp_path: Path) -> None:
    """The drawn head is as near as its place says."""
    experiment = replace(EXPERIMENTS["cpu"].smoke(), depth=1.0)
    task = FaceTask(experiment, [faces.folder(tmp_path)], [])
    batch = next(task.batches(0, CPU))
    place = batch["place"].clone().requires_grad_()
    identity = batch["identity"].clone().requires_grad_()
    depth = task.loss(Knowing({**batch, "place": place, "identity": identity}), batch)["depth"]
    gradients = torch.autograd.grad(depth, (place, identity))
    assert all(bool(gradient.any()) for gradient in gradients)


def test_the_network_learns_one_batch_by_heart(tmp_path: Path) -> None:
    task = FaceTask(EXPERIMENTS["cpu"].smoke(), [faces.folder(tmp_path)], [])
    torch.manual_seed(0)
    net = task.build().train()
    batch = next(task.batches(0, CPU))
    optimizer = torch.optim.AdamW(net.parameters(), 2e-3)
    losses = []
    for _ in range(10):
        loss = task.loss(net, batch)["loss"]
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.5 * losses[0]


def test_runs_that_cannot_begin_say_why(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = f"--data {tmp_path} --out {tmp_path / 'run'} --smoke --device cpu".split()
    assert main(words) == 1
    assert "manifest.jsonl" in capsys.readouterr().err
    assert main([*words, "--experiment", "huge"]) == 1
    assert "paper" in capsys.readouterr().err
    with pytest.raises(WrongExperiment, match="light"):
        FaceTask(replace(EXPERIMENTS["cpu"], backbone="none"), [tmp_path], [])
