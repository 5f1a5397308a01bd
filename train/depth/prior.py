"""Asks the geometric prior about synthetic heads: ``python -m train.depth.prior DIR --workers 8``.

Adds ``prior`` (.npy, float32 (H,W), mm) to each line of the manifest: the depth that
:class:`backend.depth.GeometricPrior` gives the head, told the true classes and the true bare head. The
light network begins there, and the evaluation compares with it.
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from backend.camera import Camera
from backend.crop import HeadCrop
from backend.depth import SOLVE_SIZE, GeometricPrior
from backend.fit import HeadFit
from backend.frames import Pose
from backend.head_parse import BACKGROUND, HeadParse
from backend.morphable import load_head_model
from backend.project import ProjectedHead, project_head
from backend.raster import TorchRasterizer
from backend.resample import Window, cut, look_up

from ..common.errors import TrainingError
from ..common.storage import write_whole
from ..synth.write import MANIFEST
from .data import KnownView, read_views

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class KnownStage:
    """What the depth stage is given, told the true classes and the true bare head."""

    crop: HeadCrop
    parse: HeadParse
    head: ProjectedHead
    centre_mm: float
    finer: int
    """Every n-th pixel of the crop lies where a pixel of the view does."""


def known_stage(
    view: KnownView, identity: NDArray[np.float32], expression: NDArray[np.float32]
) -> KnownStage:
    """The stage for a view whose bare head has these coefficients."""
    maps = view.read()
    size = len(maps["pixels"])
    # The prior solves on a grid of its own, and no crop is smaller.
    finer = -(-SOLVE_SIZE // size)
    window = Window(finer, 0.0, 0.0, size * finer, size * finer)
    camera = Camera(*view.focal_px, *view.principal_px, size, size).cropped(
        window.scale, window.offset_x, window.offset_y, window.width, window.height
    )
    model = load_head_model()
    pose = Pose(view.rotation.astype(np.float64), view.translation_mm.astype(np.float64))
    residual = np.zeros_like(model.shape(identity, expression))
    fit = HeadFit(identity, expression, residual, pose, camera, 0.0, 0.0)
    head = project_head(model, fit, camera, TorchRasterizer())
    matte = cut(np.ascontiguousarray(maps["matte"]), window).astype(np.float32) / 255
    parse = HeadParse(look_up(maps["regions"], window, BACKGROUND), matte, matte)
    pixels = cut(maps["pixels"], window)
    crop = HeadCrop(pixels, np.ones(pixels.shape[:2], bool), camera, 1.0, 0.0, 0.0)
    return KnownStage(crop, parse, head, float(pose.translation_mm[2]), finer)


def prior_depth(view: KnownView, identity: NDArray[np.float32], expression: NDArray[np.float32]) -> NDArray:
    """(S,S) float32 mm, NaN outside the head, for a view whose bare head has these coefficients."""
    stage = known_stage(view, identity, expression)
    front = GeometricPrior().estimate(stage.crop, stage.parse, stage.head, stage.centre_mm).front
    return front[:: stage.finer, :: stage.finer]


def _written(folder: Path, both: tuple[KnownView, str]) -> str:
    """The manifest's line of a view, with its prior on disk; as it was where nothing is known of the head."""
    view, line = both
    entry: dict[str, Any] = json.loads(line)
    if view.prior is not None or "scene" not in entry:
        return line
    torch.set_num_threads(1)
    head: Mapping[str, Any] = entry["scene"]["person"]["head"]
    depth = prior_depth(
        view, np.array(head["identity"], np.float32), np.array(head["expression"], np.float32)
    )
    entry["prior"] = f"{view.id}_prior.npy"
    write_whole(folder / entry["prior"], lambda stream: np.save(stream, depth, allow_pickle=False))
    return json.dumps(entry)


def add_priors(folder: Path, workers: int = 1) -> int:
    """Write the priors of a folder and name them in its manifest; what has one is left as it is.

    Returns the number of views. Raises EmptyDataset, BrokenSample, DiskFull.
    """
    path = folder / MANIFEST
    views = read_views(folder)
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    work = list(zip(views, lines, strict=True))
    write = partial(_written, folder)
    if workers > 1:
        with ProcessPoolExecutor(workers) as pool:
            done = list(pool.map(write, work, chunksize=8))
    else:
        done = [write(both) for both in work]
    write_whole(path, lambda stream: stream.write("".join(line + "\n" for line in done).encode()))
    return len(done)


def main() -> int:
    """Command line; 1 if a folder was refused."""
    parser = argparse.ArgumentParser(
        prog="python -m train.depth.prior", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("folders", type=Path, nargs="+", help="of samples that train.synth wrote")
    parser.add_argument("--workers", type=int, default=1, help="processes")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    try:
        for folder in arguments.folders:
            log.info("%d views in %s", add_priors(folder, arguments.workers), folder)
    except TrainingError as error:
        print(error, file=sys.stderr)  # noqa: T201
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
