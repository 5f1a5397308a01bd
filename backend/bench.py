"""Measures what one photo costs on this computer: time per stage, memory, rasteriser.

Medians of warm runs. The figures belong to a machine, so they are printed with it and never
asserted by a test.
"""

from __future__ import annotations

import os
import platform
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

import cv2
import skimage.data
import torch

from .engine import Engine
from .photo import load_photo
from .progress import Progress, ignore
from .protocol import Stage
from .raster.benchmark import measure as measure_rasterizers
from .repose import render_view
from .wire import pack_reconstruction

SAMPLE_SIDE = 1000
"""Side of the sample photo: one megapixel, as the time limit of an import is stated."""


@dataclass
class Samples:
    """Milliseconds of every run by stage, in the order in which stages came."""

    by_stage: dict[str, list[float]] = field(default_factory=dict)

    def add(self, timings_ms: dict[str, float]) -> None:
        """Note one run."""
        for name, value in timings_ms.items():
            self.by_stage.setdefault(name, []).append(value)

    def medians(self) -> dict[str, float]:
        """Median of every stage, rounded to a tenth."""
        return {name: round(median(values), 1) for name, values in self.by_stage.items()}


def sample_photo() -> bytes:
    """NASA's portrait of Eileen Collins from scikit-image (public domain) as a JPEG of one megapixel."""
    pixels = cv2.resize(skimage.data.astronaut(), (SAMPLE_SIDE, SAMPLE_SIDE), interpolation=cv2.INTER_CUBIC)
    return cv2.imencode(".jpg", pixels[..., ::-1])[1].tobytes()


def measure(
    data: bytes, name: str, runs: int = 10, threads: int | None = None, progress: Progress = ignore
) -> dict[str, Any]:
    """Import a photo file once to warm up and ``runs`` times for the clock."""
    if threads is not None:
        torch.set_num_threads(threads)
        cv2.setNumThreads(threads)
    engine = Engine()
    start = time.perf_counter()
    photo = load_photo(data, name)
    engine.reconstruct(photo)
    cold_ms = 1000 * (time.perf_counter() - start)
    samples = Samples()
    for run in range(runs):
        progress(Stage.LOAD, run / runs)
        samples.add(_one_run(engine, data))
    memory = peak_memory_mb()
    return {
        "machine": machine(),
        "load_average": load_average(),
        "device": engine.device_name,
        "threads": torch.get_num_threads(),
        "photo": {"name": photo.name, "width": photo.width, "height": photo.height},
        "runs": runs,
        "first_import_ms": round(cold_ms, 1),
        "median_ms": samples.medians(),
        "peak_memory_mb": memory,
        "rasterizer": measure_rasterizers(),
    }


def _one_run(engine: Engine, data: bytes) -> dict[str, float]:
    """Milliseconds of the stages, of the whole import with opening and packing, and of one still."""
    start, cpu_start = time.perf_counter(), time.process_time()
    photo = load_photo(data)
    opened = time.perf_counter()
    reconstruction = engine.reconstruct(photo)
    built = time.perf_counter()
    pack_reconstruction(reconstruction)
    packed, cpu_packed = time.perf_counter(), time.process_time()
    coarse = render_view(reconstruction, reconstruction.pose.turned(yaw_deg=20))
    rendered = time.perf_counter()
    engine.refine(coarse.colour, coarse.known, reconstruction.images["plate"])
    refined = time.perf_counter()
    return {
        "load": 1000 * (opened - start),
        **reconstruction.timings_ms,
        "pack": 1000 * (packed - built),
        "import_total": 1000 * (packed - start),
        "import_cpu": 1000 * (cpu_packed - cpu_start),
        "still_render": 1000 * (rendered - packed),
        "still_refine": 1000 * (refined - rendered),
    }


def peak_memory_mb() -> float | None:
    """Largest resident size of this process so far; None on Windows, which has no ``resource``."""
    if sys.platform == "win32":
        return None
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(peak / (2**20 if sys.platform == "darwin" else 2**10), 1)  # bytes there, KiB elsewhere


def load_average() -> float | None:
    """How many programs wanted a core during the last minute; figures of a busy computer say little."""
    return round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else None


def machine() -> str:
    """The processor's name and its number of cores."""
    name = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        models = [
            line.split(":", 1)[1].strip() for line in cpuinfo.read_text().splitlines() if "model name" in line
        ]
        name = models[0] if models else name
    return f"{name}, {os.cpu_count()} cores, {platform.system()}"


def table(result: dict[str, Any]) -> str:
    """The result for people."""
    photo, raster = result["photo"], result["rasterizer"]
    lines = [
        f"{result['machine']}; {result['device']}, {result['threads']} threads",
        f"load average {result['load_average']}; above {result['threads']}, other programs slowed this down",
        f"{photo['name']}, {photo['width']} x {photo['height']}; median of {result['runs']} warm runs",
        *(f"  {name:14} {value:9.1f} ms" for name, value in result["median_ms"].items()),
        f"  {'first import':14} {result['first_import_ms']:9.1f} ms",
        f"  {'peak memory':14} {result['peak_memory_mb'] or float('nan'):9.1f} MiB",
        f"Rasteriser, {raster['size']} x {raster['size']}, {raster['triangles']} triangles:",
        f"  {'torch':14} {raster['torch_ms']:9.1f} ms",
    ]
    if raster["pytorch3d_ms"]:
        lines.append(
            f"  {'pytorch3d':14} {raster['pytorch3d_ms']:9.1f} ms, {raster['speedup']:.0f} times as long"
        )
    return "\n".join(lines)
