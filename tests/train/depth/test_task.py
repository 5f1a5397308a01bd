"""The depth network's run: experiments, ablations, who knows the truth, learning by heart."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from backend.nets.depth_net import HeadView
from train.common.checkpoint import LAST, load_checkpoint
from train.common.distributed import World
from train.common.errors import WrongExperiment
from train.common.experiment import from_json, to_json
from train.common.loop import TrainingState
from train.depth.__main__ import main
from train.depth.config import EXPERIMENTS, DepthExperiment
from train.depth.data import read_views
from train.depth.objective import flattened
from train.depth.task import DepthTask

from . import eggs

CPU = World(torch.device("cpu"))


class Saying(nn.Module):
    """Answers with a relief that was laid out beforehand, whatever it is shown; remembers what it saw."""

    def __init__(self, relief: Tensor) -> None:
        super().__init__()
        self.relief = relief
        self.seen: HeadView | None = None

    def forward(self, view: HeadView) -> Tensor:
        self.seen = view
        return self.relief


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return eggs.folder(tmp_path_factory.mktemp("eggs"), 2)


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_every_experiment_trains_two_steps(name: str, data: Path) -> None:
    # Checkpoints of the paper's network are large, so only one run is saved, below.
    state = TrainingState(DepthTask(EXPERIMENTS[name].smoke(), [data]), CPU)
    batches = state.task.batches(0, CPU)
    before = [p.detach().clone() for p in state.net.parameters()]
    for _ in range(2):
        values = state.advance(state.net, batches)
    assert set(values) == {"loss", "colour", "gradient", "smooth", "face", "layer", "depth"}
    assert any(not torch.equal(a, b) for a, b in zip(before, state.net.parameters(), strict=True))


def test_a_whole_run_from_the_command_line(data: Path, tmp_path: Path) -> None:
    words = f"--data {data} --check {data} --out {tmp_path} --smoke --device cpu --without-order"
    assert main(words.split()) == 0
    found = load_checkpoint(tmp_path / LAST, "cpu_without_order")
    assert found.step == 2
    assert from_json(DepthExperiment, found.config) == EXPERIMENTS["cpu"].without_order().smoke()
    lines = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    expected = {"test_face_mm", "test_non_face_mm", "test_prior_non_face_mm", "test_behind_share"}
    assert expected <= set(lines[-1])
    assert len(list((tmp_path / "pictures").iterdir())) == 1


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_config_round_trip(name: str) -> None:
    assert from_json(DepthExperiment, to_json(EXPERIMENTS[name])) == EXPERIMENTS[name]


def test_the_papers_numbers() -> None:
    paper = EXPERIMENTS["paper"]
    weights = (paper.colour, paper.gradient, paper.smooth, paper.face, paper.layer, paper.depth)
    assert weights == (0.4, 0.6, 100, 500, 100, 0)
    assert (paper.run.batch, paper.run.rate, paper.run.steps, paper.side) == (8, 1e-4, 63000, 256)


def test_who_knows_the_truth_is_hardly_punished(data: Path) -> None:
    task = DepthTask(EXPERIMENTS["cpu"].smoke(), [data])
    batch = next(task.batches(0, CPU))
    truth = flattened(batch)["truth"].nan_to_num(0.0)
    right = task.loss(Saying(truth), batch)
    assert max(right[name].item() for name in ("face", "layer", "depth")) < 1e-5
    wrong = task.loss(Saying(truth - 0.1), batch)
    for name in ("colour", "face", "layer", "depth"):
        assert wrong[name] > right[name] + 0.01, name
    parts = {name: value for name, value in wrong.items() if name != "loss"}
    whole = sum(getattr(task.experiment, name) * value.item() for name, value in parts.items())
    assert wrong["loss"].item() == pytest.approx(whole, rel=1e-5)


def test_the_hidden_is_not_compared(data: Path) -> None:
    """What has turned behind the other view's face stays out of the colour loss."""
    task = DepthTask(replace(EXPERIMENTS["cpu"].smoke(), hidden_mm=-1e6), [data])
    batch = next(task.batches(0, CPU))
    views = flattened(batch)
    away = views["truth"].nan_to_num(0.0)
    compared = DepthTask(EXPERIMENTS["paper"].smoke(), [data]).loss(Saying(away), batch)["colour"]
    assert task.loss(Saying(away), batch)["colour"] != compared


def test_ablations_hide_what_they_say(data: Path) -> None:
    experiment = EXPERIMENTS["paper"].smoke()
    batch = next(DepthTask(experiment, [data]).batches(0, CPU))
    net = Saying(flattened(batch)["truth"].nan_to_num(0.0) - 0.1)
    whole = DepthTask(experiment, [data]).loss(net, batch)
    assert net.seen is not None and bool(net.seen.face.isfinite().any())
    blind = DepthTask(experiment.without_df(), [data]).loss(net, batch)
    assert bool(net.seen.face.isnan().all()) and bool(net.seen.prior.isnan().all())
    assert blind["face"] == whole["face"] > 0
    without = DepthTask(experiment.without_order(), [data]).loss(net, batch)
    assert (whole["loss"] - without["loss"]).item() == pytest.approx(100 * whole["layer"].item(), rel=1e-4)


def test_figures_tell_truth_from_prior(data: Path) -> None:
    task = DepthTask(EXPERIMENTS["cpu"].smoke(), [data], [data])
    views = read_views(data)
    truths = torch.stack([view.tensors(64)["truth"] for view in views]).nan_to_num(0.0)

    class Knowing(nn.Module):
        def __init__(self, off: float) -> None:
            super().__init__()
            self.answers = iter(truths + off)

        def forward(self, _: HeadView) -> Tensor:
            return next(self.answers)[None]

    figures, picture = task.evaluate(Knowing(0.0), CPU.device)
    assert picture is not None and picture.shape == (len(views) * 64, 5 * 64, 3)
    assert max(figures[name] for name in ("face_mm", "non_face_mm", "behind_share")) < 1e-3
    assert figures["prior_non_face_mm"] == pytest.approx(eggs.PRIOR_MM, abs=0.01)
    figures, _ = task.evaluate(Knowing(-0.07), CPU.device)
    assert figures["non_face_mm"] == pytest.approx(7.0, abs=0.01) == -figures["score"]
    assert figures["behind_share"] == 1.0  # 7 mm back, past the 4 mm that hair lies before the face


def test_one_pair_is_learnt_by_heart(data: Path) -> None:
    """From nothing: where the prior is hidden, the network begins with a plane."""
    torch.manual_seed(0)
    few = replace(EXPERIMENTS["cpu"].smoke().without_df(), side=32, colour=0.0, gradient=0.0)
    task = DepthTask(few, [data])
    net = task.build().train()
    batch = next(task.batches(0, CPU))
    optimizer = torch.optim.AdamW(net.parameters(), 5e-3)
    losses = []
    for _ in range(12):
        parts = task.loss(net, batch)
        optimizer.zero_grad()
        parts["loss"].backward()
        optimizer.step()
        losses.append(parts["depth"].item())
    assert losses[-1] < 0.5 * losses[0]


def test_runs_that_cannot_begin_say_why(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = f"--data {tmp_path} --out {tmp_path / 'run'} --smoke --device cpu".split()
    assert main(words) == 1
    assert "manifest.jsonl" in capsys.readouterr().err
    assert main([*words, "--experiment", "huge"]) == 1
    assert "paper" in capsys.readouterr().err
    with pytest.raises(WrongExperiment, match="likeness"):
        DepthTask(replace(EXPERIMENTS["cpu"], net="none"), [tmp_path])
