"""The two tools that can fill an environment, uv and pip, as command lines."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from .plan import Plan, is_hashed
from .state import DOWNLOADS, LOCKS, interpreter_of

Command = list[str]

PIP_LOCK = LOCKS / "pip.txt"

ISOLATED = ("-I", "-X", "utf8")
"""Python without a person's variables and folders, printing paths in any language."""

DROPPED = (
    *("PYTHONPATH", "PYTHONHOME", "PYTHONSTARTUP", "PYTHONEXECUTABLE", "LD_LIBRARY_PATH", "VIRTUAL_ENV"),
    *(
        "PIP_TARGET",
        "PIP_PREFIX",
        "PIP_ROOT",
        "PIP_USER",
        "PIP_PYTHON",
        "PIP_REQUIRE_VIRTUALENV",
        "PIP_NO_BINARY",
    ),
    *(
        "PIP_REQUIREMENT",
        "PIP_CONSTRAINT",
        "PIP_LOG",
        "UV_PROJECT",
        "UV_PYTHON",
        "UV_CONSTRAINT",
        "UV_OVERRIDE",
    ),
)
"""Blender's settings for its own Python, and a person's for theirs that would lead the tools astray.
Indexes, proxies and certificates of a studio stay in force."""


def clean_environment(inherited: Mapping[str, str], temporary: Path) -> dict[str, str]:
    """Variables for the tools, whose temporary files go where those of a crash are found and removed."""
    kept = {name: value for name, value in inherited.items() if name not in DROPPED}
    ours = {
        "PYTHONNOUSERSITE": "1",
        "PYTHONUTF8": "1",
        "PIP_NO_INPUT": "1",
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        # A cache would stay behind when the backend is removed, and double what has to be free.
        "PIP_NO_CACHE_DIR": "1",
    }
    places = {name: str(temporary) for name in ("TMPDIR", "TEMP", "TMP")}
    places["UV_CACHE_DIR"] = str(temporary / "uv")
    return kept | ours | places


class Tool(Protocol):
    """How to make and fill a virtual environment; each method gives the commands of one step."""

    def create(self, plan: Plan, environment: Path) -> list[Command]:
        """Make the empty environment."""
        ...

    def download(self, plan: Plan, environment: Path, downloads: Path) -> list[Command]:
        """Fetch everything into ``downloads``; no commands if the tool installs as it fetches."""
        ...

    def install(self, plan: Plan, environment: Path, downloads: Path) -> list[Command]:
        """Install what the locks say, and nothing else."""
        ...

    def grows(self, environment: Path, downloads: Path) -> Path:
        """The folder that grows while it installs, by which progress is told."""
        ...


def tool_for(plan: Plan) -> Tool:
    """uv where it is there, else pip."""
    return Pip(plan.folder / DOWNLOADS / "tool") if plan.uv is None else Uv(plan.uv)


@dataclass(frozen=True)
class Pip:
    """Python's own tool."""

    unpacked: Path
    """Where the wheel of pip that the base brings is unpacked: the environment itself needs none."""

    def create(self, plan: Plan, environment: Path) -> list[Command]:
        """An empty virtual environment; pip is put beside it."""
        assert plan.base.pip is not None
        with zipfile.ZipFile(plan.base.pip) as wheel:
            wheel.extractall(self.unpacked)
        return [[str(plan.base.path), *ISOLATED, "-m", "venv", "--without-pip", str(environment)]]

    def download(self, plan: Plan, environment: Path, downloads: Path) -> list[Command]:
        """First a newer pip, which resumes broken downloads; then each lock, because each names its index."""
        if plan.wheels is not None:
            return []
        python = [str(interpreter_of(environment)), *ISOLATED]
        wheel = self.unpacked / f"pip-{newer_pip()}-py3-none-any.whl"
        old = [*python, str(self.unpacked / "pip"), "download", "--dest", str(self.unpacked)]
        new = [*python, str(wheel / "pip"), "download", "--dest", str(downloads)]
        return [[*old, *_locked(PIP_LOCK)], *([*new, *_locked(lock)] for lock in plan.locks)]

    def install(self, plan: Plan, environment: Path, downloads: Path) -> list[Command]:
        """Without compiling to bytecode: Python does so for the modules that are used, when they are."""
        source = ["--no-index", "--find-links", str(plan.wheels or downloads)]
        flags = ["--no-compile", "--no-warn-script-location", *source]
        pip = [str(interpreter_of(environment)), *ISOLATED, str(self.unpacked / "pip"), "install", *flags]
        return [[*pip, *_locked(lock)] for lock in plan.locks]

    def grows(self, environment: Path, downloads: Path) -> Path:
        """pip unpacks straight into the environment."""
        return environment


@dataclass(frozen=True)
class Uv:
    """The faster one; its cache lies in our folder of downloads."""

    program: Path

    def create(self, plan: Plan, environment: Path) -> list[Command]:
        """A virtual environment, without pip."""
        return [[str(self.program), "venv", "--python", str(plan.base.path), str(environment)]]

    def download(self, plan: Plan, environment: Path, downloads: Path) -> list[Command]:
        """Nothing: uv fetches while it installs, and what is in its cache it does not fetch again."""
        return []

    def install(self, plan: Plan, environment: Path, downloads: Path) -> list[Command]:
        """uv unpacks into its cache and links the files from there, where the disk allows."""
        source = [] if plan.wheels is None else ["--no-index", "--find-links", str(plan.wheels)]
        flags = ["--python", str(interpreter_of(environment))]
        return [[str(self.program), "pip", "install", *flags, *source, *_locked(lock)] for lock in plan.locks]

    def grows(self, environment: Path, downloads: Path) -> Path:
        """The links that come last take no time."""
        return downloads


def newer_pip() -> str:
    """The version of pip that :data:`PIP_LOCK` names."""
    found = re.search(r"^pip==(\S+)", PIP_LOCK.read_text(encoding="utf-8"), re.MULTILINE)
    assert found is not None
    return found[1]


def _locked(lock: Path) -> Command:
    """Install exactly this: what it depends on stands in the locks as well."""
    hashes = ["--require-hashes"] if is_hashed(lock) else []
    return ["--no-deps", *hashes, "-r", str(lock)]
