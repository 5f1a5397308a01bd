"""A setup as a child process of the add-on."""

from __future__ import annotations

import sys
import time

import pytest
from fake_setup import write_fake
from likeness.addon.errors import FileUnusable
from likeness.addon.setup_run import SetupLaunch, SetupRun
from likeness.backend.setup.report import Step, details, in_words

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="a script in the place of Python")


@pytest.fixture
def start(tmp_path):
    runs = []

    def start(**choices) -> SetupRun:
        launch = SetupLaunch(write_fake(tmp_path), tmp_path, tmp_path / "user" / "environment", **choices)
        runs.append(SetupRun(launch))
        return runs[-1]

    yield start
    for run in runs:
        run.stop()
        run.wait(5)


def ended(run: SetupRun):
    run.wait(20)
    assert run.ended is not None
    return run.ended


def test_it_tells_how_far_it_is_and_how_it_ended(start):
    run = start(wheels="/my wheels", device="cuda")
    last = ended(run)
    assert last.ok
    assert run.progress.step is Step.DOWNLOAD
    assert in_words(run.progress) == "Downloading, 1 of 4 MB, less than a minute left"
    assert details(run.progress) == "1 of 4 MB, less than a minute left"
    assert "setup --json --life-line" in last.message
    assert "--wheels /my wheels --device cuda" in last.message
    assert "--online" not in last.message


def test_without_wheels_the_network_is_named(start):
    assert ended(start()).message.endswith("--online")


def test_removing_asks_for_nothing_else(start):
    last = ended(start(remove=True, wheels="/w"))
    assert last.message.endswith("environment --remove")


def test_it_stops_when_asked(start, monkeypatch):
    monkeypatch.setenv("LIKENESS_FAKE_SETUP", "wait")
    run = start()
    deadline = time.monotonic() + 20
    while not run.update() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert run.ended is None
    run.stop()
    assert not ended(run).ok


def test_its_failure_comes_with_a_remedy(start, monkeypatch):
    monkeypatch.setenv("LIKENESS_FAKE_SETUP", "fail")
    last = ended(start())
    assert (last.ok, last.message, last.remedy) == (False, "The disk is full.", "Free some space.")


def test_an_end_without_a_word_is_told_with_what_was_printed(start, monkeypatch):
    monkeypatch.setenv("LIKENESS_FAKE_SETUP", "crash")
    last = ended(start())
    assert not last.ok
    assert "No module named backend" in last.message


def test_a_python_that_cannot_run(tmp_path):
    with pytest.raises(FileUnusable, match="could not be started"):
        SetupRun(SetupLaunch(tmp_path / "nowhere", tmp_path, tmp_path / "environment"))


def test_the_real_command_understands_the_words(tmp_path):
    """The real setup is asked for something harmless, by the Python that runs this."""
    from likeness.addon.installation import SOURCE_ROOT

    run = SetupRun(SetupLaunch(sys.executable, SOURCE_ROOT, tmp_path / "environment", remove=True))
    assert ended(run).ok
