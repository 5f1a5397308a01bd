"""The table of runs: what is compared, and what it says."""

from __future__ import annotations

from pathlib import Path

import pytest

from train.common.errors import CheckpointBroken
from train.refine.__main__ import main
from train.refine.data import read_portraits
from train.refine.evaluate import players_of, scores, table
from train.refine.features import Features

from . import portraits


def test_a_run_stands_beside_inpainting(tmp_path: Path) -> None:
    data = portraits.folder(tmp_path / "data", 2)
    words = ["--smoke", "--without-features", "--device", "cpu", "--data", str(data)]
    assert main([*words, "--out", str(tmp_path / "run")]) == 0
    experiment, step, players = players_of(tmp_path / "run")
    assert (experiment.name, step) == ("cpu_without_features", 2)
    found = scores(read_portraits(data), Features(1), players, mixed=False)
    assert set(found) == {"hole", "guess_hole", "inpaint_hole"}
    assert all(row["colour"] > 0 and row["features"] > 0 for row in found.values())
    with pytest.raises(CheckpointBroken):
        players_of(tmp_path)


def test_shares_are_against_inpainting() -> None:
    rows = {"cv2.inpaint": {"colour": 20.0, "features": 2.0}, "net": {"colour": 10.0, "features": 1.5}}
    assert "| net | 10.00 | 1.500 | 50%, 25% |" in table(rows)
