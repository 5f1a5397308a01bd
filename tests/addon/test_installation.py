"""Where the backend's interpreter is looked for."""

from __future__ import annotations

import pytest
from likeness.addon.errors import BackendMissing
from likeness.addon.installation import (
    PYTHON_VARIABLE,
    BackendChoice,
    BackendKind,
    bundled_interpreter,
    find_interpreter,
    require_interpreter,
)


def an_interpreter(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    return path


def test_the_bundled_environment_lies_in_the_user_folder(tmp_path):
    choice = BackendChoice(BackendKind.BUNDLED, tmp_path)
    assert find_interpreter(choice, {}) is None
    python = an_interpreter(bundled_interpreter(tmp_path))
    assert find_interpreter(choice, {}) == python


def test_the_variable_wins_over_the_bundled_environment(tmp_path):
    an_interpreter(bundled_interpreter(tmp_path))
    other = an_interpreter(tmp_path / "other" / "python")
    choice = BackendChoice(BackendKind.BUNDLED, tmp_path)
    assert find_interpreter(choice, {PYTHON_VARIABLE: str(other)}) == other


def test_a_link_is_not_followed_because_it_marks_a_virtual_environment(tmp_path):
    link = tmp_path / "venv" / "python"
    link.parent.mkdir()
    link.symlink_to(an_interpreter(tmp_path / "real"))
    assert find_interpreter(BackendChoice(BackendKind.INTERPRETER, tmp_path, str(link)), {}) == link


@pytest.mark.parametrize("kind", [BackendKind.BUNDLED, BackendKind.INTERPRETER])
def test_what_is_missing_is_said(tmp_path, kind):
    with pytest.raises(BackendMissing) as caught:
        require_interpreter(BackendChoice(kind, tmp_path, str(tmp_path / "nowhere")), {})
    assert "Preferences" in caught.value.remedy
