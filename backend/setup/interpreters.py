"""Which Python may carry the environment: Blender's own, or another one on this computer."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

VERSIONS = ("3.11", "3.13", "3.12", "3.14")
"""Those for which every library has wheels; the ones that Blender brings first."""

PROBE = """
import importlib.util, json, pathlib, sys, sysconfig, venv
found = importlib.util.find_spec("ensurepip")
folders = [pathlib.Path(found.origin).parent / "_bundled"] if found else []
folders += [pathlib.Path(folder) for folder in [sysconfig.get_config_var("WHEEL_PKG_DIR")] if folder]
wheels = [str(path) for folder in folders for path in folder.glob("pip-*.whl")]
print(json.dumps(["%d.%d" % sys.version_info[:2], wheels[0] if wheels else ""]))
"""
"""Asked of each candidate: its version, and the wheel of pip that it brings for new environments."""

PROBE_S = 30.0
"""A cold start of Python from a slow disk."""


@dataclass(frozen=True)
class Base:
    """A Python from which virtual environments can be made."""

    path: Path
    version: str
    """Like ``3.11``."""
    pip: Path | None
    """The wheel of pip that it brings; Debian's needs a package for that."""


def find(versions: Collection[str], *, needs_pip: bool) -> Base | None:
    """The first Python of one of these versions; this one if it will do. None if there is none."""
    for path in candidates(versions):
        base = probe(path)
        if base is not None and base.version in versions and (base.pip or not needs_pip):
            return base
    return None


def candidates(versions: Collection[str]) -> Iterator[Path]:
    """Interpreters that might do: the one that runs this, pyenv's, those on the path, Windows' own place."""
    yield this_python()
    pyenv = Path(os.environ.get("PYENV_ROOT", str(Path.home() / ".pyenv"))) / "versions"
    local = Path(os.environ.get("LOCALAPPDATA", "")) / "Programs" / "Python"
    folders = [
        *os.environ.get("PATH", "").split(os.pathsep),
        "/usr/local/bin",
        "/opt/homebrew/bin",
        "/usr/bin",
    ]
    for version in (version for version in VERSIONS if version in versions):
        yield from sorted(pyenv.glob(f"{version}.*/bin/python"), reverse=True)
        for folder in dict.fromkeys(folder for folder in folders if folder):
            yield from (path for path in (Path(folder) / f"python{version}",) if path.is_file())
        yield from local.glob(f"Python{version.replace('.', '')}/python.exe")


def this_python() -> Path:
    """The interpreter that runs this; outside its virtual environment, which may be deleted one day."""
    return Path(getattr(sys, "_base_executable", None) or sys.executable)


def probe(path: Path) -> Base | None:
    """Ask an interpreter what it is; None if it does not start."""
    try:
        done = subprocess.run(
            [str(path), "-I", "-c", PROBE], capture_output=True, text=True, timeout=PROBE_S, check=False
        )
        version, pip = json.loads(done.stdout)
    except (OSError, ValueError, subprocess.TimeoutExpired):
        return None
    return Base(path, version, Path(pip) if pip else None)
