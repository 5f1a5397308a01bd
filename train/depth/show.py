"""Pictures of pairs, depths and losses: ``python -m train.depth.show DIR --out losses.png``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import pad
from torch.utils.data import default_collate

from backend.nets.depth_net import depth_of

from ..common.errors import TrainingError
from ..synth.write import save_picture
from .data import Batch, cameras_of, pairs_of, read_views
from .losses import core, laplacian
from .objective import other_views
from .regions import HeadRegions
from .reproject import reproject

LIGHT = np.array([-0.4, -0.5, -0.77])
"""Where the lamp of depth pictures stands: up left of the camera (camera axes)."""
SPAN_MM = 520.0
"""What a picture spans at the head (backend/crop.py)."""
FULL = {"colour": 0.6, "gradient": 0.3, "smooth": 0.1, "face": 0.1, "layer": 0.1, "depth": 0.3}
"""What is shown as white in the pictures of losses."""
LOSSES_SIDE = 256

Picture = NDArray[np.uint8]


def photo(picture: Tensor) -> Picture:
    """(3,S,S) in [-1,1] to (S,S,3)."""
    return ((picture.movedim(0, -1).float() + 1) * 127.5).round().clamp(0, 255).byte().cpu().numpy()


def shaded(relief: NDArray[np.floating], where: NDArray[np.bool_]) -> Picture:
    """Relief (S,S) as a clay surface under one lamp, black elsewhere: (S,S,3)."""
    side = relief.shape[0]
    known = where & np.isfinite(relief)
    depth = np.where(known, -100.0 * relief, 0.0).astype(np.float64)
    down, right = np.gradient(depth, SPAN_MM / side)
    normal = np.dstack([right, down, -np.ones_like(depth)])
    normal /= np.linalg.norm(normal, axis=2, keepdims=True)
    clay = 0.15 + 0.85 * (normal @ LIGHT).clip(0, 1)
    return np.repeat(np.rint(255 * clay * known).astype(np.uint8)[..., None], 3, axis=2)


def heat(values: Tensor, full: float) -> Picture:
    """Values (S,S) from 0 (black) to ``full`` (white) as colours (S,S,3)."""
    grey = (values.float() / full).clamp(0, 1).mul(255).byte().cpu().numpy()
    return cv2.cvtColor(cv2.applyColorMap(grey, cv2.COLORMAP_INFERNO), cv2.COLOR_BGR2RGB)


def side_by_side(pictures: list[Picture], names: list[str] | None = None) -> Picture:
    """One row (S,n*S,3), the names in the corners if there are any."""
    row = np.hstack(pictures)
    for number, name in enumerate(names or []):
        place = (number * pictures[0].shape[1] + 4, 13)
        for colour, width in (((0, 0, 0), 3), ((255, 255, 255), 1)):
            cv2.putText(row, name, place, cv2.FONT_HERSHEY_SIMPLEX, 0.36, colour, width, cv2.LINE_AA)
    return row


@torch.no_grad()
def losses_of(views: Batch, relief: Tensor) -> dict[str, Tensor]:
    """Per pixel (S,S) what each loss feels of the first of two views with relief (2,S,S)."""
    there = other_views(views)
    regions = HeadRegions.of(views["regions"], views["face"])
    here, beyond = cameras_of(views), cameras_of(there)
    colours, others = (views["picture"] + 1) / 2, (there["picture"] + 1) / 2
    moved = reproject(colours, depth_of(relief, here.centre_mm), regions.shell, here, beyond)
    off = (moved.values - others) * moved.covered[:, None]
    return {
        "colour": off.abs().sum(1)[0],
        "gradient": (pad(off.diff(dim=3).abs().sum(1), (0, 1)) * moved.covered)[0],
        "smooth": pad(laplacian(relief.nan_to_num()).abs() * core(regions.head), (1, 1, 1, 1))[0],
        "face": ((relief - views["face"]).abs().nan_to_num() * regions.bare_face)[0],
        "layer": ((views["face"] - relief).clamp(min=0).nan_to_num() * regions.covered_face)[0],
        "depth": ((relief - views["truth"]).abs().nan_to_num() * regions.shell)[0],
        "moved": (2 * moved.values - 1)[0],
    }


def losses_sheet(views: Batch, reliefs: Mapping[str, Tensor]) -> Picture:
    """A row for each relief (2,S,S): photo, clay, the head moved to the other view, that view, losses."""
    head = HeadRegions.of(views["regions"], views["face"]).head[0].cpu().numpy()
    rows = []
    for name, relief in reliefs.items():
        felt = losses_of(views, relief)
        pictures = {
            name: photo(views["picture"][0]),
            "depth": shaded(relief[0].cpu().numpy(), head),
            "moved": photo(felt["moved"]),
            "other view": photo(views["picture"][1]),
            **{f"{loss} loss": heat(felt[loss], full) for loss, full in FULL.items()},
        }
        rows.append(side_by_side(list(pictures.values()), list(pictures)))
    return np.vstack(rows)


def examples(views: Batch) -> dict[str, Tensor]:
    """The truth, the prior, and a flat card at the head centre that keeps its face: (2,S,S) each."""
    card = views["face"].nan_to_num(0.0)
    named = {"truth": views["truth"], "prior": views["prior"], "flat card": card}
    return {name: relief.nan_to_num(0.0) for name, relief in named.items() if relief.isfinite().any()}


def main() -> int:
    """Command line; 1 if the folder was refused."""
    parser = argparse.ArgumentParser(
        prog="python -m train.depth.show", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("folder", type=Path, help="of pairs")
    parser.add_argument("--out", type=Path, required=True, help="picture to write")
    parser.add_argument("--pairs", type=int, default=2)
    parser.add_argument("--side", type=int, default=LOSSES_SIDE)
    arguments = parser.parse_args()
    try:
        pairs = pairs_of(read_views(arguments.folder), arguments.folder)
        sheets = []
        for pair in pairs[: arguments.pairs]:
            views = default_collate([view.tensors(arguments.side) for view in pair])
            sheets.append(losses_sheet(views, examples(views)))
    except TrainingError as error:
        print(error, file=sys.stderr)  # noqa: T201
        return 1
    widest = max(sheet.shape[1] for sheet in sheets)
    save_picture(
        arguments.out,
        np.vstack([np.pad(sheet, ((0, 0), (0, widest - sheet.shape[1]), (0, 0))) for sheet in sheets]),
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
