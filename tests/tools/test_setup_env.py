"""The environments of a checkout: when they are made anew, and what is said where a Python is missing."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

from backend.setup import interpreters
from tools import setup_env
from tools.setup_env import ENVIRONMENTS, Environment, NoPython, create, recipe_of


def test_without_a_fitting_python_nothing_is_left(tmp_path) -> None:
    with pytest.raises(NoPython, match=r"pyenv install 2\.6"):
        create(tmp_path / ".venv", ("2.6",))
    assert not (tmp_path / ".venv").exists()


def test_a_python_without_pip_is_passed_over(tmp_path, monkeypatch) -> None:
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    bare = interpreters.Base(interpreters.this_python(), version, None)
    monkeypatch.setattr(interpreters, "probe", lambda _: bare)
    with pytest.raises(NoPython):
        create(tmp_path / ".venv", (version,))


def test_a_change_of_its_files_asks_for_a_new_installation(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(setup_env, "ROOT", tmp_path)
    (tmp_path / "a.toml").write_text("1")
    environment = Environment(".venv", ("3.11",), ("--editable", "."), ("a.toml",))
    before = recipe_of(environment)
    (tmp_path / "a.toml").write_text("2")
    assert recipe_of(environment) != before


def test_tests_and_site_come_with_the_backends_environment() -> None:
    extras = ENVIRONMENTS["backend"].install[-1]
    assert extras.startswith(".[")
    assert {"dev", "docs"} <= set(extras[2:-1].split(","))


def test_it_runs_before_anything_is_installed() -> None:
    """On any Python from 3.8 on: standard library and the grammar of that time, in what it imports, too."""
    for module in (setup_env, interpreters):
        tree = ast.parse(Path(module.__file__).read_text(encoding="utf-8"), feature_version=(3, 8))
        outside = {
            (node.module or "").partition(".")[0] if isinstance(node, ast.ImportFrom) else alias.name
            for node in ast.walk(tree)
            if isinstance(node, ast.Import | ast.ImportFrom)
            for alias in node.names
        } - set(sys.stdlib_module_names)
        assert outside <= {"backend"}, module.__name__
