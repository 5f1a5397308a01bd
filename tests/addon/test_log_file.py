"""A log that stays small."""

from __future__ import annotations

import pytest
from likeness.addon.log_file import LogFile


def test_lines_come_back_the_last_ones_last(tmp_path):
    log = LogFile(tmp_path / "folder" / "backend.log")
    assert log.tail(3) == []
    log.rotate()
    for number in range(5):
        log.write(f"line {number}")
    assert log.tail(2) == ["line 3", "line 4"]


def test_a_new_run_keeps_the_last_words_of_the_one_before(tmp_path):
    log = LogFile(tmp_path / "backend.log", kept=2)
    for run in range(4):
        log.rotate()
        log.write(f"run {run}")
    assert log.tail(10) == ["run 3"]
    assert log.tail(10, files=9) == ["run 2", "run 3"]
    assert len(list(tmp_path.iterdir())) == 2


def test_it_never_grows_beyond_its_bounds(tmp_path):
    log = LogFile(tmp_path / "backend.log", max_bytes=100, kept=3)
    for number in range(200):
        log.write(f"{number:09d}")
    sizes = [path.stat().st_size for path in tmp_path.iterdir()]
    assert len(sizes) == 3
    assert max(sizes) <= 100
    assert log.tail(25, files=3) == [f"{number:09d}" for number in range(175, 200)]


def test_a_disk_that_refuses_stops_nothing(tmp_path):
    (tmp_path / "backend.log").mkdir()
    log = LogFile(tmp_path / "backend.log")
    log.write("lost")
    assert log.tail(1) == []
    (tmp_path / "file").touch()
    with pytest.raises(FileExistsError):
        LogFile(tmp_path / "file" / "backend.log").rotate()
