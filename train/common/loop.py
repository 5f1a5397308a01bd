"""The training loop of all networks: from a task and an experiment to checkpoints and metrics."""

from __future__ import annotations

import copy
import logging
import math
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from .checkpoint import BEST, LAST, Checkpoint, current_commit, load_checkpoint, save_checkpoint
from .distributed import World
from .errors import Diverged
from .experiment import Experiment, Run, to_json
from .metrics import MetricsLog
from .seed import random_state, restore_random_state, seed_torch

Batch = dict[str, Tensor]

LOWEST_RATE = 0.01
"""Share of the highest learning rate that is left at the end."""
BETAS = (0.9, 0.999)

log = logging.getLogger(__name__)


class Task(Protocol):
    """What is trained on what: the part of a run that knows the network."""

    @property
    def experiment(self) -> Experiment: ...

    def build(self) -> nn.Module:
        """The network at the start of the run, on the CPU."""
        ...

    def batches(self, first: int, world: World) -> Iterator[Batch]:
        """Batches from the ``first``-th on, without end; this process's share of each."""
        ...

    def loss(self, net: nn.Module, batch: Batch) -> dict[str, Tensor]:
        """Scalars of one batch; the one called ``loss`` is minimised."""
        ...

    def evaluate(
        self, net: nn.Module, device: torch.device
    ) -> tuple[dict[str, float], NDArray[np.uint8] | None]:
        """Figures of the averaged network, ``score`` (the larger the better) among them, and a picture."""
        ...


@dataclass(frozen=True)
class Progress:
    """How far a call of :func:`train` came."""

    step: int
    finished: bool
    """False if time was over first: call again with ``resume``."""


def train(
    task: Task, folder: Path, world: World, *, resume: bool = False, minutes: float | None = None
) -> Progress:
    """Train until the experiment's last step, or cleanly up to a time limit.

    Leaves ``last.pt``, ``best.pt``, ``metrics.jsonl`` and ``pictures/`` in ``folder``. A run that is
    resumed gives the same numbers as one that was never interrupted, because each batch depends on its
    number alone.

    Raises:
        CheckpointBroken, WrongExperiment: nothing to resume from.
        DiskFull: while saving; the checkpoint before stays whole.
        Diverged: the loss is not finite.
    """
    started = time.monotonic()
    run = task.experiment.run
    state = TrainingState(task, world)
    if resume:
        state.restore(load_checkpoint(folder / LAST, task.experiment.name))
    metrics = MetricsLog(folder, state.step) if world.leads else None
    net = world.wrapped(state.net)
    batches = task.batches(state.step * run.accumulate, world)
    mean: dict[str, float] = {}
    earlier = state.seconds
    while state.step < run.steps:
        values = state.advance(net, batches)
        state.seconds = earlier + time.monotonic() - started
        mean = {name: mean.get(name, 0.0) + value / run.log_every for name, value in values.items()}
        late = world.any(minutes is not None and time.monotonic() - started > 60 * minutes)
        ends = late or state.step == run.steps
        if metrics is not None and state.step % run.log_every == 0:
            metrics.write(state.step, {**mean, "rate": rate_at(run, state.step), "seconds": state.seconds})
            log.info("step %d of %d: %s", state.step, run.steps, _words(mean))
        if state.step % run.log_every == 0:
            mean = {}
        if metrics is not None and (state.step % run.evaluate_every == 0 or state.step == run.steps):
            _evaluate(state, folder, metrics)
        if world.leads and (ends or state.step % run.save_every == 0):
            save_checkpoint(state.checkpoint(), folder / LAST)
        world.wait()
        if late:
            break
    return Progress(state.step, state.step >= run.steps)


class TrainingState:
    """Network, averaged network, optimiser and counters of a run."""

    def __init__(self, task: Task, world: World) -> None:
        self.task, self.world = task, world
        self.run = task.experiment.run
        seed_torch(self.run.seed)
        # Depthwise convolutions on a CPU are twice as fast with the channels last.
        self.net = task.build().to(world.device, memory_format=torch.channels_last)
        self.ema = copy.deepcopy(self.net).eval().requires_grad_(False)
        self.optimizer = torch.optim.AdamW(_groups(self.net, self.run), lr=self.run.rate, betas=BETAS)
        self.step, self.seconds, self.best = 0, 0.0, -math.inf

    def advance(self, net: nn.Module, batches: Iterator[Batch]) -> dict[str, float]:
        """One step of the optimiser; returns the means of its losses."""
        net.train()
        for group in self.optimizer.param_groups:
            group["lr"] = rate_at(self.run, self.step)
        sums: dict[str, Tensor] = {}
        for number in range(self.run.accumulate):
            batch = {k: v.to(self.world.device, non_blocking=True) for k, v in next(batches).items()}
            with _unsynchronised(net, number < self.run.accumulate - 1), self._precision():
                losses = self.task.loss(net, batch)
                (losses["loss"] / self.run.accumulate).backward()
            for name, value in losses.items():
                sums[name] = sums.get(name, 0.0) + value.detach() / self.run.accumulate
        values = {name: float(value) for name, value in sums.items()}
        if not math.isfinite(values["loss"]):
            raise Diverged(
                f"The loss became {values['loss']} at step {self.step}.", "Resume with a lower learning rate."
            )
        nn.utils.clip_grad_norm_(self.net.parameters(), self.run.clip)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        self.step += 1
        self._average()
        return values

    @torch.no_grad()
    def _average(self) -> None:
        # Young averages forget faster, else they would remember the random start for long.
        memory = min(self.run.ema, (1 + self.step) / (10 + self.step))
        for mean, now in zip(self.ema.state_dict().values(), self.net.state_dict().values(), strict=True):
            if mean.dtype.is_floating_point:
                mean.lerp_(now, 1 - memory)
            else:
                mean.copy_(now)

    def _precision(self) -> torch.autocast:
        return torch.autocast(self.world.device.type, torch.bfloat16, enabled=self.run.amp)

    def checkpoint(self) -> Checkpoint:
        """The state as it goes to disk."""
        return Checkpoint(
            experiment=self.task.experiment.name,
            config=to_json(self.task.experiment),
            step=self.step,
            seconds=self.seconds,
            model=self.net.state_dict(),
            ema=self.ema.state_dict(),
            optimizer=self.optimizer.state_dict(),
            random=random_state(self.world.device),
            best=self.best,
            commit=current_commit(),
        )

    def restore(self, checkpoint: Checkpoint) -> None:
        """Go back to a saved state."""
        self.net.load_state_dict(checkpoint.model)
        self.ema.load_state_dict(checkpoint.ema)
        self.optimizer.load_state_dict(checkpoint.optimizer)
        self.step, self.seconds, self.best = checkpoint.step, checkpoint.seconds, checkpoint.best
        restore_random_state(checkpoint.random, self.world.device)


def rate_at(run: Run, step: int) -> float:
    """Learning rate of a step: linear warm-up, then a cosine (Loshchilov and Hutter, ICLR 2017)."""
    rising = min(1.0, (step + 1) / max(run.warmup, 1))
    share = min(1.0, step / max(run.steps, 1))
    return run.rate * rising * (LOWEST_RATE + (1 - LOWEST_RATE) * 0.5 * (1 + math.cos(math.pi * share)))


def _groups(net: nn.Module, run: Run) -> list[dict[str, Any]]:
    """Weights decay; biases and scales do not."""
    trained = [parameter for parameter in net.parameters() if parameter.requires_grad]
    return [
        {"params": [p for p in trained if p.ndim > 1], "weight_decay": run.weight_decay},
        {"params": [p for p in trained if p.ndim <= 1], "weight_decay": 0.0},
    ]


def _unsynchronised(net: nn.Module, more_to_come: bool) -> Any:
    """Gradients of several processes are averaged once a step, not once a batch."""
    if more_to_come and isinstance(net, nn.parallel.DistributedDataParallel):
        return net.no_sync()
    return torch.enable_grad()


def _evaluate(state: TrainingState, folder: Path, metrics: MetricsLog) -> None:
    figures, picture = state.task.evaluate(state.ema, state.world.device)
    metrics.write(state.step, {f"test_{name}": value for name, value in figures.items()})
    log.info("step %d, averaged network: %s", state.step, _words(figures))
    if picture is not None:
        metrics.picture(state.step, "test", picture)
    if figures["score"] > state.best:
        state.best = figures["score"]
        save_checkpoint(state.checkpoint(), folder / BEST)


def _words(values: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {value:.4f}" for name, value in values.items())
