"""The Blender half of ``make demo``: drives the add-on's own operators, as an artist would.

Run by a Python that has ``bpy``: ``python tools/demo_in_blender.py ZIP PHOTO OUT``. Writes the
scene, the GLB, stills at several yaws and ``blender.json`` with what was measured.
"""

from __future__ import annotations

import json
import math
import os
import sys
import tempfile
from pathlib import Path
from time import perf_counter

os.environ["BLENDER_USER_RESOURCES"] = tempfile.mkdtemp(prefix="likeness-demo-")

import addon_utils
import bpy

YAWS_DEG = (-30, -15, 0, 15, 30)
EXTRA_YAW_DEG = 20


def main(archive: str, photo: str, out: Path) -> None:
    """Install the zip, import the photo, turn the head, render, save and export."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    addon_utils.enable("bl_pkg", default_set=True)
    bpy.ops.extensions.package_install_files(filepath=archive, repo="user_default", enable_on_install=True)
    timings: dict[str, float] = {}

    def timed(name: str, call: object, **options: object) -> None:
        start = perf_counter()
        outcome = call(**options)  # type: ignore[operator]
        timings[name] = round(1000 * (perf_counter() - start), 1)
        if outcome != {"FINISHED"}:
            raise SystemExit(f"{name}: {outcome}")

    timed("import_cold", bpy.ops.likeness.import_photo, filepath=photo)
    bpy.ops.ed.undo_push(message="Imported")
    pivot = bpy.context.view_layer.objects.active
    (out / "stills").mkdir(exist_ok=True)
    for yaw in YAWS_DEG:
        render_turned(yaw, out / "stills" / f"yaw_{yaw:+d}.png")
    timed("turn_head", bpy.ops.likeness.turn_head, yaw=math.radians(EXTRA_YAW_DEG))
    still = out / f"still_yaw{EXTRA_YAW_DEG:+d}.png"
    timed("render_new_pose", bpy.ops.likeness.render_new_pose, filepath=str(still))
    bpy.ops.likeness.reset_pose()
    timed("export_glb", bpy.ops.likeness.export_glb, filepath=str(out / "head.glb"))
    bpy.ops.wm.save_as_mainfile(filepath=str(out / "head.blend"), compress=True)
    record = {"blender": bpy.app.version_string, "timings_ms": timings, "pivot": pivot.name}
    (out / "blender.json").write_text(json.dumps(record, indent=1))


def render_turned(yaw_deg: float, path: Path) -> None:
    """One still at a yaw counted from the photo."""
    bpy.ops.likeness.turn_head(yaw=math.radians(yaw_deg))
    bpy.ops.likeness.render_new_pose(filepath=str(path))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], Path(sys.argv[3]))
