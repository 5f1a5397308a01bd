"""The pose gauge follows head and camera: measured soon after they moved, never while a panel is drawn."""

from __future__ import annotations

from dataclasses import dataclass

import bpy
from bpy.app.handlers import persistent

from .properties import active_head
from .views import redraw_sidebars

DELAY_S = 0.2
"""A head that is being turned by hand is measured at this interval, not at every step."""


@dataclass
class Reading:
    """What the gauge shows."""

    share: float | None = None


reading = Reading()
"""The last measure of the selected head."""


def measure(context: bpy.types.Context) -> float | None:
    """The share of the selected head in view that the photo knew; None if there is no such view."""
    from .gauge import share_known
    from .sighting import camera_view, head_points

    pivot = active_head(context)
    if pivot is None:
        return None
    depsgraph = context.evaluated_depsgraph_get()
    view, head = camera_view(context.scene, depsgraph), head_points(pivot, depsgraph)
    return share_known(head, view) if head is not None and view is not None else None


def update() -> None:
    """Measure, and have the panels drawn again if the value changed; a timer's callback."""
    share = measure(bpy.context)
    if share != reading.share:
        reading.share = share
        redraw_sidebars(bpy.context)


@persistent
def _something_moved(*_: object) -> None:
    if not bpy.app.background and not bpy.app.timers.is_registered(update):
        bpy.app.timers.register(update, first_interval=DELAY_S)


def register() -> None:
    """Attach to everything that can move a head or a camera."""
    for handlers in _handlers():
        handlers.append(_something_moved)


def unregister() -> None:
    """Detach."""
    for handlers in _handlers():
        handlers.remove(_something_moved)
    if bpy.app.timers.is_registered(update):
        bpy.app.timers.unregister(update)


def _handlers() -> tuple[list, ...]:
    events = bpy.app.handlers
    return events.depsgraph_update_post, events.frame_change_post, events.load_post
