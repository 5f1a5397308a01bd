"""What lives as long as Blender runs: the backend process, the job under way, the last results."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from .errors import AddonError, BackendUnreachable, Busy, FileUnusable
from .installation import SOURCE_ROOT, BackendChoice, find_interpreter, require_interpreter
from .kept import Kept
from .state import BackendState, backend_state

if TYPE_CHECKING:  # Blender's start waits for this module, and needs none of these
    from ..backend.protocol import BackendInfo
    from .backend_process import BackendProcess
    from .head_data import HeadData
    from .installation import Glance
    from .jobs import Job, Request
    from .measured import MeasuredFace
    from .setup_run import SetupRun

KEPT_RESULTS = 4
"""A head is about 40 MB; redo and a second *Build Head* need the last ones only."""

KEPT_ERRORS = 8

R = TypeVar("R")


@dataclass(frozen=True)
class ErrorNote:
    """An error that the artist has seen."""

    at: datetime
    error: AddonError


class Session:
    """The add-on's state at run time. Used from the main thread, except where a lock says otherwise."""

    def __init__(self) -> None:
        self.process: BackendProcess | None = None
        self.job: Job[Any] | None = None
        self.setup: SetupRun | None = None
        """The setup of the backend under way, or the last one."""
        self.notice = ""
        """Last thing that the artist should know and nobody could report (a file was opened)."""
        self.glance: Glance | None = None
        """What the disk said last; :mod:`.watch` looks again while it is drawn."""
        self.was_drawn = False
        """Whether the glance was drawn since."""
        self.info: BackendInfo | None = None
        """What the backend said of itself before the last job."""
        self.errors: deque[ErrorNote] = deque(maxlen=KEPT_ERRORS)
        """For the report; the newest last."""
        self.photos: deque[Path] = deque(maxlen=KEPT_ERRORS)
        """Whose names must not be in the report."""
        self.heads: Kept[HeadData] = Kept(KEPT_RESULTS)
        self.measures: Kept[MeasuredFace] = Kept(KEPT_RESULTS)
        self._process_lock = threading.Lock()

    # Backend -----------------------------------------------------------------------------------

    def state(self, choice: BackendChoice) -> BackendState:
        """What the backend is doing, as disk and process say now."""
        return self._state(choice, self.process is not None or find_interpreter(choice) is not None)

    def drawn_state(self) -> BackendState:
        """The same for drawing, which must not wait for a disk: from the last glance at it."""
        self.was_drawn = True
        glance = self.glance
        if glance is None:  # for a moment after the start; the next glance is on its way
            return BackendState.STOPPED
        return self._state(glance.choice, self.process is not None or glance.installed)

    def _state(self, choice: BackendChoice, installed: bool) -> BackendState:
        process = self.process
        view = None if process is None else process.view
        return backend_state(remote=choice.is_remote, installed=installed, process=view)

    @property
    def setting_up(self) -> bool:
        """Whether a setup is under way."""
        return self.setup is not None and self.setup.ended is None

    def ensure_process(
        self, choice: BackendChoice, give_up: threading.Event = threading.Event()
    ) -> BackendProcess:
        """The running backend, started if there is none or its interpreter changed. Any thread.

        Nothing starts for a job that was given up: a stopped backend stays stopped.
        """
        from .backend_process import BackendProcess, Launch

        interpreter = require_interpreter(choice)
        with self._process_lock:
            if give_up.is_set():
                raise BackendUnreachable(
                    "The job was stopped before the backend was started", "Start it again"
                )
            process = self.process
            if process is not None and process.exit_code is None and not process.stopped_by_us:
                if process.launch.interpreter == interpreter:
                    return process
                process.stop()
            launch = Launch(interpreter, SOURCE_ROOT, choice.log_path, choice.idle_minutes)
            self.process = BackendProcess(launch)
            return self.process

    def stop_backend(self, *, wait: bool) -> None:
        """End the process; without ``wait`` a thread does it, so that the interface does not stall."""
        self.cancel_job("the backend was stopped")
        with self._process_lock:
            process = self.process
            if process is None:
                return
            process.stopped_by_us = True
        if wait:
            process.stop()
        else:
            threading.Thread(target=process.stop, name="likeness-stop", daemon=True).start()

    # Jobs --------------------------------------------------------------------------------------

    def start_job(self, request: Request[R], choice: BackendChoice) -> Job[R]:
        """Begin a job; Busy if one is under way, BackendUnreachable for a bad address of a server."""
        from .connections import connection
        from .jobs import Job

        if self.job is not None and self.job.ending is None:
            raise Busy(
                "Likeness is still working on {title}",
                "Wait until it is done, or press Esc to stop it",
                title=self.job.request.title,
            )
        self.notice = ""
        job = Job(request, connection(self, choice))
        self.job = job
        return job

    def error_lines(self) -> list[str]:
        """The last errors as the report tells them, in English."""
        return [f"{note.at:%H:%M:%S} {type(note.error).__name__}: {note.error.text}" for note in self.errors]

    def note(self, error: AddonError) -> None:
        """Remember an error that the artist is told, for the report."""
        self.errors.append(ErrorNote(datetime.now(), error))  # the artist's own clock

    def cancel_job(self, reason: str = "") -> bool:
        """Stop the job under way, if there is one; whether there was one."""
        if self.job is None or self.job.ending is not None:
            return False
        self.job.cancel(reason)
        return True


def read_photo(path: Path, max_bytes: int) -> bytes:
    """The bytes of a photo file; FileUnusable with the reason if there are none."""
    if not path.is_file():
        raise FileUnusable("There is no photo at {path}", "Choose a JPEG, PNG or WebP file", path=path)
    try:
        if path.stat().st_size > max_bytes:
            raise FileUnusable(
                "{name} is larger than {size} MB",
                "Save the photo as a JPEG and try again",
                name=path.name,
                size=max_bytes // 2**20,
            )
        return path.read_bytes()
    except OSError as error:
        raise FileUnusable(
            "{name} cannot be read ({reason})",
            "Check that you may open the file",
            name=path.name,
            reason=error.strerror,
        ) from error


session = Session()
"""The one session of this Blender."""
