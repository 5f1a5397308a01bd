"""Portraits are written as pairs of a view with itself; the product's stages are stood in for."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import cv2
import numpy as np
import pytest
import torch

from backend.errors import NoFaceFound
from backend.photo import Photo
from train.depth.config import EXPERIMENTS
from train.depth.data import DepthData, pairs_of, read_views
from train.depth.objective import flattened, pair_losses
from train.depth.pairs import WORST_FIT_MM, HeadWatcher
from train.depth.portraits import write_portraits
from train.parsing.held_out import TEST_IDS, read_ids

from . import eggs
from .test_pairs import Watcher

BLACK, GOOD, BAD_FIT, STUBBORN = 0, 20, int(10 * WORST_FIT_MM) + 10, 7


class Fussy(Watcher):
    """Does not want to fit one of the pictures at all."""

    def fit(self, photo: Photo, face: Any) -> Any:
        if int(photo.pixels.max()) == STUBBORN:
            raise NoFaceFound("There is no face.", "Take another picture.")
        return super().fit(photo, face)


@pytest.fixture
def written(tmp_path: Path) -> Path:
    test_id = sorted(read_ids(TEST_IDS))[0]
    paths = []
    for name, value in {"a": GOOD, "b": BLACK, "c": BAD_FIT, "d": STUBBORN, test_id: GOOD}.items():
        paths.append(tmp_path / f"{name}.png")
        cv2.imwrite(str(paths[-1]), np.full((8, 8, 3), value, np.uint8))
    (tmp_path / "e.jpg").write_text("no picture")
    count = write_portraits([*paths, tmp_path / "e.jpg"], cast(HeadWatcher, Fussy()), tmp_path / "out")
    assert count == 1
    return tmp_path / "out"


def test_only_good_heads_that_no_test_holds_are_written(written: Path) -> None:
    views = read_views(written)
    assert [(view.id, view.subject) for view in views] == [("aa", "a"), ("ab", "a")]
    assert len(pairs_of(views, written)) == 1
    assert views[0].depth is None and views[0].image == views[1].image


def test_stereo_learns_nothing_of_them(written: Path) -> None:
    pair = DepthData([written], eggs.SIDE, False, 0).sample(0)
    views = flattened({name: values[None] for name, values in pair.items()})
    relief = views["prior"].nan_to_num(0.0)
    parts = pair_losses(relief, views, EXPERIMENTS["cpu"])
    assert float(parts["depth"]) == 0.0
    assert float(parts["colour"]) < 0.02 and float(parts["gradient"]) < 0.05
    assert torch.isfinite(parts["smooth"]) and float(parts["face"]) >= 0
