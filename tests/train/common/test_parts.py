from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from train.common.errors import CheckpointBroken
from train.common.parts import PART_BYTES, cut, join


@pytest.fixture
def whole(tmp_path: Path) -> Path:
    path = tmp_path / "last.pt"
    path.write_bytes(np.random.default_rng(0).bytes(2500))
    return path


def test_parts_join_to_the_same_bytes(whole: Path) -> None:
    data = whole.read_bytes()
    files = cut(whole, 1000)
    whole.unlink()
    assert [file.stat().st_size for file in files[:-1]] == [1000, 1000, 500]
    join(whole)
    assert whole.read_bytes() == data


def test_parts_fit_through_the_door() -> None:
    assert PART_BYTES < 16 * 10**6


def test_a_missing_or_damaged_part_leaves_the_old_file_alone(whole: Path) -> None:
    data = whole.read_bytes()
    files = cut(whole, 1000)
    files[1].write_bytes(bytes(1000))
    with pytest.raises(CheckpointBroken, match=r"last\.pt"):
        join(whole)
    files[1].unlink()
    with pytest.raises(CheckpointBroken, match="part001"):
        join(whole)
    assert whole.read_bytes() == data


def test_nothing_to_cut(tmp_path: Path) -> None:
    with pytest.raises(CheckpointBroken, match=r"none\.pt"):
        cut(tmp_path / "none.pt")
