from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from train.common.errors import DiskFull
from train.common.metrics import MetricsLog


def test_a_new_run_starts_an_empty_log_and_a_resumed_one_keeps_its_past(tmp_path: Path) -> None:
    log = MetricsLog(tmp_path)
    for step in (1, 2, 3):
        log.write(step, {"loss": 1 / step})
    with log.path.open("a") as stream:
        stream.write('{"step": 4, "lo')
    lines = MetricsLog(tmp_path, 2).path.read_text().splitlines()
    assert [json.loads(line)["step"] for line in lines] == [1, 2]
    assert MetricsLog(tmp_path).path.read_text() == ""


def test_pictures_keep_their_colours(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (5, 7, 3), np.uint8)
    MetricsLog(tmp_path).picture(20, "test", pixels)
    found = cv2.imread(str(tmp_path / "pictures" / "test_000020.png"), cv2.IMREAD_COLOR_RGB)
    np.testing.assert_array_equal(found, pixels)


def test_a_log_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    log = MetricsLog(tmp_path)
    log.path.unlink()
    log.path.mkdir()
    with pytest.raises(DiskFull, match=r"metrics\.jsonl"):
        log.write(1, {"loss": 1.0})
