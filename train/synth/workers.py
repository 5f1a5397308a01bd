"""Draws many scenes with several processes on a CPU, or in large batches on a GPU."""

from __future__ import annotations

from collections.abc import Iterator
from multiprocessing import get_context

import torch

from .sample import SynthSample, generate
from .scene import Scene

BATCH = 1
"""Scenes drawn at once on a CPU: more leave its cache."""
BATCH_GPU = 64


def draw_all(scenes: list[Scene], size: int, device: str, workers: int = 1) -> Iterator[SynthSample]:
    """All samples in order. ``workers`` processes share the work on a CPU, with one thread each."""
    step = BATCH if device == "cpu" else BATCH_GPU
    jobs = [(scenes[i : i + step], size, device) for i in range(0, len(scenes), step)]
    if workers < 2 or device != "cpu":
        for job in jobs:
            yield from _draw(job)
        return
    # A process that forks takes torch's threads along half-alive; a fresh one starts its own.
    with get_context("spawn").Pool(workers, torch.set_num_threads, (1,)) as pool:
        for samples in pool.imap(_draw, jobs):
            yield from samples


def _draw(job: tuple[list[Scene], int, str]) -> list[SynthSample]:
    scenes, size, device = job
    batch = generate(scenes, size, device)
    return [batch.sample(i) for i in range(len(batch))]
