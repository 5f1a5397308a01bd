"""Telling Blender what there is, and taking it back in the reverse order."""

from __future__ import annotations

import bpy

from . import handlers, menus, operators, panels, pose_gauge, preferences, properties, watch
from .operators.backend import stop_watching
from .operators.set_up import stop_setup
from .session import session

CLASSES: tuple[type, ...] = (
    *properties.CLASSES,
    *preferences.CLASSES,
    *operators.CLASSES,
    *panels.CLASSES,
    *menus.CLASSES,
)


def register() -> None:
    """Register classes, then what refers to them."""
    for cls in CLASSES:
        bpy.utils.register_class(cls)
    properties.register()
    menus.register()
    handlers.register()
    pose_gauge.register()
    watch.register()


def unregister() -> None:
    """Stop the backend first: nothing may call back into classes that are gone."""
    session.stop_backend(wait=True)
    stop_setup()
    stop_watching()
    watch.unregister()
    pose_gauge.unregister()
    handlers.unregister()
    menus.unregister()
    properties.unregister()
    for cls in reversed(CLASSES):
        bpy.utils.unregister_class(cls)
