"""One job at the backend, driven by a thread of its own; the main thread only reads what arrived.

The contract: the thread never touches bpy and hands over plain data; exactly one of
:class:`Finished`, :class:`Failed` or :class:`Stopped` ends a job; reading never waits, unless a
script asks for it with :meth:`Job.wait`.
"""

from __future__ import annotations

import contextlib
import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from ..backend.protocol import JobState, JobStatus
from .client import Client
from .errors import AddonError, BackendUnreachable, ResultBroken
from .messages import explain

POLL_WAIT_S = 1.0
"""How long the backend may hold an answer back; a cancelled job ends there at most this much later."""

RECONNECT_S = 20.0
"""How long a broken connection is tried again: a laptop that wakes up or changes networks is back by then."""
RECONNECT_PAUSE_S = 0.5

A = TypeVar("A")
R = TypeVar("R")


class Connection(Protocol):
    """A way to the backend."""

    def open(self, give_up: threading.Event) -> Client:
        """A client that can be asked now; may start a process and wait for it."""
        ...

    def explain(self, error: BackendUnreachable) -> AddonError:
        """The best account of why nobody answers (a process that died leaves a log)."""
        ...

    def may_return(self) -> bool:
        """Whether a backend that does not answer may do so soon, and still know the job."""
        ...

    def has_gone_to_rest(self) -> bool:
        """Whether the backend has ended in good order, so that :meth:`open` starts a new one."""
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
    ahead: int = 0
    """Jobs that come first."""


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
        self.progress = Progressed("Starting", 0.0)
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

    @property
    def succeeded(self) -> bool:
        """Whether there is a result."""
        return isinstance(self.ending, Finished)

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
            client, status = self._submit(client)
            try:
                status = self._follow(client, status)
                if self._give_up.is_set():
                    return None
                self._events.put(Progressed("Receiving result", 1.0))
                data = self._patiently(client.result, status)
            finally:
                with contextlib.suppress(AddonError):  # it forgets by itself after a while
                    client.forget(status)
        except BackendUnreachable as error:
            raise self._connection.explain(error) from error
        return self.request.decode(data)

    def _submit(self, client: Client) -> tuple[Client, JobStatus]:
        """Hand the job in, and once more if the backend went to rest just now."""
        try:
            return client, self.request.submit(client)
        except BackendUnreachable:
            if not self._connection.has_gone_to_rest():
                raise
        client = self._connection.open(self._give_up)
        return client, self.request.submit(client)

    def _patiently(self, ask: Callable[[JobStatus], A], status: JobStatus) -> A:
        """Ask about a job, for a while again and again should the connection break: the job goes on."""
        deadline = time.monotonic() + RECONNECT_S
        while True:
            try:
                return ask(status)
            except BackendUnreachable:
                over = self._give_up.is_set() or time.monotonic() > deadline
                if over or not self._connection.may_return():
                    raise
                self._give_up.wait(RECONNECT_PAUSE_S)

    def _follow(self, client: Client, status: JobStatus) -> JobStatus:
        """Poll until the job is over or given up; raises what the job failed with."""
        while not status.state.in_terminal_state:
            fraction = min(max(status.fraction, 0.0), 1.0)
            self._events.put(Progressed(status.stage or "Waiting", fraction, status.ahead))
            if self._give_up.is_set():
                return status
            status = self._patiently(lambda last: client.poll(last, POLL_WAIT_S), status)
        if status.state is JobState.SUCCEEDED or self._give_up.is_set():
            return status
        if status.error is not None:
            raise explain(status.error)
        raise ResultBroken("The backend stopped the job", "Start it again")


def _thread_fault() -> AddonError:
    return AddonError(
        "Likeness ran into a fault of its own",
        "Try again; if it stays, press Copy Report in Preferences > Add-ons > Likeness and ask for help",
    )
