"""How long the add-on makes Blender's start: ``python -m tools.addon_start .venv-blender52/bin/python``.

Counts the processor time of importing and registering it, without Blender's own, in fresh processes with
compiled files in place, as from the second start on. ``--modules`` says which modules it goes to.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
WANTED_MS = 50.0
RUNS = 7

MEASURE = """
import importlib, importlib._bootstrap_external as loaders, json, os, sys, time
import bpy, addon_utils
importlib.import_module("bl_ext.user_default")
times, open_imports = {}, []
load = loaders._LoaderBasics.exec_module

def timed(self, module):
    begun = time.thread_time()
    open_imports.append(0.0)
    try:
        load(self, module)
    finally:
        took = time.thread_time() - begun
        times[module.__name__] = 1e3 * (took - open_imports.pop())
        if open_imports:
            open_imports[-1] += took

if sys.argv[1:] == ["modules"]:
    loaders._LoaderBasics.exec_module = timed
begun = time.thread_time()
importlib.import_module("bl_ext.user_default.likeness").register()
total = 1e3 * (time.thread_time() - begun)
sys.stdout.write("\\n" + json.dumps([total, times]) + "\\n")
sys.stdout.flush()
os._exit(0)  # the module bpy 4.5 does not come back from an orderly end
"""


def install(interpreter: str, folder: Path) -> None:
    """The add-on in a fresh user folder of Blender, compiled; without the backend's weights."""
    target = folder / "extensions" / "user_default" / "likeness"
    target.mkdir(parents=True)
    for name in ("__init__.py", "blender_manifest.toml"):
        shutil.copy(ROOT / name, target)
    for name in ("addon", "backend"):
        shutil.copytree(ROOT / name, target / name, ignore=shutil.ignore_patterns("assets", "__pycache__"))
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    subprocess.run([interpreter, "-m", "compileall", "-q", str(target)], env=environment, check=True)


def start(interpreter: str, folder: Path, *arguments: str) -> tuple[float, dict[str, float]]:
    """Milliseconds of one start, and of each module if asked for."""
    result = subprocess.run(
        [interpreter, "-c", MEASURE, *arguments],
        env={**os.environ, "BLENDER_USER_RESOURCES": str(folder)},
        capture_output=True,
        text=True,
        check=True,
    )
    total, modules = json.loads(next(line for line in result.stdout.splitlines() if line.startswith("[")))
    return total, modules


def main() -> int:
    """Print the median of some starts as JSON."""
    parser = argparse.ArgumentParser(prog="addon_start", description=__doc__)
    parser.add_argument("interpreter", help="a Python that can import bpy")
    parser.add_argument("--modules", action="store_true", help="also the time of each module (slower)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="likeness-start-") as name:
        install(options.interpreter, Path(name))
        runs = [start(options.interpreter, Path(name))[0] for _ in range(RUNS)]
        report = {"median_ms": statistics.median(runs), "runs_ms": sorted(runs), "wanted_ms": WANTED_MS}
        if options.modules:
            modules = start(options.interpreter, Path(name), "modules")[1]
            report["modules_ms"] = dict(sorted(modules.items(), key=lambda item: -item[1]))
    print(json.dumps(report, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
