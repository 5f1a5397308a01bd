from __future__ import annotations

import errno
import json
import math
import multiprocessing
import os
import socket
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from train.common import loop, storage
from train.common.checkpoint import BEST, LAST, Checkpoint, load_checkpoint
from train.common.distributed import World, joined
from train.common.errors import CheckpointBroken, DiskFull, Diverged, WrongExperiment
from train.common.experiment import Run
from train.common.loop import rate_at, train

from . import toy

CPU = World(torch.device("cpu"))


def same(ours: Checkpoint, theirs: Checkpoint) -> bool:
    """Whether two states are equal bit for bit, but for the time they took."""
    moments = [
        torch.equal(a[key], b[key])
        for a, b in zip(ours.optimizer["state"].values(), theirs.optimizer["state"].values(), strict=True)
        for key in a
    ]
    weights = [
        torch.equal(getattr(ours, kind)[key], getattr(theirs, kind)[key])
        for kind in ("model", "ema", "random")
        for key in getattr(ours, kind)
    ]
    return all(moments) and all(weights) and (ours.step, ours.best) == (theirs.step, theirs.best)


def test_a_resumed_run_equals_an_uninterrupted_one(tmp_path: Path) -> None:
    task = toy.ToyTask(noise=0.1)
    train(task, tmp_path / "whole", CPU)
    for first in (True, *[False] * 5):
        progress = train(task, tmp_path / "sliced", CPU, resume=not first, minutes=0.0)
    assert progress.finished
    whole, sliced = (load_checkpoint(tmp_path / name / LAST) for name in ("whole", "sliced"))
    assert same(whole, sliced)
    other = toy.ToyTask(replace(toy.RUN, seed=1), noise=0.1)
    train(other, tmp_path / "other", CPU)
    assert not same(whole, load_checkpoint(tmp_path / "other" / LAST))


def test_time_ends_a_run_cleanly(tmp_path: Path) -> None:
    progress = train(toy.ToyTask(), tmp_path, CPU, minutes=0.0)
    assert progress.step == 1 and not progress.finished
    assert load_checkpoint(tmp_path / LAST).step == 1


def test_it_learns(tmp_path: Path) -> None:
    train(
        toy.ToyTask(replace(toy.RUN, steps=150, batch=32, save_every=150, evaluate_every=150)), tmp_path, CPU
    )
    lines = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    losses = [line["loss"] for line in lines if "loss" in line]
    assert losses[-1] < 0.1 * losses[0]


def test_accumulated_batches_are_one_large_batch(tmp_path: Path) -> None:
    train(toy.ToyTask(replace(toy.RUN, batch=4)), tmp_path / "whole", CPU)
    train(toy.ToyTask(replace(toy.RUN, batch=2, accumulate=2)), tmp_path / "halves", CPU)
    whole, halves = (load_checkpoint(tmp_path / name / LAST).model for name in ("whole", "halves"))
    for key in whole:
        torch.testing.assert_close(whole[key], halves[key], rtol=1e-4, atol=1e-5)


def one_of_two(rank: int, port: int, folder: Path) -> None:
    """A process as torchrun starts it."""
    os.environ |= {"RANK": str(rank), "LOCAL_RANK": str(rank), "WORLD_SIZE": "2"}
    os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    torch.set_num_threads(1)
    with joined("cpu") as world:
        train(toy.ToyTask(replace(toy.RUN, batch=2)), folder, world)


def test_two_processes_see_one_doubled_batch(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    # Forked, because importing torch twice more takes longer than everything else here.
    fork = multiprocessing.get_context("fork")
    two = [fork.Process(target=one_of_two, args=(rank, port, tmp_path / "two")) for rank in (0, 1)]
    for process in two:
        process.start()
    for process in two:
        process.join(timeout=60)
    assert [process.exitcode for process in two] == [0, 0]
    train(toy.ToyTask(replace(toy.RUN, batch=4)), tmp_path / "one", CPU)
    ours, theirs = (load_checkpoint(tmp_path / name / LAST).model for name in ("two", "one"))
    for key in theirs:
        torch.testing.assert_close(ours[key], theirs[key], rtol=1e-4, atol=1e-5)


def test_metrics_go_on_where_the_checkpoint_was(tmp_path: Path) -> None:
    train(toy.ToyTask(replace(toy.RUN, save_every=4)), tmp_path, CPU)
    # As if the run had been killed after its fifth step: the last checkpoint is of the fourth.
    (tmp_path / LAST).unlink()
    train(toy.ToyTask(replace(toy.RUN, steps=4)), tmp_path / "four", CPU)
    (tmp_path / "four" / LAST).rename(tmp_path / LAST)
    train(toy.ToyTask(), tmp_path, CPU, resume=True)
    lines = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines if "loss" in line] == [1, 2, 3, 4, 5, 6]
    assert sorted(path.name for path in (tmp_path / "pictures").iterdir()) == [
        "test_000003.png",
        "test_000006.png",
    ]


def test_a_full_disk_costs_no_checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    train(toy.ToyTask(replace(toy.RUN, steps=2)), tmp_path, CPU)
    before = (tmp_path / LAST).read_bytes()

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(storage.os, "fsync", full)
    monkeypatch.setattr(loop, "MetricsLog", lambda folder, step: None)
    with pytest.raises(DiskFull, match=r"last\.pt"):
        train(toy.ToyTask(), tmp_path, CPU, resume=True)
    assert (tmp_path / LAST).read_bytes() == before
    assert not list(tmp_path.glob(".*.part"))


def test_what_cannot_be_resumed_is_named(tmp_path: Path) -> None:
    with pytest.raises(CheckpointBroken, match=r"last\.pt"):
        train(toy.ToyTask(), tmp_path, CPU, resume=True)
    train(toy.ToyTask(replace(toy.RUN, steps=1)), tmp_path, CPU)
    with pytest.raises(WrongExperiment, match="'toy'"):
        train(toy.ToyTask(name="other"), tmp_path, CPU, resume=True)


def test_a_diverged_run_stops_before_it_spoils_the_checkpoint(tmp_path: Path) -> None:
    train(toy.ToyTask(replace(toy.RUN, steps=2)), tmp_path, CPU)
    with pytest.raises(Diverged):
        train(toy.ToyTask(noise=math.inf), tmp_path, CPU, resume=True)
    assert load_checkpoint(tmp_path / LAST).step == 2


def test_the_best_network_is_kept(tmp_path: Path) -> None:
    train(toy.ToyTask(), tmp_path, CPU)
    best, last = load_checkpoint(tmp_path / BEST), load_checkpoint(tmp_path / LAST)
    assert best.step in (3, 6) and best.best == last.best


def test_learning_rate_by_hand() -> None:
    run = Run(steps=100, batch=1, rate=1.0, warmup=10)
    assert rate_at(run, 4) == pytest.approx(0.5 * (0.01 + 0.99 * 0.5 * (1 + math.cos(0.04 * math.pi))))
    assert rate_at(run, 50) == pytest.approx(0.505)
    assert rate_at(run, 100) == pytest.approx(0.01)
