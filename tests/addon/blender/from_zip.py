"""Run by test_extension.py in a Blender of its own: install the zip, use it, and report as JSON.

python from_zip.py ZIP INTERPRETER PHOTO REPORT.json      (BLENDER_USER_RESOURCES: an empty folder)
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import bpy  # isort: skip
import addon_utils  # isort: skip  (only there once bpy is)

MODULE = "bl_ext.user_default.likeness"


def registered() -> list[str]:
    """Names of our classes that Blender knows."""
    names = [name for name in dir(bpy.types) if name.startswith("LIKENESS_")]
    return names + (["Object.likeness"] if hasattr(bpy.types.Object, "likeness") else [])


def import_photo(interpreter: str, photo: str) -> list[str]:
    """Names of the objects that one import adds."""
    before = set(bpy.data.objects)
    preferences = bpy.context.preferences.addons[MODULE].preferences
    preferences.kind, preferences.interpreter = "INTERPRETER", interpreter
    bpy.ops.likeness.import_photo(filepath=photo)
    return sorted(item.name for item in bpy.data.objects if item not in before)


def main(package: str, interpreter: str, photo: str, report: str) -> None:
    """Install, import, disable, enable, import."""
    addon_utils.enable("bl_pkg", default_set=True)
    bpy.ops.extensions.package_install_files(filepath=package, repo="user_default", enable_on_install=True)
    installed = Path(sys.modules[MODULE].__file__).parent
    results = {
        "installed": sorted(path.name for path in installed.iterdir() if path.name != "__pycache__"),
        "first": import_photo(interpreter, photo),
        "classes": registered(),
        "warnings": {
            name: list(map(str, found))
            for name, found in addon_utils._extensions_warnings_get().items()
            if found
        },
    }
    process = sys.modules[f"{MODULE}.addon.session"].session.process
    addon_utils.disable(MODULE, default_set=True)
    results["left_after_disable"] = registered()
    results["backend_ended"] = process.exit_code is not None
    addon_utils.enable(MODULE, default_set=True)
    results["second"] = import_photo(interpreter, photo)
    addon_utils.disable(MODULE, default_set=True)
    Path(report).write_text(json.dumps(results))


if __name__ == "__main__":
    main(*sys.argv[1:])
