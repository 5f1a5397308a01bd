"""The setup as the tab and the preferences show it: its progress, or the one button that helps."""

from __future__ import annotations

import bpy

from ..backend.setup.state import SetupState
from .paragraph import draw_paragraph
from .session import session
from .words import label_text

BUTTONS = {
    SetupState.ABSENT: "Set Up Backend",
    SetupState.INCOMPLETE: "Continue Setup",
    SetupState.OUTDATED: "Update Backend",
    SetupState.BROKEN: "Repair Backend",
    SetupState.READY: "Check and Repair",
}
"""One operator under the name of what it will do."""

WORDS = {
    SetupState.ABSENT: "Likeness needs libraries that Blender does not bring",
    SetupState.INCOMPLETE: "Setting up was interrupted and can go on",
    SetupState.OUTDATED: "This Likeness was tested with newer libraries",
    SetupState.BROKEN: "The libraries are damaged, or the Blender they were made with is gone",
}


def draw_progress(layout: bpy.types.UILayout) -> bool:
    """A bar with size and time left and a cross to stop, while a setup runs; whether one does."""
    run = session.setup
    if run is None or run.ended is not None:
        return False
    from ..backend.setup.report import details

    row = layout.row(align=True)
    row.progress(factor=run.progress.fraction, text=label_text(run.progress.step.value))
    row.operator("likeness.stop_setup", text="", icon="X")
    if words := details(run.progress):
        layout.label(text=words)
    return True


def draw_button(layout: bpy.types.UILayout, state: SetupState, wheels: str) -> None:
    """Why there is something to do, and the button; where Blender stays offline, first the one for that."""
    if words := WORDS.get(state):
        draw_paragraph(layout, label_text(words), icon="INFO")
    if wheels or bpy.app.online_access:
        layout.operator("likeness.set_up_backend", text=label_text(BUTTONS[state]), icon="IMPORT")
        return
    draw_paragraph(layout, label_text("Blender is set to stay offline"))
    if bpy.app.online_access_override:
        draw_paragraph(layout, label_text("Blender was started with --offline-mode"))
    else:
        layout.operator("extensions.userpref_allow_online", text="Allow Online Access", icon="INTERNET")
    layout.operator("likeness.open_preferences", text="Install from a Folder", icon="FILE_FOLDER")
