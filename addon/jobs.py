"""One job at the backend, driven by a thread of its own; the main thread only reads what arrived.

The contract: the thread never touches bpy and hands over plain data; exactly one of
:class:`Finished`, :class:`Failed` or :class:`Stopped` ends a job; reading never waits, unless a
script asks for it with :meth:`Job.wait`.
"""

from __future__ import annotations

import contextlib
import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from ..backend.protocol import JobState, JobStatus
from .client import Client
from .errors import AddonError, BackendUnreachable, ResultBroken
from .messages import explain

POLL_WAIT_S = 1.0
"""How long the backend may hold an answer back; a cancelled job ends there at most this much later."""

R = TypeVar("R")


class Connection(Protocol):
    """A way to the backend."""

    def open(self, give_up: threading.Event) -> Client:
        """A client that can be asked now; may start a process and wait for it."""
        ...

    def explain(self, error: BackendUnreachable) -> AddonError:
        """The best account of why nobody answers (a process that died leaves a log)."""
        ...


@dataclass(frozen=True)
class Request(Generic[R]):
    """What to ask and how to read the answer; both functions run in the job's thread."""

    title: str
    submit: Callable[[Client], JobStatus]
    decode: Callable[[bytes], R]


@dataclass(frozen=True)
class Progressed:
    """The job went on: ``stage`` is shown to the artist, ``fraction`` is 0..1."""

    stage: str
    fraction: float


@dataclass(frozen=True)
class Finished(Generic[R]):
    """The job succeeded."""

    result: R


@dataclass(frozen=True)
class Failed:
    """The job failed."""

    error: AddonError


@dataclass(frozen=True)
class Stopped:
    """The job was cancelled; ``reason`` is empty if the artist did it."""

    reason: str = ""


Ending = Finished[R] | Failed | Stopped


class Job(Generic[R]):
    """A request under way."""

    def __init__(self, request: Request[R], connection: Connection) -> None:
        self.request = request
        self.progress = Progressed("Starting backend", 0.0)
        self.ending: Ending[R] | None = None
        self._connection = connection
        self._events: queue.SimpleQueue[Progressed | Finished[R] | Failed] = queue.SimpleQueue()
        self._give_up = threading.Event()
        self._thread = threading.Thread(target=self._run, name="likeness-job", daemon=True)
        self._thread.start()

    @property
    def state(self) -> JobState:
        """The job's state as the main thread has seen it so far."""
        match self.ending:
            case None:
                return JobState.RUNNING
            case Finished():
                return JobState.SUCCEEDED
            case Stopped():
                return JobState.CANCELLED
            case _:
                return JobState.FAILED

    def cancel(self, reason: str = "") -> None:
        """Stop at once for the artist; the thread tells the backend and throws the rest away."""
        if self.ending is None:
            self.ending = Stopped(reason)
            self._give_up.set()

    def update(self) -> bool:
        """Take in what arrived, without waiting; whether anything changed."""
        thread_ended = not self._thread.is_alive()  # asked before the queue is emptied
        changed = False
        while self.ending is None:
            try:
                event = self._events.get_nowait()
            except queue.Empty:
                break
            changed = True
            if isinstance(event, Progressed):
                self.progress = event
            else:
                self.ending = event
        if self.ending is None and thread_ended:
            self.ending = Failed(_thread_fault())
            changed = True
        return changed

    def wait(self) -> Ending[R]:
        """Block until the end; for scripts and background mode."""
        self._thread.join()
        self.update()
        assert self.ending is not None
        return self.ending

    def _run(self) -> None:
        try:
            result = self._ask()
        except AddonError as error:
            self._events.put(Failed(error))
        else:
            if result is not None:
                self._events.put(Finished(result))

    def _ask(self) -> R | None:
        """Submit, follow, fetch and decode; None if the job was cancelled."""
        client = self._connection.open(self._give_up)
        if self._give_up.is_set():
            return None
        try:
            status = self.request.submit(client)
            try:
                status = self._follow(client, status)
                if self._give_up.is_set():
                    return None
                self._events.put(Progressed("Receiving result", 1.0))
                data = client.result(status)
            finally:
                with contextlib.suppress(AddonError):  # it forgets by itself after a while
                    client.forget(status)
        except BackendUnreachable as error:
            raise self._connection.explain(error) from error
        return self.request.decode(data)

    def _follow(self, client: Client, status: JobStatus) -> JobStatus:
        """Poll until the job is over or given up; raises what the job failed with."""
        while not status.state.in_terminal_state:
            self._events.put(Progressed(status.stage or "Waiting", min(max(status.fraction, 0.0), 1.0)))
            if self._give_up.is_set():
                return status
            status = client.poll(status, POLL_WAIT_S)
        if status.state is JobState.SUCCEEDED or self._give_up.is_set():
            return status
        if status.error is not None:
            raise explain(status.error)
        raise ResultBroken("The backend stopped the job", "Start it again")


def _thread_fault() -> AddonError:
    return AddonError("Likeness ran into a fault of its own", "Try again; Blender's console says more")
