#!/usr/bin/env python3
"""Makes the virtual environments of this checkout: one for the backend, one for each Blender.

    python tools/setup_env.py backend              # .venv with the command `likeness`
    python tools/setup_env.py blender45 blender52  # Blender as a Python module, for tests and the demo
    python tools/setup_env.py --optional blender45 # not an error if this machine has no fitting Python

Blender's module wants its own numpy and a certain Python, so it cannot share the backend's
environment; at an artist's they are two programs as well. Runs on any Python 3.8 or newer with
nothing but the standard library. What is already complete is left alone.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # as a script it sees its own folder only
from backend.setup import interpreters  # noqa: E402  (standard library only, like this)

MARK = ".likeness-ready"
"""Written last; its text is the recipe that was followed, so that a change of it is noticed."""


class Environment(NamedTuple):
    """A virtual environment to be made."""

    folder: str
    pythons: tuple[str, ...]
    """Versions that will do, the best first."""
    install: tuple[str, ...]
    """Arguments of ``pip install``."""
    recipe: tuple[str, ...] = ()
    """Files whose change asks for a new installation."""


ENVIRONMENTS = {
    # 3.11 first: every dependency has had wheels for it for years.
    "backend": Environment(
        ".venv", ("3.11", "3.12", "3.13"), ("--editable", ".[dev,docs]"), ("pyproject.toml",)
    ),
    # Blender's module exists for exactly the Python that this Blender ships.
    "blender42": Environment(".venv-blender42", ("3.11",), ("bpy>=4.2,<4.3", "pytest>=8")),
    "blender45": Environment(".venv-blender45", ("3.11",), ("bpy>=4.5,<4.6", "pytest>=8")),
    "blender50": Environment(".venv-blender50", ("3.11",), ("bpy>=5.0,<5.1", "pytest>=8")),
    "blender52": Environment(".venv-blender52", ("3.13",), ("bpy>=5.2,<5.3", "pytest>=8")),
}


class NoPython(Exception):
    """This machine has no fitting interpreter; the text says what is missing."""


class InstallationFailed(Exception):
    """pip could not install; it has said why."""


def main(arguments: list[str] | None = None) -> int:
    """Make the environments that are asked for; 1 if one of them could not be made."""
    parser = argparse.ArgumentParser(description="Make the virtual environments of this checkout.")
    parser.add_argument("names", nargs="+", choices=sorted(ENVIRONMENTS))
    parser.add_argument("--optional", action="store_true", help="do without those that lack a Python")
    options = parser.parse_args(arguments)
    code = 0
    for name in options.names:
        try:
            make(ENVIRONMENTS[name])
        except NoPython as error:
            print(error, file=sys.stderr)
            code = code if options.optional else 1
        except InstallationFailed as error:
            print(error, file=sys.stderr)
            code = 1
    return code


def make(environment: Environment) -> None:
    """Make one environment or complete it; raises NoPython or InstallationFailed."""
    folder = ROOT / environment.folder
    recipe = recipe_of(environment)
    mark = folder / MARK
    if mark.is_file() and mark.read_text(encoding="utf-8") == recipe:
        return
    started = time.monotonic()
    if not works(python_of(folder)):
        create(folder, environment.pythons)
    if mark.exists():
        mark.unlink()
    say(f"{environment.folder}: installing {' '.join(environment.install)}")
    command = [str(python_of(folder)), "-m", "pip", "install", "-qq", *environment.install]
    if subprocess.run(command, cwd=str(ROOT), env=clean_environment()).returncode != 0:
        raise InstallationFailed(f"{environment.folder}: the installation failed; see above.")
    mark.write_text(recipe, encoding="utf-8")
    say(f"{environment.folder}: ready after {time.monotonic() - started:.0f} s")


def say(line: str) -> None:
    """Tell what goes on."""
    print(line, file=sys.stderr, flush=True)


def recipe_of(environment: Environment) -> str:
    """A line that changes when the environment has to be made anew."""
    digest = hashlib.sha256()
    for name in environment.recipe:
        digest.update((ROOT / name).read_bytes())
    return " ".join([*environment.install, digest.hexdigest()])


def create(folder: Path, versions: tuple[str, ...]) -> None:
    """Try every interpreter of these versions until one can make a virtual environment with pip."""
    for version in versions:
        for candidate in interpreters.candidates([version]):
            base = interpreters.probe(candidate)
            if base is None or base.version != version or base.pip is None:
                continue
            shutil.rmtree(folder, ignore_errors=True)
            subprocess.run([str(candidate), "-m", "venv", str(folder)], capture_output=True)
            if works(python_of(folder)):
                say(f"{folder.name}: made with {candidate}")
                return
    shutil.rmtree(folder, ignore_errors=True)
    raise NoPython(
        f"{folder.name}: left out, no Python {' or '.join(versions)} (with venv and ensurepip) was found.\n"
        f"  On Debian and Ubuntu: apt install python{versions[0]}-venv\n"
        f"  With pyenv: pyenv install {versions[0]}"
    )


def works(python: Path) -> bool:
    """Whether an environment's interpreter is there and has pip."""
    try:
        return subprocess.run([str(python), "-m", "pip", "--version"], capture_output=True).returncode == 0
    except OSError:
        return False


def python_of(folder: Path) -> Path:
    """The interpreter inside a virtual environment."""
    return folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def clean_environment() -> dict[str, str]:
    """Without what would lead pip into another Python's packages."""
    return {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PYTHONHOME")}


if __name__ == "__main__":
    sys.exit(main())
