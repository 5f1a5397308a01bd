"""What the disk says about the backend's environment: derived anew every time, never remembered.

Everything lies in one folder, and nothing of ours lies elsewhere::

    environment.json       which environment is in use; moved into place when it has been tried out
    environment-1a2b3c4d/  that environment, named after its locks
    incomplete.json        there from the first step of a setup to its last
    downloads/             what was fetched, until it is installed
    setup.lock, setup.log  the setup under way, and what its tools said

Standard library only: the add-on reads this, too.
"""

from __future__ import annotations

import enum
import functools
import hashlib
import sys
from dataclasses import dataclass
from pathlib import Path

POINTER = "environment.json"
ENVIRONMENTS = "environment-*"
MARKER = "incomplete.json"
DOWNLOADS = "downloads"
LOCK = "setup.lock"
LOG = "setup.log"
LOCKS = Path(__file__).parent / "locks"


class SetupState(enum.Enum):
    """Whether the backend can run; values are shown to the artist."""

    ABSENT = "Not Set Up"
    INCOMPLETE = "Setup Not Finished"
    READY = "Ready"
    OUTDATED = "Update Available"
    BROKEN = "Damaged"

    @property
    def usable(self) -> bool:
        """Whether there is an environment to run; an outdated one still does its work."""
        return self in (SetupState.READY, SetupState.OUTDATED)


@dataclass(frozen=True)
class Environment:
    """What :data:`POINTER` says about the environment in use."""

    folder: str
    """Name, beside the pointer."""
    device: str
    python: str
    locks: dict[str, str]
    """SHA-256 of the lock files it was made from, by name."""


@dataclass(frozen=True)
class Installation:
    """An environment and its state."""

    state: SetupState
    environment: Environment | None = None
    interpreter: Path | None = None
    """Not None exactly if the state is usable."""


def read(folder: Path, locks: Path = LOCKS) -> Installation:
    """Look at ``folder``; cheap enough for drawing a panel. Never raises for what it finds there."""
    from ..protocol import from_json  # Blender's start waits for this module, and needs only its names

    try:
        environment = from_json(Environment, (folder / POINTER).read_text(encoding="utf-8"))
    except FileNotFoundError:
        begun = (folder / MARKER).exists() or any(folder.glob(ENVIRONMENTS))
        return Installation(SetupState.INCOMPLETE if begun else SetupState.ABSENT)
    except (OSError, ValueError):
        return Installation(SetupState.BROKEN)
    interpreter = interpreter_of(folder / environment.folder)
    if not interpreter.is_file() or not _base_is_there(folder / environment.folder):
        return Installation(SetupState.BROKEN, environment)
    current = all(digest(locks / name) == wanted for name, wanted in environment.locks.items())
    state = SetupState.READY if current and environment.locks else SetupState.OUTDATED
    return Installation(state, environment, interpreter)


def interpreter_of(environment: Path) -> Path:
    """The Python of a virtual environment."""
    if sys.platform == "win32":
        return environment / "Scripts" / "python.exe"
    return environment / "bin" / "python"


def digest(lock: Path) -> str:
    """SHA-256 of a lock file in hexadecimal; empty if it is not there."""
    try:
        return _digest(lock, lock.stat().st_mtime_ns)
    except OSError:
        return ""


@functools.lru_cache(maxsize=16)
def _digest(lock: Path, _mtime_ns: int) -> str:
    return hashlib.sha256(lock.read_bytes()).hexdigest()


def _base_is_there(environment: Path) -> bool:
    """Whether the Python from which the environment was made still exists.

    It may be Blender's own, which goes when Blender is updated or moved.
    """
    try:
        for line in (environment / "pyvenv.cfg").read_text(encoding="utf-8").splitlines():
            name, _, value = line.partition("=")
            if name.strip() == "home":
                return Path(value.strip()).is_dir()
    except (OSError, UnicodeDecodeError):
        return False
    return False
