"""A bar that never goes back."""

from __future__ import annotations

import pytest

from backend.progress import HEAD_PATH, MEASURE_PATH, STILL_PATH, Stopwatch, along
from backend.protocol import Stage


@pytest.mark.parametrize("path", [HEAD_PATH, MEASURE_PATH, STILL_PATH])
def test_progress_grows_from_stage_to_stage(path: tuple[Stage, ...]) -> None:
    told: list[float] = []
    watch = Stopwatch(along(path, lambda _, fraction: told.append(fraction)))
    for stage in path:
        with watch.stage(stage):
            pass
    assert told == sorted(told)
    assert (told[0], told[-1]) == (0, 1)
    assert told[1] == pytest.approx(1 / len(path))
