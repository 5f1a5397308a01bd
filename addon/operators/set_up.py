"""Making, updating, repairing and removing the backend's own environment: one button for the first three."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import bpy

from ..errors import AddonError, BackendMissing, Busy
from ..installation import SOURCE_ROOT, environment_folder
from ..preferences import backend_choice, look_again, preferences
from ..session import session
from ..views import redraw_sidebars
from ..words import report_text

if TYPE_CHECKING:
    from ..setup_run import SetupLaunch

TICK_S = 0.25


class LIKENESS_OT_set_up_backend(bpy.types.Operator):
    """Install what turns photos into heads, update it or repair it. Blender stays usable meanwhile"""

    bl_idname = "likeness.set_up_backend"
    bl_label = "Set Up Backend"

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Begin, and let a timer follow it, which survives opening another file; scripts wait."""
        return _begin(self, context, remove=False)


class LIKENESS_OT_stop_setup(bpy.types.Operator):
    """Stop setting up; the next time it goes on from there"""

    bl_idname = "likeness.stop_setup"
    bl_label = "Stop Setup"

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Break the life line; the timer sees the end."""
        if session.setup is not None:
            session.setup.stop()
        return {"FINISHED"}


class LIKENESS_OT_remove_backend(bpy.types.Operator):
    """Delete what Set Up Backend has installed, and nothing else"""

    bl_idname = "likeness.remove_backend"
    bl_label = "Remove Backend"

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """Ask first: making it again may take a download."""
        return context.window_manager.invoke_confirm(self, event)

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Remove it in a process, as a large folder takes seconds."""
        return _begin(self, context, remove=True)


def _begin(operator: bpy.types.Operator, context: bpy.types.Context, *, remove: bool) -> set[str]:
    """Start the process; in background mode, where timers do not fire, also wait for it."""
    from ..setup_run import SetupRun

    try:
        if session.setting_up:
            raise Busy("The backend is being set up already", "Wait until it is done, or stop it")
        launch = _launch(context, remove=remove)
        # Its libraries are about to go; and what is in use cannot be deleted on Windows.
        session.stop_backend(wait=bpy.app.background)
        session.setup = SetupRun(launch)
    except AddonError as error:
        session.note(error)
        operator.report({"ERROR"}, error.told(report_text))
        return {"CANCELLED"}
    session.notice = ""
    if not bpy.app.background:
        bpy.app.timers.register(_follow, first_interval=TICK_S, persistent=True)
        redraw_sidebars(context)
        return {"FINISHED"}
    session.setup.wait()
    ended = session.setup.ended
    assert ended is not None
    operator.report({"INFO"} if ended.ok else {"ERROR"}, f"{ended.message} {ended.remedy}".strip())
    return {"FINISHED"} if ended.ok else {"CANCELLED"}


def _launch(context: bpy.types.Context, *, remove: bool) -> SetupLaunch:
    """What to run; BackendMissing if it needs the network and Blender is to stay offline."""
    from ..setup_run import SetupLaunch

    values = preferences(context)
    wheels = bpy.path.abspath(values.wheels) if values.wheels else ""
    if not (remove or wheels or bpy.app.online_access):
        raise BackendMissing(
            "Blender is set to stay offline, and the backend's libraries have to be downloaded",
            "Allow Online Access in Preferences > System, or choose a folder to install from in"
            " Preferences > Add-ons > Likeness",
        )
    return SetupLaunch(
        interpreter=Path(sys.executable),
        source_root=SOURCE_ROOT,
        folder=environment_folder(backend_choice(context).user_folder),
        wheels=wheels,
        device="" if values.device == "AUTO" else values.device.lower(),
        remove=remove,
    )


def _follow() -> float | None:
    """Timer: take in what the setup tells, until it ends."""
    run = session.setup
    if run is None:
        return None
    changed = run.update()
    if run.ended is not None:
        session.notice = f"{run.ended.message} {run.ended.remedy}".strip()
        look_again(bpy.context)
    if changed:
        redraw_sidebars(bpy.context)
    return TICK_S if run.ended is None else None


def stop_setup() -> None:
    """End a setup with the extension, and take its timer back."""
    if bpy.app.timers.is_registered(_follow):
        bpy.app.timers.unregister(_follow)
    if session.setup is not None:
        from ..setup_run import STOP_TIMEOUT_S

        session.setup.stop()
        session.setup.wait(STOP_TIMEOUT_S)


CLASSES = (LIKENESS_OT_set_up_backend, LIKENESS_OT_stop_setup, LIKENESS_OT_remove_backend)
