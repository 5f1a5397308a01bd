"""Starting, stopping and asking after the backend."""

from __future__ import annotations

import bpy

from ..errors import AddonError
from ..log_file import LogFile
from ..preferences import backend_choice, preferences
from ..session import session
from ..state import BackendState
from ..views import redraw_sidebars
from ..words import report_text

WATCH_S = 0.5

REPORT_LINES = 60
"""Of the log, in a report: a traceback of torch has 40."""


class LIKENESS_OT_start_backend(bpy.types.Operator):
    """Start the backend now, so that the first photo does not have to wait for it"""

    bl_idname = "likeness.start_backend"
    bl_label = "Start Backend"

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Start the process and return; the panel shows when it is ready."""
        try:
            session.ensure_process(backend_choice(context))
        except AddonError as error:
            session.note(error)
            self.report({"ERROR"}, error.told(report_text))
            return {"CANCELLED"}
        if not bpy.app.background:
            bpy.app.timers.register(_watch_start, first_interval=WATCH_S)
        return {"FINISHED"}


def _watch_start() -> float | None:
    """Timer: draw the panels again until the backend is no longer starting."""
    redraw_sidebars(bpy.context)
    starting = session.state(backend_choice(bpy.context)) is BackendState.STARTING
    return WATCH_S if starting else None


def stop_watching() -> None:
    """Take the timer back when the extension is disabled during a start."""
    if bpy.app.timers.is_registered(_watch_start):
        bpy.app.timers.unregister(_watch_start)


class LIKENESS_OT_stop_backend(bpy.types.Operator):
    """Stop the backend and free its memory"""

    bl_idname = "likeness.stop_backend"
    bl_label = "Stop Backend"

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Stop it without making the interface wait."""
        session.stop_backend(wait=bpy.app.background)
        redraw_sidebars(context)
        return {"FINISHED"}


class LIKENESS_OT_stop_job(bpy.types.Operator):
    """Stop what Likeness is working on"""

    bl_idname = "likeness.stop_job"
    bl_label = "Stop"

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Stop the job; its operator cleans up with its next tick."""
        session.cancel_job()
        redraw_sidebars(context)
        return {"FINISHED"}


class LIKENESS_OT_open_log(bpy.types.Operator):
    """Show what the backend has written about its work"""

    bl_idname = "likeness.open_log"
    bl_label = "Open Log"

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Open the log with the system's text viewer."""
        path = backend_choice(context).log_path
        if not path.is_file():
            self.report({"WARNING"}, report_text("There is no log yet: start the backend"))
            return {"CANCELLED"}
        bpy.ops.wm.path_open(filepath=str(path))
        return {"FINISHED"}


class LIKENESS_OT_copy_report(bpy.types.Operator):
    """Copy versions, settings, the last errors and the end of the log, without names, paths or pictures"""

    bl_idname = "likeness.copy_report"
    bl_label = "Copy Report"

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Put the text on the clipboard."""
        context.window_manager.clipboard = report(context)
        self.report({"INFO"}, report_text("The report is copied: paste it where you ask for help"))
        return {"FINISHED"}


def report(context: bpy.types.Context) -> str:
    """The text of the report for this Blender."""
    from ..report import Facts, compose, redactor_for

    choice = backend_choice(context)
    values = preferences(context)
    blender = f"{bpy.app.version_string} ({'background' if bpy.app.background else 'window'})"
    settings = {"fit": values.quality, "rest after": values.idle_minutes, "online": bpy.app.online_access}
    state = f"{choice.kind.value}, {session.state(choice).value}"
    facts = Facts(
        blender,
        state,
        session.info,
        settings,
        session.error_lines(),
        LogFile(choice.log_path).tail(REPORT_LINES, files=2),
    )
    return compose(facts, redactor_for(choice, session.photos))


class LIKENESS_OT_open_preferences(bpy.types.Operator):
    """Open the preferences of Likeness"""

    bl_idname = "likeness.open_preferences"
    bl_label = "Open Preferences"

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Show the extension in Blender's preferences."""
        from .. import PACKAGE

        bpy.ops.preferences.addon_show(module=PACKAGE)
        return {"FINISHED"}


CLASSES = (
    LIKENESS_OT_start_backend,
    LIKENESS_OT_stop_backend,
    LIKENESS_OT_stop_job,
    LIKENESS_OT_open_log,
    LIKENESS_OT_copy_report,
    LIKENESS_OT_open_preferences,
)
