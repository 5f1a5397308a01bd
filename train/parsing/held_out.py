"""The portraits of the test set, which no training may see."""

from __future__ import annotations

from pathlib import Path

from ..common.errors import EmptyDataset

TEST_IDS = Path(__file__).parent / "testset" / "ids.txt"


def read_ids(path: Path) -> frozenset[str]:
    """Names of the held-out portraits, one a line; raises EmptyDataset if there are none."""
    lines = path.read_text(encoding="utf-8").split() if path.is_file() else []
    if not lines:
        raise EmptyDataset(
            f"{path} names no held-out portrait.", "Training must not see the test set: restore the file."
        )
    return frozenset(lines)
