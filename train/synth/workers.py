"""Draws many scenes with several processes on a CPU, or in large batches on a GPU."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from multiprocessing import get_context
from typing import TypeVar

import torch

from .sample import SynthSample, generate
from .scene import Scene

BATCH = 4
"""Scenes built at once on a CPU; they are drawn one by one."""
BATCH_GPU = 64

Kept = TypeVar("Kept")
Order = Callable[[], list[Scene]]
"""Sampled by whoever draws them, as sampling takes its time, too."""


def _whole(sample: SynthSample) -> SynthSample:
    return sample


def draw_all(
    orders: Sequence[Order],
    size: int,
    device: str,
    workers: int = 1,
    keep: Callable[[SynthSample], Kept] = _whole,
) -> Iterator[Kept]:
    """What ``keep`` makes of all samples, in order. ``workers`` processes share the work on a CPU.

    Each of them has one thread and calls ``keep`` itself, so that pictures need not travel.
    """
    step = BATCH if device == "cpu" else BATCH_GPU
    jobs = [orders[i : i + step] for i in range(0, len(orders), step)]
    draw = partial(_draw, size=size, device=device, keep=keep)
    if workers < 2 or device != "cpu":
        for job in jobs:
            yield from draw(job)
        return
    # A copy of this process has read everything already. Only Linux copies safely what runs threads, and
    # only if the copy never uses them: hence one thread each, as torch's own loaders do.
    start = "fork" if sys.platform == "linux" else "spawn"
    with get_context(start).Pool(workers, torch.set_num_threads, (1,)) as pool:
        for kept in pool.imap(draw, jobs):
            yield from kept


def _draw(job: Sequence[Order], size: int, device: str, keep: Callable[[SynthSample], Kept]) -> list[Kept]:
    batch = generate([scene for order in job for scene in order()], size, device)
    return [keep(batch.sample(i)) for i in range(len(batch))]
