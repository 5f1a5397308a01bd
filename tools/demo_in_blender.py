"""The Blender half of ``make demo``: drives the add-on's own operators, as an artist would.

Run by a Python that has ``bpy``: ``python tools/demo_in_blender.py ZIP PHOTO OUT``. Writes into OUT
the scene, the GLB, coarse renders and stills at several yaws and ``blender.json`` with what was
measured. Lines that begin with :data:`MARK` are for people; the rest is Blender's own talk.
"""

from __future__ import annotations

import importlib
import json
import math
import os
import sys
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import Any

# Nobody's own preferences or add-ons take part. Has to be there before bpy is imported.
_resources = tempfile.TemporaryDirectory(prefix="likeness-demo-")
os.environ["BLENDER_USER_RESOURCES"] = _resources.name

import bpy  # noqa: E402, I001
import addon_utils  # noqa: E402  (only there once bpy is)

MODULE = "bl_ext.user_default.likeness"
MARK = "  - "
YAWS_DEG = (-30, -15, 0, 15, 30)
EXTRA_YAW_DEG = 20

Milliseconds = dict[str, float]


def main(archive: str, photo: str, out: Path) -> None:
    """Install the zip, import the photo, turn the head, render, save and export."""
    for name in ("coarse", "stills"):
        (out / name).mkdir(parents=True, exist_ok=True)
    install(archive)
    try:
        record = drive(photo, out)
    finally:
        part("session").session.stop_backend(wait=True)
    (out / "blender.json").write_text(json.dumps(record, indent=2, ensure_ascii=False), encoding="utf-8")


def install(archive: str) -> None:
    """What *Preferences > Get Extensions > Install from Disk* does."""
    addon_utils.enable("bl_pkg", default_set=True)
    bpy.ops.extensions.package_install_files(filepath=archive, repo="user_default", enable_on_install=True)
    say(f"installed {Path(archive).name} in Blender {bpy.app.version_string}")


def drive(photo: str, out: Path) -> dict[str, Any]:
    """The whole path; what was measured and counted on it."""
    operators = bpy.ops.likeness
    blender_ms: Milliseconds = {}
    new_scene()
    blender_ms["import_cold"] = timed(operators.import_photo, filepath=photo)
    cold_ms = stages()
    say(f"imported the photo in {seconds(blender_ms['import_cold'])}, starting the backend included")
    new_scene()
    blender_ms["build_head"] = timed(operators.build_head)
    new_scene()
    blender_ms["import_warm"] = timed(operators.import_photo, filepath=photo)
    say(f"imported it again in {seconds(blender_ms['import_warm'])}")
    for yaw in YAWS_DEG:
        render_turned(yaw, out)
    say(f"rendered stills at {', '.join(map(str, YAWS_DEG))} degrees")
    still = out / f"still_yaw{EXTRA_YAW_DEG:+d}.png"
    operators.turn_head(yaw=math.radians(EXTRA_YAW_DEG))
    blender_ms["render_new_pose"] = timed(operators.render_new_pose, filepath=str(still))
    made = bpy.data.images["New Pose"]
    operators.reset_pose()
    blender_ms["export_glb"] = timed(operators.export_glb, filepath=str(out / "head.glb"))
    bpy.ops.wm.save_as_mainfile(filepath=str(out / "head.blend"), compress=True)
    say("saved head.blend and head.glb")
    header = part("session").session.heads.get("").header
    return {
        "blender": bpy.app.version_string,
        "device": device(),
        "timings_ms": stages(),
        "timings_ms_cold": cold_ms,
        "blender_ms": blender_ms,
        "pose_deg": header.pose_deg,
        "counts": counts(),
        "warnings": list(header.warnings),
        "interim": list(header.interim),
        "still": {
            "yaw_deg": EXTRA_YAW_DEG,
            "method": made["likeness_method"],
            "invented_share": round(made["likeness_invented_share"], 4),
        },
    }


def render_turned(yaw_deg: float, out: Path) -> None:
    """Blender's own render of the head and the finished still, at a yaw counted from the photo."""
    bpy.ops.likeness.turn_head(yaw=math.radians(yaw_deg))
    pivot = bpy.context.view_layer.objects.active
    coarse = part("render").render_coarse(bpy.context.scene, pivot)
    (out / "coarse" / f"yaw{yaw_deg:+d}.png").write_bytes(coarse.images["coarse"])
    timed(bpy.ops.likeness.render_new_pose, filepath=str(out / "stills" / f"yaw{yaw_deg:+d}.png"))


def new_scene() -> None:
    """An empty file; the backend goes on running."""
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)


def timed(operator: Callable[..., set[str]], **options: object) -> float:
    """Run an operator; milliseconds. SystemExit with the operator's own words if it refuses."""
    start = perf_counter()
    try:
        outcome = operator(**options)
    except RuntimeError as error:  # how bpy hands on what an operator reported as an error
        raise SystemExit(str(error).strip().removeprefix("Error: ")) from error
    if outcome != {"FINISHED"}:
        raise SystemExit(f"The operator {operator.idname_py()} ended with {outcome}.")
    return round(1000 * (perf_counter() - start), 1)


def stages() -> Milliseconds:
    """The backend's own times of the last import, with their sum."""
    taken: Milliseconds = part("session").session.heads.get("").header.timings_ms
    return {**{name: round(ms, 1) for name, ms in taken.items()}, "total": round(sum(taken.values()), 1)}


def device() -> str:
    """What the backend says that it computes on."""
    choice = part("preferences").backend_choice(bpy.context)
    connection = part("connections").connection(part("session").session, choice)
    return connection.open(threading.Event()).info().device


def counts() -> dict[str, Any]:
    """What is in the scene, as Blender counts it."""
    meshes = {item.name: item.data for item in bpy.context.scene.objects if item.type == "MESH"}
    each = {
        name: {
            "vertices": len(mesh.vertices),
            "polygons": len(mesh.polygons),
            "shape_keys": len(mesh.shape_keys.key_blocks) - 1 if mesh.shape_keys else 0,  # less the basis
        }
        for name, mesh in meshes.items()
    }
    sums = {key: sum(one[key] for one in each.values()) for key in ("vertices", "polygons", "shape_keys")}
    return {"objects": len(bpy.context.scene.objects), **sums, "meshes": each}


def part(name: str) -> Any:
    """A module of the add-on as Blender has loaded it from the zip."""
    return importlib.import_module(f"{MODULE}.addon.{name}")


def seconds(milliseconds: float) -> str:
    """A time for people."""
    return f"{milliseconds / 1000:.1f} s"


def say(line: str) -> None:
    """Tell what goes on."""
    print(f"{MARK}{line}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], Path(sys.argv[3]))
