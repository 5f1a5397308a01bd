"""What a setup tells: progress in numbers and words, and why it failed."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from backend.protocol import to_json
from backend.setup.explain import system_failed, tool_failed
from backend.setup.pace import TRUST_S, Pace, size_of
from backend.setup.report import Ended, Progress, Step, in_words, read


@pytest.mark.parametrize("said", [Progress(Step.INSTALL, 0.5, 1, 2, 3.0), Ended(False, "It is full", "Free")])
def test_reports_survive_the_wire(said: Progress | Ended) -> None:
    assert read(to_json(said)) == said


@pytest.mark.parametrize("line", ["", "chatter", "{}", '{"step": "Dreaming", "fraction": 1}'])
def test_other_lines_are_no_reports(line: str) -> None:
    assert read(line) is None


def test_words_tell_size_and_time() -> None:
    words = in_words(Progress(Step.DOWNLOAD, 0.3, 120_000_000, 392_000_000, 130.0))
    assert words == "Downloading, 120 of 392 MB, 2 minutes left"
    assert in_words(Progress(Step.VERIFY, 0.9)) == "Trying it out"


class Clock:
    """Time stands still until it is told."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_progress_only_ever_grows_and_ends_near_one(tmp_path: Path) -> None:
    told: list[Progress] = []
    clock = Clock()
    pace = Pace({Step.DOWNLOAD: 8_000_000, Step.INSTALL: 25_000_000}, told.append, clock)
    for step in Step:
        pace.enter(step)
        for share in (0.2, 0.5, 1.0, 1.5):
            clock.now += 1.0
            told.append(pace.progress(int(share * 8_000_000)))
    fractions = [progress.fraction for progress in told]
    assert fractions == sorted(fractions)
    assert 0.9 < fractions[-1] <= 0.99


def test_time_left_follows_the_speed_that_is_seen() -> None:
    clock = Clock()
    pace = Pace({Step.DOWNLOAD: 1000}, lambda _: None, clock)
    pace.enter(Step.DOWNLOAD)
    clock.now = TRUST_S + 7
    later = Pace({}, lambda _: None, clock)
    later.enter(Step.INSTALL)
    rest = later.progress(0).seconds_left
    left = pace.progress(500).seconds_left
    assert left is not None
    assert rest is not None
    assert left == pytest.approx(clock.now + rest, rel=1e-3)  # as long again, and what comes then


def test_only_what_arrived_since_is_counted(tmp_path: Path) -> None:
    told: list[Progress] = []
    clock = Clock()
    (tmp_path / "old").write_bytes(bytes(400))
    pace = Pace({Step.DOWNLOAD: 1000}, told.append, clock)
    pace.enter(Step.DOWNLOAD)
    tick = pace.watch(tmp_path)
    (tmp_path / "below").mkdir()
    (tmp_path / "below" / "new").write_bytes(bytes(250))
    clock.now = 1.0
    tick()
    assert told[-1].done_bytes == 250
    assert size_of(tmp_path) == 650
    assert size_of(tmp_path / "nowhere") == 0


@pytest.mark.parametrize(
    ("said", "word"),
    [
        ("ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device", "full"),
        ("ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE.", "not the one"),
        ("ReadTimeoutError: HTTPSConnectionPool: Read timed out.", "network"),
        ("Retrying after connection broken by 'NewConnectionError'\nNo matching distribution", "network"),
        ("error: No solution found when resolving dependencies", "not where"),
        ("OSError: [Errno 30] Read-only file system: '/x'", "may not write"),
        ("strange\nwords", "it said: words"),
        ("", "it said: nothing"),
    ],
)
def test_what_tools_print_is_explained(said: str, word: str) -> None:
    error = tool_failed("pip", said)
    assert word in error.message
    assert error.hint


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EACCES, errno.EEXIST, errno.EIO])
def test_what_the_system_refuses_is_explained(number: int) -> None:
    error = system_failed(OSError(number, "refused", "/a/folder"))
    assert error.message.endswith(".")
    assert "Set Up Backend again" in error.hint
