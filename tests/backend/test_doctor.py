"""The doctor finds what is broken and never breaks himself."""

from __future__ import annotations

import json

import pytest

import backend.cli.doctor
from backend import doctor
from backend.cli import main
from backend.doctor import Finding
from backend.errors import AssetBroken


def test_a_missing_module_is_found(monkeypatch) -> None:
    monkeypatch.setattr(doctor, "MODULES", {"no_such_module": "nothing"})
    monkeypatch.setattr(doctor, "_engine", lambda: Finding("engine", True, ""))
    findings = {finding.name: finding for finding in doctor.diagnose()}
    assert not findings["no_such_module"].ok
    assert findings["no_such_module"].remedy
    assert findings["Python"].ok


@pytest.mark.parametrize(
    "error", [AssetBroken("The head is damaged.", "Install again."), OSError("no such file")]
)
def test_a_broken_engine_is_found(monkeypatch, error: Exception) -> None:
    def broken() -> Finding:
        raise error

    monkeypatch.setattr(doctor, "MODULES", {})
    monkeypatch.setattr(doctor, "_engine", broken)
    engine = next(finding for finding in doctor.diagnose() if finding.name == "engine")
    assert not engine.ok
    assert str(error) in engine.detail
    assert engine.remedy


def test_two_builds_of_opencv_are_found(monkeypatch) -> None:
    class Installed:
        def __init__(self, name: str) -> None:
            self.name = name

    installed = [Installed("opencv_python"), Installed("opencv-contrib-python"), Installed("numpy")]
    monkeypatch.setattr(doctor.metadata, "distributions", lambda: installed)
    finding = doctor._one_opencv()
    assert not finding.ok
    assert "opencv-python" in finding.detail


@pytest.mark.parametrize(("needed", "code"), [(True, 1), (False, 0)])
def test_only_what_is_needed_makes_it_fail(monkeypatch, capsys, needed: bool, code: int) -> None:
    findings = [Finding("a", True, "fine"), Finding("b", False, "gone", "Get it.", needed)]
    monkeypatch.setattr(backend.cli.doctor, "diagnose", lambda: findings)
    assert main(["doctor"]) == code
    assert "Get it." in capsys.readouterr().out
    assert main(["doctor", "--json"]) == code
    printed = json.loads(capsys.readouterr().out)
    assert printed["ok"] is (code == 0)
    assert [finding["name"] for finding in printed["findings"]] == ["a", "b"]


def test_this_installation_is_healthy(capfd) -> None:
    assert main(["doctor", "--json"]) == 0, capfd.readouterr().out
