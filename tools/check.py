#!/usr/bin/env python3
"""Runs every test and linter and ends with an error if one of them does.

    python tools/check.py          # everything
    python tools/check.py lint     # the linters only

Unlike a chain of shell commands it goes on after a failure, so that one run shows all of them.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
SPELLED = ("README.md", "CHANGELOG.md", "docs", "addon", "backend", "train", "tests", "tools")
THREADS = {"OPENBLAS_NUM_THREADS": "1", "OMP_WAIT_POLICY": "PASSIVE"}
"""As in backend/cli: threads that spin while they wait slow everything down beside other work."""
BLENDERS = {
    "Blender 4.2": ".venv-blender42",
    "Blender 4.5": ".venv-blender45",
    "Blender 5.0": ".venv-blender50",
    "Blender 5.2": ".venv-blender52",
}


class Check(NamedTuple):
    """One command with the name it has in the summary."""

    name: str
    command: list[str]


def linters() -> list[Check]:
    """Style, format, types and spelling."""
    python = sys.executable
    return [
        Check("ruff check", [python, "-m", "ruff", "check", "."]),
        Check("ruff format", [python, "-m", "ruff", "format", "--check", "."]),
        Check("types", [python, "-m", "basedpyright", "--pythonpath", python]),
        Check("codespell", ["codespell", *existing(SPELLED)]),
    ]


def tests() -> list[Check]:
    """The backend's and the training's tests here, the add-on's in every Blender there is, and the demo."""
    folders = ("tests/test_tree.py", "tests/docs", "tests/backend", "tests/train", "tests/tools")
    checks = [pytest(sys.executable, "docs, backend, train, tools", *folders)]
    for name, folder in BLENDERS.items():
        if (ROOT / folder / ".likeness-ready").is_file():
            checks.append(pytest(str(ROOT / folder / "bin" / "python"), f"add-on in {name}", "tests/addon"))
        else:
            print(f"{name}: not set up on this machine, its tests are left out", file=sys.stderr)
    if len(checks) == 1:
        print("No Blender at all: neither add-on nor demo is tested", file=sys.stderr)
        return checks
    # From the photo through the packed extension to the pictures: what no single test starts.
    return [*checks, Check("the demo", [sys.executable, "tools/demo.py"])]


def pytest(python: str, name: str, *folders: str) -> Check:
    """pytest over the folders that exist."""
    return Check(name, [python, "-m", "pytest", *existing(folders)])


def existing(names: tuple[str, ...]) -> list[str]:
    """Those that are there."""
    return [name for name in names if (ROOT / name).exists()]


def run(check: Check) -> bool:
    """Run one check with its output on the terminal; whether it passed."""
    print(f"\n== {check.name}", flush=True)
    start = time.monotonic()
    folder = Path(sys.executable).parent
    environment = {**THREADS, **os.environ, "PATH": f"{folder}{os.pathsep}{os.environ.get('PATH', '')}"}
    code = subprocess.run(check.command, cwd=ROOT, env=environment, check=False).returncode
    print(
        f"== {check.name}: {'passed' if code == 0 else f'FAILED ({code})'}, {time.monotonic() - start:.0f} s"
    )
    return code == 0


def main(arguments: list[str]) -> int:
    """Run what was asked for; 1 if anything failed."""
    checks = linters() if arguments == ["lint"] else [*tests(), *linters()]
    failed = [check.name for check in checks if not run(check)]
    print(
        f"\n{len(checks) - len(failed)} of {len(checks)} checks passed."
        + "".join(f"\n  FAILED: {n}" for n in failed)
    )
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
