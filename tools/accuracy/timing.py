"""How long a fit and the face network take on this computer."""

from __future__ import annotations

import os
import platform
import subprocess
import time
from collections.abc import Callable
from datetime import UTC, datetime
from statistics import median

import numpy as np
import torch

from backend import __version__
from backend.bench import load_average, machine
from backend.errors import AssetBroken
from backend.evaluate import EvaluationItem
from backend.evaluate.predict import photo_of
from backend.fit import HeadFitter
from backend.landmarks import MediaPipeDetector
from backend.morphable import load_head_model
from backend.nets.face_crop import FACE_SIZE
from backend.nets.face_net import FACE_ASSET, load_face_net

from .cache import ROOT

RUNS = 10


def network_ms() -> float | None:
    """Median milliseconds of the shipped face network for one face on the CPU; None if none ships."""
    if not FACE_ASSET.is_file():
        return None
    try:
        net = load_face_net(load_head_model())
    except AssetBroken:
        return None
    picture = torch.zeros(1, 3, FACE_SIZE, FACE_SIZE)
    with torch.inference_mode():
        return _median_ms(lambda: net(picture))


def fit_words(item: EvaluationItem) -> str:
    """Times of detection and of the landmark fit, in a sentence."""
    photo, detector, fitter = photo_of(item), MediaPipeDetector(), HeadFitter(load_head_model())
    found = detector.detect(photo.pixels)[0]
    detect = _median_ms(lambda: detector.detect(photo.pixels))
    fit = _median_ms(lambda: fitter.fit(found, photo))
    return f"Landmarks {detect:.0f} ms, landmark fit {fit:.0f} ms"


def made_words() -> str:
    """Date, commit, versions and machine."""
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False
    ).stdout.strip()
    versions = f"Python {platform.python_version()}, torch {torch.__version__}, numpy {np.__version__}"
    day = datetime.now(UTC).date().isoformat()
    return f"{day}, Likeness {__version__}, commit {commit or 'unknown'}; {versions}. {machine_words()}.\n"


def machine_words() -> str:
    """Processor, threads and how busy it was."""
    threads = os.environ.get("OMP_NUM_THREADS") or torch.get_num_threads()
    return f"{machine()}; {threads} threads; load average {load_average()}"


def _median_ms(work: Callable[[], object]) -> float:
    """Median of :data:`RUNS` warm runs in milliseconds by the wall clock."""
    work()
    times = []
    for _ in range(RUNS):
        start = time.perf_counter()
        work()
        times.append(1000 * (time.perf_counter() - start))
    return median(times)
