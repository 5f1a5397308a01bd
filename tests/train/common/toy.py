"""A task so small that a whole run takes milliseconds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import torch
from torch import Tensor, nn

from train.common.distributed import World
from train.common.experiment import Run
from train.common.loading import load_batches
from train.common.seed import sample_generator

RUN = Run(steps=6, batch=4, warmup=2, amp=False, log_every=1, save_every=2, evaluate_every=3, rate=1e-2)


@dataclass(frozen=True)
class ToyExperiment:
    """Satisfies :class:`train.common.experiment.Experiment`."""

    name: str = "toy"
    run: Run = RUN
    range: tuple[float, float] = (-1.0, 1.0)

    def smoke(self) -> Self:
        return replace(self, run=replace(self.run, steps=2))


class Numbers:
    """Numbered samples of a linear rule."""

    def sample(self, number: int) -> dict[str, Tensor]:
        x = torch.from_numpy(sample_generator(0, number).normal(size=3)).float()
        return {"x": x, "y": x.sum(dim=0, keepdim=True)}


class ToyTask:
    """Learns that rule. The network draws random numbers of its own, as dropout does."""

    def __init__(self, run: Run = RUN, noise: float = 0.0, name: str = "toy") -> None:
        self.experiment = ToyExperiment(name, run)
        self.noise = noise
        self.seen: list[Tensor] = []

    def build(self) -> nn.Module:
        return nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Linear(8, 1))

    def batches(self, first: int, world: World) -> Iterator[dict[str, Tensor]]:
        return load_batches(Numbers(), first, self.experiment.run, world)

    def loss(self, net: nn.Module, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        self.seen.append(batch["x"])
        x = batch["x"] + self.noise * torch.randn_like(batch["x"])
        return {"loss": (net(x) - batch["y"]).square().mean()}

    def evaluate(self, net: nn.Module, device: torch.device) -> tuple[dict[str, float], np.ndarray | None]:
        with torch.inference_mode():
            error = float((net(torch.ones(1, 3)) - 3.0).abs())
        return {"score": -error}, np.zeros((4, 4, 3), np.uint8)
