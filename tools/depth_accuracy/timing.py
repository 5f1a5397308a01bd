"""How long the depth network takes on this computer."""

from __future__ import annotations

import time
from dataclasses import dataclass
from statistics import median

import torch

from backend.nets.depth_net import HeadView

from .rows import Run, network

RUNS = 10
THREADS = (1, 2)


@dataclass(frozen=True)
class NetworkTime:
    """Milliseconds for one head at the network's own side, medians of :data:`RUNS` warm runs."""

    side: int
    """Pixels along one side."""
    threads: int
    wall_ms: float
    cpu_ms: float
    """Processor time of all threads together. Where threads wait for each other they spin, which counts, too;
    of one thread alone it is what the network needs, however busy the computer is."""


def network_times(run: Run) -> list[NetworkTime]:
    """With one and with two threads; the number of threads is as before afterwards."""
    before = torch.get_num_threads()
    try:
        return [_timed(run, threads) for threads in THREADS]
    finally:
        torch.set_num_threads(before)


@torch.inference_mode()
def _timed(run: Run, threads: int) -> NetworkTime:
    torch.set_num_threads(threads)
    net = network(run).to(memory_format=torch.channels_last)
    plane = torch.zeros(1, net.side, net.side)
    picture = torch.zeros(1, 3, net.side, net.side)
    view = HeadView(picture, plane, plane, plane.long(), plane)
    net(view)
    wall, processor = [], []
    for _ in range(RUNS):
        start, started = time.perf_counter(), time.process_time()
        net(view)
        wall.append(1000 * (time.perf_counter() - start))
        processor.append(1000 * (time.process_time() - started))
    return NetworkTime(net.side, threads, median(wall), median(processor))
