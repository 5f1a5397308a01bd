"""The state of an environment follows from what lies on the disk."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from backend.protocol import to_json
from backend.setup import state
from backend.setup.state import Environment, SetupState, digest, interpreter_of, read


@pytest.fixture
def locks(tmp_path: Path) -> Path:
    folder = tmp_path / "locks"
    folder.mkdir()
    (folder / "common.txt").write_text("alpha==1.0\n")
    return folder


@pytest.fixture
def ready(tmp_path: Path, locks: Path) -> Path:
    """A folder with everything that a setup leaves."""
    folder = tmp_path / "backend"
    interpreter = interpreter_of(folder / "environment-1")
    interpreter.parent.mkdir(parents=True)
    interpreter.touch()
    (folder / "environment-1" / "pyvenv.cfg").write_text(f"home = {Path(sys.executable).parent}\n")
    record = Environment("environment-1", "cpu", "3.11", {"common.txt": digest(locks / "common.txt")})
    (folder / state.POINTER).write_text(to_json(record))
    return folder


def test_nothing_is_absent(tmp_path: Path) -> None:
    assert read(tmp_path / "nowhere").state is SetupState.ABSENT


def test_what_was_begun_is_incomplete(tmp_path: Path) -> None:
    (tmp_path / state.MARKER).write_text("{}")
    assert read(tmp_path).state is SetupState.INCOMPLETE


def test_an_environment_without_a_pointer_is_incomplete(tmp_path: Path) -> None:
    (tmp_path / "environment-1").mkdir()
    assert read(tmp_path).state is SetupState.INCOMPLETE


def test_a_pointer_to_a_whole_environment_is_ready(ready: Path, locks: Path) -> None:
    found = read(ready, locks)
    assert found.state is SetupState.READY
    assert found.interpreter == interpreter_of(ready / "environment-1")


def test_an_update_that_was_interrupted_leaves_the_old_one_usable(ready: Path, locks: Path) -> None:
    (ready / state.MARKER).write_text("{}")
    (ready / "environment-2").mkdir()
    assert read(ready, locks).state.usable


def test_other_locks_are_an_update(ready: Path, locks: Path) -> None:
    (locks / "common.txt").write_text("alpha==2.0 of another length\n")
    found = read(ready, locks)
    assert found.state is SetupState.OUTDATED
    assert found.interpreter is not None


def test_a_lock_that_is_gone_is_an_update(ready: Path, locks: Path) -> None:
    (locks / "common.txt").unlink()
    assert read(ready, locks).state is SetupState.OUTDATED


def test_damage_is_seen(ready: Path, locks: Path) -> None:
    interpreter_of(ready / "environment-1").unlink()
    assert read(ready, locks).state is SetupState.BROKEN
    (ready / state.POINTER).write_text("{")
    assert read(ready, locks).state is SetupState.BROKEN


def test_a_blender_that_moved_away_is_seen(ready: Path, locks: Path) -> None:
    """The environment is made from Blender's own Python, which an update of Blender takes away."""
    (ready / "environment-1" / "pyvenv.cfg").write_text("home = /blender/4.5.0/python/bin\n")
    assert read(ready, locks).state is SetupState.BROKEN
