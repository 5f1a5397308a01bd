"""What lives as long as Blender runs: the backend process, the job under way, the last results."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from .backend_process import BackendProcess, Launch
from .client import Address, Client
from .errors import AddonError, BackendUnreachable, Busy, FileUnusable
from .head_data import HeadData
from .installation import SOURCE_ROOT, BackendChoice, BackendKind, find_interpreter, require_interpreter
from .jobs import Connection, Job, Request
from .kept import Kept
from .measured import MeasuredFace
from .state import BackendState, ProcessView, backend_state

KEPT_RESULTS = 4
"""A head is about 40 MB; redo and a second *Build Head* need the last ones only."""

DEATH_WAIT_S = 1.0
"""A connection breaks a moment before the operating system reports the process as gone."""

R = TypeVar("R")


@dataclass(frozen=True)
class RemoteConnection:
    """A server that somebody else runs."""

    address: Address

    def open(self, give_up: threading.Event) -> Client:
        """A client, after a look whether the server speaks our protocol."""
        client = Client(self.address)
        client.info()
        return client

    def explain(self, error: BackendUnreachable) -> AddonError:
        """Nothing more is known about a server."""
        return error


class Session:
    """The add-on's state at run time. Used from the main thread, except where a lock says otherwise."""

    def __init__(self) -> None:
        self.process: BackendProcess | None = None
        self.job: Job[Any] | None = None
        self.notice = ""
        """Last thing that the artist should know and nobody could report (a file was opened)."""
        self.heads: Kept[HeadData] = Kept(KEPT_RESULTS)
        self.measures: Kept[MeasuredFace] = Kept(KEPT_RESULTS)
        self._process_lock = threading.Lock()

    # Backend -----------------------------------------------------------------------------------

    def state(self, choice: BackendChoice) -> BackendState:
        """What the backend is doing; cheap enough for drawing a panel."""
        process = self.process
        view = (
            None if process is None else ProcessView(process.ready, process.exit_code, process.stopped_by_us)
        )
        return backend_state(
            remote=choice.kind is BackendKind.REMOTE,
            installed=process is not None or find_interpreter(choice) is not None,
            process=view,
        )

    def ensure_process(
        self, choice: BackendChoice, give_up: threading.Event = threading.Event()
    ) -> BackendProcess:
        """The running backend, started if there is none or its interpreter changed. Any thread.

        Nothing starts for a job that was given up: a stopped backend stays stopped.
        """
        interpreter = require_interpreter(choice)
        with self._process_lock:
            if give_up.is_set():
                raise BackendUnreachable("The job was stopped before the backend was started")
            process = self.process
            if process is not None and process.exit_code is None and not process.stopped_by_us:
                if process.launch.interpreter == interpreter:
                    return process
                process.stop()
            self.process = BackendProcess(Launch(interpreter, SOURCE_ROOT, choice.log_path))
            return self.process

    def connection(self, choice: BackendChoice) -> Connection:
        """The way to the backend that the preferences ask for; BackendUnreachable for a bad address."""
        if choice.kind is BackendKind.REMOTE:
            return RemoteConnection(Address.from_url(choice.url, choice.token))
        require_interpreter(choice)
        return LocalConnection(self, choice)

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
        """Begin a job; Busy if one is under way."""
        if self.job is not None and self.job.ending is None:
            raise Busy(
                f"Likeness is still working on {self.job.request.title}",
                "Wait until it is done, or press Esc to stop it",
            )
        self.notice = ""
        job = Job(request, self.connection(choice))
        self.job = job
        return job

    def cancel_job(self, reason: str = "") -> bool:
        """Stop the job under way, if there is one; whether there was one."""
        if self.job is None or self.job.ending is not None:
            return False
        self.job.cancel(reason)
        return True


@dataclass(frozen=True)
class LocalConnection:
    """The backend on this computer, started when needed."""

    session: Session = field(repr=False)
    choice: BackendChoice

    def open(self, give_up: threading.Event) -> Client:
        """A client of the running backend; waits for a start."""
        return Client(self.session.ensure_process(self.choice, give_up).wait_ready(give_up))

    def explain(self, error: BackendUnreachable) -> AddonError:
        """The process's own end, if that is why nobody answers."""
        process = self.session.process
        if process is not None and process.ended_within(DEATH_WAIT_S) and not process.stopped_by_us:
            return process.death()
        return error


def read_photo(path: Path, max_bytes: int) -> bytes:
    """The bytes of a photo file; FileUnusable with the reason if there are none."""
    if not path.is_file():
        raise FileUnusable(f"There is no photo at {path}", "Choose a JPEG, PNG or WebP file")
    try:
        if path.stat().st_size > max_bytes:
            raise FileUnusable(
                f"{path.name} is larger than {max_bytes // 2**20} MB",
                "Save the photo as a JPEG and try again",
            )
        return path.read_bytes()
    except OSError as error:
        raise FileUnusable(
            f"{path.name} cannot be read ({error.strerror})", "Check that you may open the file"
        ) from error


session = Session()
"""The one session of this Blender."""
