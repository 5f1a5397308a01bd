"""Where the backend's interpreter is looked for."""

from __future__ import annotations

import pytest
from likeness.addon.errors import BackendMissing
from likeness.addon.installation import (
    PYTHON_VARIABLE,
    BackendChoice,
    BackendKind,
    environment_folder,
    find_interpreter,
    require_interpreter,
)
from likeness.backend.protocol import to_json
from likeness.backend.setup.state import POINTER, Environment, interpreter_of


def an_interpreter(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    return path


def an_environment(user_folder):
    """What a setup leaves, as far as it counts here; its interpreter."""
    folder = environment_folder(user_folder)
    python = an_interpreter(interpreter_of(folder / "environment-1"))
    (folder / "environment-1" / "pyvenv.cfg").write_text(f"home = {user_folder}\n")
    (folder / POINTER).write_text(to_json(Environment("environment-1", "cpu", "3.11", {"of before": "x"})))
    return python


def test_the_bundled_environment_lies_in_the_user_folder(tmp_path):
    choice = BackendChoice(BackendKind.BUNDLED, tmp_path)
    assert find_interpreter(choice, {}) is None
    python = an_environment(tmp_path)
    assert find_interpreter(choice, {}) == python


def test_half_an_environment_is_none(tmp_path):
    an_environment(tmp_path)
    (environment_folder(tmp_path) / POINTER).unlink()
    assert find_interpreter(BackendChoice(BackendKind.BUNDLED, tmp_path), {}) is None


def test_the_variable_wins_over_the_bundled_environment(tmp_path):
    an_environment(tmp_path)
    other = an_interpreter(tmp_path / "other" / "python")
    choice = BackendChoice(BackendKind.BUNDLED, tmp_path)
    assert find_interpreter(choice, {PYTHON_VARIABLE: str(other)}) == other


def test_a_link_is_not_followed_because_it_marks_a_virtual_environment(tmp_path):
    link = tmp_path / "venv" / "python"
    link.parent.mkdir()
    link.symlink_to(an_interpreter(tmp_path / "real"))
    assert find_interpreter(BackendChoice(BackendKind.INTERPRETER, tmp_path, str(link)), {}) == link


@pytest.mark.parametrize(
    ("kind", "word"), [(BackendKind.BUNDLED, "Set Up Backend"), (BackendKind.INTERPRETER, "Preferences")]
)
def test_what_is_missing_is_said(tmp_path, kind, word):
    with pytest.raises(BackendMissing) as caught:
        require_interpreter(BackendChoice(kind, tmp_path, str(tmp_path / "nowhere")), {})
    assert word in caught.value.remedy
