"""Blender's side of Likeness: it asks the backend and builds what comes back as objects.

The modules that think (client, backend_process, jobs, session, state, head_data, placement, plate)
import no bpy and run in any Python; the rest is thin. Nothing here imports bpy before ``register``.
"""

from __future__ import annotations

PACKAGE = (__package__ or "likeness.addon").rpartition(".")[0]
"""Name under which Blender knows the extension, e.g. ``bl_ext.user_default.likeness``."""


def register() -> None:
    """Make the classes, properties, menus and handlers known to Blender."""
    from . import registration

    registration.register()


def unregister() -> None:
    """Take everything back and stop the backend."""
    from . import registration

    registration.unregister()
