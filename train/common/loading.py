"""Numbered samples become the batches of a process."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

import cv2
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from .distributed import World
from .experiment import Run


class NumberedSamples(Protocol):
    """An endless source; equal numbers give equal samples."""

    def sample(self, number: int) -> dict[str, Tensor]:
        """One sample; all have the same names and shapes."""
        ...


def numbers_of_batch(batch: int, run: Run, world: World) -> range:
    """Samples of a batch that are this process's: all processes together see consecutive ones."""
    whole = run.batch * world.size
    return range(batch * whole + world.rank, (batch + 1) * whole, world.size)


def load_batches(source: NumberedSamples, first: int, run: Run, world: World) -> Iterator[dict[str, Tensor]]:
    """Batches from the ``first``-th on, loaded by ``run.workers`` processes."""
    last = run.steps * run.accumulate
    batches = [list(numbers_of_batch(batch, run, world)) for batch in range(first, last)]
    loader = DataLoader(
        _Indexed(source),
        batch_sampler=batches,
        num_workers=run.workers,
        worker_init_fn=_alone,
        pin_memory=world.device.type == "cuda",
        persistent_workers=False,
        # Without one of its own a loader draws from torch's global generator: a resumed run would differ.
        generator=torch.Generator(),
    )
    yield from loader


class _Indexed(Dataset[dict[str, Tensor]]):
    def __init__(self, source: NumberedSamples) -> None:
        self._source = source

    def __getitem__(self, number: int) -> dict[str, Tensor]:
        return self._source.sample(number)


def _alone(worker: int) -> None:
    """Workers share the processor's cores with each other; threads of their own only get in the way."""
    torch.set_num_threads(1)
    cv2.setNumThreads(0)
