"""Draws many scenes with several processes on a CPU, or in large batches on a GPU."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from multiprocessing import get_context
from multiprocessing.pool import Pool
from typing import TypeVar

import cv2
import torch

from .assets import load_assets
from .hair.build import STRANDS
from .hair.from_mesh import trace
from .hair.roots import EACH
from .people import build_people
from .sample import SynthSample, generate
from .scene import Scene, sample_scene

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
    with _one_thread(), _pool(workers) as pool:
        for kept in pool.imap(draw, jobs):
            yield from kept


def _pool(workers: int) -> Pool:
    """Processes with one thread each."""
    if sys.platform != "linux":
        return get_context("spawn").Pool(workers, _keep_to_one_thread)
    # Copies of this process have read and worked out everything already. Only Linux copies safely.
    build_people([sample_scene(0).person], torch.device("cpu"))
    for name in load_assets().hair:
        trace("cpu", name, STRANDS // EACH)
    return get_context("fork").Pool(workers)


@contextmanager
def _one_thread() -> Iterator[None]:
    """A copy of a process has none of its threads, and would wait for them for ever."""
    before = torch.get_num_threads(), cv2.getNumThreads()
    _keep_to_one_thread()
    try:
        yield
    finally:
        torch.set_num_threads(before[0])
        cv2.setNumThreads(before[1])


def _keep_to_one_thread() -> None:
    torch.set_num_threads(1)
    cv2.setNumThreads(1)


def _draw(job: Sequence[Order], size: int, device: str, keep: Callable[[SynthSample], Kept]) -> list[Kept]:
    batch = generate([scene for order in job for scene in order()], size, device)
    return [keep(batch.sample(i)) for i in range(len(batch))]
