"""How long one still of 512 pixels takes on this computer."""

from __future__ import annotations

import time
from dataclasses import dataclass
from statistics import median

import cv2
import torch

from backend.camera import Camera
from backend.evaluate import EvaluationItem
from backend.evaluate.predict import scaled
from backend.repose import render_view

from .measure import finished, predictor
from .rows import Row

SIDE = 512
RUNS = 5
THREADS = 1
TURN_DEG = 25.0


@dataclass(frozen=True)
class StillTime:
    """Milliseconds, medians of :data:`RUNS` warm runs with :data:`THREADS` thread.

    Two spin while they wait for each other, and on a busy computer that counts as processor time.
    """

    render_wall_ms: float
    render_cpu_ms: float
    refine_wall_ms: float
    refine_cpu_ms: float


def still_times(item: EvaluationItem, row: Row) -> StillTime:
    """Of a head turned by TURN_DEG; the number of threads is as before afterwards."""
    before = torch.get_num_threads(), cv2.getNumThreads()
    head = predictor().engine.reconstruct(predictor().fitted(item).photo)
    pose, camera = head.pose.turned(yaw_deg=TURN_DEG), _square(head.camera)
    samples: list[tuple[float, ...]] = []
    try:
        torch.set_num_threads(THREADS)
        cv2.setNumThreads(THREADS)
        for _ in range(RUNS + 1):
            clocks = [_now()]
            view = render_view(head, pose, camera)
            clocks.append(_now())
            finished(row, view, head)
            clocks.append(_now())
            samples.append(
                tuple(1000 * (b - a) for a, b in zip(sum(clocks[:2], ()), sum(clocks[1:], ()), strict=True))
            )
    finally:
        torch.set_num_threads(before[0])
        cv2.setNumThreads(before[1])
    return StillTime(*(median(values) for values in zip(*samples[1:], strict=True)))


def _now() -> tuple[float, float]:
    return time.perf_counter(), time.process_time()


def _square(camera: Camera) -> Camera:
    """The camera's picture at SIDE pixels across, SIDE high from its top."""
    wide = scaled(camera, SIDE / camera.width)
    return wide.cropped(1.0, 0.0, 0.0, SIDE, SIDE)
