"""What happens when a file is opened."""

from __future__ import annotations

import bpy
from bpy.app.handlers import persistent

from .properties import migrate_file
from .session import session
from .words import report_text

FILE_OPENED = "another file was opened; import the photo again"


@persistent
def stop_job_before_load(*_: object) -> None:
    """A head that was asked for in one file must not appear in another."""
    job = session.job
    if job is not None and session.cancel_job(FILE_OPENED):
        session.notice = report_text(
            "{title} was stopped: {reason}", title=job.request.title, reason=report_text(FILE_OPENED)
        )


@persistent
def migrate_after_load(*_: object) -> None:
    """Lift heads of older files to what this version stores."""
    if newer := migrate_file():
        session.notice = report_text(
            "Made with a newer Likeness, please update: {heads}", heads=", ".join(newer)
        )


def register() -> None:
    """Attach to Blender's file events."""
    bpy.app.handlers.load_pre.append(stop_job_before_load)
    bpy.app.handlers.load_post.append(migrate_after_load)


def unregister() -> None:
    """Detach."""
    bpy.app.handlers.load_pre.remove(stop_job_before_load)
    bpy.app.handlers.load_post.remove(migrate_after_load)
