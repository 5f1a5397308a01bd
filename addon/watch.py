"""Looks at the disk while something of ours is drawn, so that drawing itself never does.

What is on the disk can change behind our back: a setup in another Blender, a deleted folder, a drive that
is gone.
"""

from __future__ import annotations

import bpy

from .preferences import look_again
from .session import session
from .views import redraw_sidebars

LOOK_S = 0.5
"""Between two glances. Without something drawn in between there is none."""


def _look_if_drawn() -> float:
    """Timer: a glance if somebody saw the last one, and a new drawing if it shows something else."""
    if session.was_drawn and look_again(bpy.context):
        redraw_sidebars(bpy.context)
    return LOOK_S


def register() -> None:
    """Begin; files come and go meanwhile."""
    if not bpy.app.background:
        bpy.app.timers.register(_look_if_drawn, first_interval=LOOK_S, persistent=True)


def unregister() -> None:
    """End."""
    if bpy.app.timers.is_registered(_look_if_drawn):
        bpy.app.timers.unregister(_look_if_drawn)
