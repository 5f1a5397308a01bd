"""One description of a long job, two drivers: modal with a timer for people, blocking for scripts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import bpy

from ..errors import AddonError
from ..preferences import backend_choice, require_permission
from ..session import session
from ..views import redraw_sidebars
from ..words import label_text, report_text

if TYPE_CHECKING:
    from ..jobs import Job, Request

TICK_S = 0.1


class JobOperator:
    """Mix-in for operators that ask the backend. Subclasses implement :meth:`finished`.

    Blender's modal loop only ever reads what the job's thread has put aside, so it never waits.
    """

    _job: Any = None
    """An :class:`addon.jobs.Job`; Blender evaluates annotations here and would have to import it."""
    _timer: bpy.types.Timer | None = None

    def finished(self, context: bpy.types.Context, result: Any) -> set[str]:
        """Apply the result; called once, in the main thread, in Object Mode."""
        raise NotImplementedError

    def start(self, context: bpy.types.Context, request: Request[Any]) -> set[str]:
        """Begin the job and drive it to its end, or hand over to :meth:`modal`."""
        choice = backend_choice(context)
        try:
            require_permission(choice)
            job = session.start_job(request, choice)
        except AddonError as error:
            return self.refuse(error)
        if bpy.app.background or not self.options.is_invoke:  # timers do not fire there
            return self._conclude(context, job)
        manager = context.window_manager
        self._timer = manager.event_timer_add(TICK_S, window=context.window)
        if self._job is None:  # else it goes on with another job, and listens already
            manager.modal_handler_add(self)
        self._job = job
        redraw_sidebars(context)
        return {"RUNNING_MODAL"}

    def modal(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """Look whether something arrived; Esc stops the job, everything else belongs to the artist."""
        job: Job[Any] | None = self._job
        assert job is not None
        if event.type == "ESC" and event.value == "PRESS":
            job.cancel()
        elif event.type != "TIMER":
            return {"PASS_THROUGH"}
        if job.update():
            redraw_sidebars(context)
            context.workspace.status_text_set(
                label_text(
                    "{title}: {stage} {fraction:.0%}   Esc: Stop",
                    title=job.request.title,
                    stage=label_text(job.progress.stage),
                    fraction=job.progress.fraction,
                )
            )
        if job.ending is None:
            return {"PASS_THROUGH"}
        if job.succeeded and context.mode != "OBJECT":
            # A head made in another mode could not be undone in one step.
            context.workspace.status_text_set(
                label_text("{title} is ready: leave this mode to place it", title=job.request.title)
            )
            return {"PASS_THROUGH"}
        self._clear(context)
        return self._conclude(context, job)

    def cancel(self, context: bpy.types.Context) -> None:
        """Blender takes the operator away (a window closes, a file is opened)."""
        if self._job is not None:
            self._job.cancel("the window was closed or another file was opened")
        self._clear(context)

    def refuse(self, error: AddonError) -> set[str]:
        """Tell the artist what is wrong."""
        session.note(error)
        session.notice = error.told(report_text)
        self.report({"ERROR"}, session.notice)
        return {"CANCELLED"}

    def _clear(self, context: bpy.types.Context) -> None:
        if self._timer is not None:
            context.window_manager.event_timer_remove(self._timer)
            self._timer = None
        if context.workspace is not None:
            context.workspace.status_text_set(None)
        redraw_sidebars(context)

    def _conclude(self, context: bpy.types.Context, job: Job[Any]) -> set[str]:
        from ..jobs import Failed, Finished, Stopped

        match job.wait() if job.ending is None else job.ending:
            case Finished(result):
                return self.finished(context, result)
            case Failed(error):
                return self.refuse(error)
            case Stopped(reason):
                text = report_text("{title} was stopped", title=job.request.title)
                text += f": {report_text(reason)}" if reason else ""
                session.notice = text
                self.report({"WARNING"}, text)
        return {"CANCELLED"}
