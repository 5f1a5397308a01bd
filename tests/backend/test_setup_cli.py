"""``likeness setup`` asks before it uses the network, and says what it would do."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from backend.cli import main
from backend.cli import setup as command
from backend.setup.interpreters import Base
from backend.setup.machine import Device, Machine
from backend.setup.report import Ended, read
from backend.setup.state import POINTER


@pytest.fixture(autouse=True)
def this_computer(monkeypatch: pytest.MonkeyPatch) -> None:
    """Linux without a GPU, with one Python and no uv."""
    monkeypatch.setattr(command.machine, "look", lambda: Machine("linux-x86_64", Device.CPU, ""))
    base = Base(Path(sys.executable), "3.11", Path("pip.whl"))
    monkeypatch.setattr("backend.setup.interpreters.probe", lambda path: base)


def test_a_dry_run_changes_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "environment"
    assert main(["setup", "--dry-run", "--folder", str(folder), "--device", "cuda"]) == 0
    said = capsys.readouterr().out
    assert str(folder) in said
    assert "torch.txt" in said
    assert not folder.exists()


def test_the_network_is_used_only_when_allowed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "environment"
    assert main(["setup", "--folder", str(folder)]) == 1
    assert "--online" in capsys.readouterr().err
    assert not folder.exists()


def test_what_is_not_pinned_by_content_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["setup", "--dry-run", "--folder", str(tmp_path), "--device", "rocm"])
    assert "pins a version, but no content" in capsys.readouterr().out


def test_programs_read_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / POINTER).touch()
    assert main(["setup", "--json", "--remove", "--folder", str(tmp_path)]) == 0
    ended = read(capsys.readouterr().out)
    assert isinstance(ended, Ended)
    assert ended.ok
    assert not tmp_path.exists()
