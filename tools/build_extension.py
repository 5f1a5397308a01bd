"""Build and validate the zip that Blender installs, and a repository that offers it, with Blender's own tool.

    python tools/build_extension.py [--blender PATH] [--output DIR]

The tool ``blender_ext.py`` comes with every Blender: with the program given by ``--blender``, or with the
``bpy`` wheel in one of the environments ``.venv*`` of this checkout (the newest is taken). What goes into
the zip is decided by ``[build]`` in ``blender_manifest.toml`` alone. ``DIR/repository`` can be put on any web
server as it is; docs/hosting.md says how artists subscribe to it.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TOOL = "scripts/addons_core/bl_pkg/cli/blender_ext.py"


def find_tool(blender: Path | None = None) -> Path:
    """Blender's extension tool; SystemExit with words if there is none."""
    if blender is not None:
        found = sorted(blender.resolve().parent.glob(f"*/{TOOL}"), key=_version)
        place = f"beside {blender}"
    else:
        patterns = (f"lib/python*/site-packages/bpy/*/{TOOL}", f"Lib/site-packages/bpy/*/{TOOL}")
        found = sorted(
            (path for venv in ROOT.glob(".venv*") for pattern in patterns for path in venv.glob(pattern)),
            key=_version,
        )
        place = "in .venv* (make setup creates them), and no --blender was given"
    if not found:
        raise SystemExit(f"There is no Blender {place}.")
    return found[-1]


def _version(tool: Path) -> tuple[int, ...]:
    """The Blender version in a path like ``.../5.2/scripts/...``."""
    return tuple(int(part) for part in re.findall(r"\d+", tool.parents[4].name))


def build(output: Path, blender: Path | None = None) -> Path:
    """Build the zip into ``output`` and let Blender's validator look at it; the zip's path."""
    tool = find_tool(blender)
    manifest = tomllib.loads((ROOT / "blender_manifest.toml").read_text(encoding="utf-8"))
    output.mkdir(parents=True, exist_ok=True)
    package = output / f"{manifest['id']}-{manifest['version']}.zip"
    _run(tool, "build", "--source-dir", str(ROOT), "--output-filepath", str(package))
    _run(tool, "validate", str(package))
    return package


def make_repository(package: Path, blender: Path | None = None) -> Path:
    """Lay the zip beside an ``index.json`` that Blender can subscribe to; the folder with both.

    The folder is made anew, so that it never offers what is no longer built.
    """
    folder = package.parent / "repository"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    shutil.copy(package, folder)
    _run(find_tool(blender), "server-generate", "--repo-dir", str(folder), "--html")
    return folder


def _run(tool: Path, *arguments: str) -> None:
    """One command of Blender's tool, in a process without its environment's site packages."""
    result = subprocess.run(
        [sys.executable, "-I", str(tool), *arguments], capture_output=True, text=True, check=False
    )
    if result.returncode != 0:
        raise SystemExit(f"Blender refuses the extension:\n{result.stdout}{result.stderr}")


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description="Build and validate the zip that Blender installs.")
    parser.add_argument("--blender", type=Path, help="a Blender program; default: the newest bpy in .venv*")
    parser.add_argument("--output", type=Path, default=ROOT / "dist", help="folder for the zip (dist)")
    options = parser.parse_args()
    package = build(options.output, options.blender)
    print(f"{package} ({package.stat().st_size / 2**20:.1f} MB), accepted by Blender's validator")
    print(f"{make_repository(package, options.blender)} (index.json for Get Extensions > Repositories)")


if __name__ == "__main__":
    main()
