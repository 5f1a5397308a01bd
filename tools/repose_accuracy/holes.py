"""What a turn hides of a photo, filled again: the photo itself tells how well."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np

from tools.accuracy.cache import Cache, file_fingerprint, fingerprint
from train.refine.data import read_portraits
from train.refine.evaluate import GUESS, INPAINT, NETWORK, scores
from train.refine.features import load_features
from train.refine.task import Players

from .rows import Row, network

INPAINTED, NEIGHBOURS = "cv2.inpaint", "the neighbours' colours (push-pull)"
FILES = ("backend/nets/*.py", "backend/refine_view.py", "backend/push_pull.py", "train/refine/*.py")

Holes = dict[str, dict[str, float]]
"""By name ``colour`` and ``features``, see :mod:`train.refine.evaluate`."""


def hole_scores(folders: Sequence[Path], vgg: Path, rows: Sequence[Row], cache: Cache, views: int) -> Holes:
    """Of cv2.inpaint, of what the product begins with, and of networks; nothing without a network."""
    found: Holes = {}
    for row in rows:
        if row.path is None:
            continue
        names = "+".join(str(folder) for folder in folders)
        key = f"holes/{names}/{views}/{fingerprint(FILES)}/{file_fingerprint([vgg, row.file])}"
        told = cache.get(key, partial(_scored, folders, vgg, row, views))
        found |= {INPAINTED: told[INPAINT], NEIGHBOURS: told[GUESS], row.name: told[NETWORK]}
    return found


def _scored(folders: Sequence[Path], vgg: Path, row: Row, views: int) -> Holes:
    portraits = [portrait for folder in folders for portrait in read_portraits(folder)]
    places = np.linspace(0, len(portraits) - 1, min(views, len(portraits))).round().astype(int)
    result = scores([portraits[k] for k in places], load_features(vgg), Players(network(row), None), False)
    print(f"holes {row.name} {result}", file=sys.stderr, flush=True)
    return result
