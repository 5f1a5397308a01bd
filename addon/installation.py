"""Where the backend comes from: an environment on this computer, or a server."""

from __future__ import annotations

import enum
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ..backend.setup.state import Installation
from ..backend.setup.state import read as read_environment
from .errors import BackendMissing

PYTHON_VARIABLE = "LIKENESS_PYTHON"
"""Environment variable that names the interpreter of a backend environment (studios, development)."""

SOURCE_ROOT = Path(__file__).resolve().parent.parent
"""Folder that holds the package ``backend``; only ever read."""

IDLE_MINUTES = 30
"""The networks take gigabytes of memory that other programs could use; a start takes seconds."""


class BackendKind(enum.StrEnum):
    """The three ways to a backend; values are the identifiers of the preference."""

    BUNDLED = "BUNDLED"
    INTERPRETER = "INTERPRETER"
    REMOTE = "REMOTE"


@dataclass(frozen=True)
class BackendChoice:
    """What the preferences say, as plain data that may travel to a thread."""

    kind: BackendKind
    user_folder: Path
    """Folder of the extension that survives updates; logs and the bundled environment live there."""
    interpreter: str = ""
    url: str = ""
    token: str = ""
    ca_file: str = ""
    """Certificates that the studio trusts besides those of the system, or empty."""
    idle_minutes: int = IDLE_MINUTES

    @property
    def is_remote(self) -> bool:
        """Whether it is a server."""
        return self.kind is BackendKind.REMOTE

    @property
    def log_path(self) -> Path:
        """Where the output of the backend process goes."""
        return self.user_folder / "backend" / "backend.log"


@dataclass(frozen=True)
class Glance:
    """What the disk said when it was last looked at. Drawing reads this: a disk may be slow or far away."""

    choice: BackendChoice
    installation: Installation
    installed: bool
    """Whether there is an interpreter to run the backend with."""


def environment_folder(user_folder: Path) -> Path:
    """Where the extension's own environment belongs; only a setup writes there."""
    return user_folder / "environment"


def read_installation(choice: BackendChoice) -> Installation:
    """What the disk says about the extension's own environment."""
    return read_environment(environment_folder(choice.user_folder))


def find_interpreter(choice: BackendChoice, environment: Mapping[str, str] = os.environ) -> Path | None:
    """The interpreter to run the backend with, or None if there is none yet."""
    if choice.kind is BackendKind.INTERPRETER:
        candidates = [choice.interpreter]
    else:
        own = read_installation(choice).interpreter
        candidates = [environment.get(PYTHON_VARIABLE, ""), str(own or "")]
    for candidate in candidates:
        # Not resolved: a virtual environment is recognised by the path of its link.
        if candidate and Path(candidate).is_file():
            return Path(candidate)
    return None


def look(choice: BackendChoice, environment: Mapping[str, str] = os.environ) -> Glance:
    """Look at the disk, for what is drawn next."""
    installed = find_interpreter(choice, environment) is not None
    return Glance(choice, read_installation(choice), installed)


def require_interpreter(choice: BackendChoice, environment: Mapping[str, str] = os.environ) -> Path:
    """Like :func:`find_interpreter`, but BackendMissing instead of None."""
    interpreter = find_interpreter(choice, environment)
    if interpreter is not None:
        return interpreter
    if choice.kind is BackendKind.INTERPRETER and choice.interpreter:
        raise BackendMissing(
            "There is no Python at {path}",
            "Choose the interpreter of the backend in Preferences > Add-ons > Likeness",
            path=choice.interpreter,
        )
    raise BackendMissing("The backend is not set up yet", "Press Set Up Backend in the Likeness tab")
