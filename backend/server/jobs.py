"""Jobs: a bounded queue, one worker thread, results that expire. Knows nothing of HTTP or photos."""

from __future__ import annotations

import logging
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field

from ..errors import Cancelled, LikenessError
from ..progress import Progress
from ..protocol import ErrorBody, ErrorCode, JobState, JobStatus, Stage
from .counters import Counters
from .limits import LONGEST_RETRY_SECONDS, JobLimits
from .waiting import WaitingLine

Work = Callable[[Progress], bytes]
"""Runs in the worker thread, reports progress (which raises ``Cancelled`` to stop it), returns a payload."""

log = logging.getLogger("likeness.jobs")


class QueueFull(LikenessError):
    """More work of this client is waiting than the server accepts from one."""

    code = ErrorCode.QUEUE_FULL


class ServerBusy(LikenessError):
    """More work of everybody is waiting than the server accepts."""

    code = ErrorCode.BUSY


class UnknownJob(LikenessError):
    """No such job, or it was forgotten."""

    code = ErrorCode.NOT_FOUND


class NotReady(LikenessError):
    """The job has not finished yet."""

    code = ErrorCode.NOT_READY


@dataclass(eq=False)
class _Job:
    """One job; every field is guarded by the queue's lock."""

    kind: str
    work: Work | None
    """Dropped as soon as it has run: it holds the photo."""
    size: int = 0
    """Bytes that ``work`` holds."""
    id: str = field(default_factory=lambda: uuid.uuid4().hex)
    state: JobState = JobState.QUEUED
    revision: int = 0
    stage: str = ""
    fraction: float = 0.0
    error: ErrorBody | None = None
    result: bytes | None = None
    started_at: float = 0.0
    ended_at: float = 0.0

    def status(self, ahead: int = 0) -> JobStatus:
        return JobStatus(
            self.id, self.kind, self.state, self.revision, self.stage, self.fraction, self.error, ahead
        )


class JobQueue:
    """Runs one job at a time in a thread of its own. All methods may be called from any thread."""

    def __init__(
        self,
        limits: JobLimits = JobLimits(),
        warm_up: Callable[[], None] | None = None,
        counters: Counters | None = None,
    ) -> None:
        self.counters = counters or Counters()
        self._limits = limits
        self._warm_up = warm_up
        self._jobs: dict[str, _Job] = {}
        self._waiting: WaitingLine[_Job] = WaitingLine()
        self._running = 0
        self._changed = threading.Condition()
        self._stopping = False
        self._worker = threading.Thread(target=self._run, name="likeness-worker", daemon=True)
        self._worker.start()

    def check_room(self, client: str = "", size: int = 0) -> None:
        """Raise what :meth:`submit` would; spares reading a body for nothing."""
        limits = self._limits
        with self._changed:
            if self._waiting.of(client) >= limits.max_waiting_per_client:
                raise QueueFull(
                    "Too many of your photos are waiting.", "Wait until one is done, then try again."
                )
            held = sum(job.size for job in self._waiting)
            if len(self._waiting) >= limits.max_waiting or held + size > limits.max_waiting_bytes:
                raise ServerBusy(
                    "The backend is busy with other photos.",
                    f"Try again in about {self.retry_after()} seconds.",
                )

    def retry_after(self) -> int:
        """Seconds after which there should be room again."""
        return min(LONGEST_RETRY_SECONDS, 1 + round(self.counters.seconds_per_job()))

    def submit(self, kind: str, work: Work, client: str = "", size: int = 0) -> JobStatus:
        """Queue work that holds ``size`` bytes; QueueFull or ServerBusy if too much is waiting already."""
        with self._changed:
            self._drop_expired()
            self.check_room(client, size)
            job = _Job(kind, work, size)
            self._jobs[job.id] = job
            self._waiting.push(client, job)
            self._changed.notify_all()
            return self._status(job)

    @property
    def idle_seconds(self) -> float:
        """How long there has been neither work nor anybody who asked for something."""
        with self._changed:
            return 0.0 if len(self._waiting) + self._running else self.counters.silent_seconds

    def metrics(self) -> str:
        """The page for a studio's monitoring."""
        with self._changed:
            waiting, clients, running = len(self._waiting), self._waiting.clients, self._running
        return self.counters.page(waiting=waiting, clients=clients, running=running)

    def wait(self, job_id: str, after: int, seconds: float) -> JobStatus:
        """The status once its revision exceeds ``after`` or it has ended, at the latest in ``seconds``."""
        deadline = time.monotonic() + seconds
        with self._changed:
            while True:
                job = self._find(job_id)
                left = deadline - time.monotonic()
                if job.revision > after or job.state.in_terminal_state or left <= 0 or self._stopping:
                    return self._status(job)
                self._changed.wait(min(left, self._seconds_left(job)))

    def result(self, job_id: str) -> bytes:
        """The payload of a finished job.

        Raises UnknownJob, NotReady while it is under way, or what the job failed with.
        """
        with self._changed:
            job = self._find(job_id)
            if job.error is not None:
                raise RemoteError(job.error)
            if job.result is None:
                raise NotReady("The result is not there yet.", "Ask again when the job has succeeded.")
            return job.result

    def forget(self, job_id: str) -> JobStatus:
        """Cancel the job if it is under way and drop everything of it."""
        with self._changed:
            job = self._find(job_id)
            self._end(job, JobState.CANCELLED)
            del self._jobs[job.id]
            return self._status(job)

    def stop(self, seconds: float = 0.0) -> bool:
        """Cancel everything and end the worker; whether it ended within ``seconds``."""
        with self._changed:
            self._stopping = True
            for job in self._jobs.values():
                self._end(job, JobState.CANCELLED)
            self._changed.notify_all()
        self._worker.join(seconds)
        return not self._worker.is_alive()

    def _find(self, job_id: str) -> _Job:
        self._drop_expired()
        if job_id not in self._jobs:
            raise UnknownJob("The backend does not know this job.", "Start it again.")
        return self._jobs[job_id]

    def _status(self, job: _Job) -> JobStatus:
        ahead = next((place for place, other in enumerate(self._waiting) if other is job), None)
        return job.status() if ahead is None else job.status(ahead + self._running)

    def _seconds_left(self, job: _Job) -> float:
        """Until a running job has taken too long."""
        if job.state is not JobState.RUNNING:
            return self._limits.max_seconds
        return max(0.0, job.started_at + self._limits.max_seconds - time.monotonic())

    def _drop_expired(self) -> None:
        """End what takes too long, forget what nobody fetched."""
        now = time.monotonic()
        for job in self._jobs.values():
            if job.state is JobState.RUNNING and self._seconds_left(job) <= 0:
                hint = "Try a smaller photo, or close programs that keep this computer busy."
                body = ErrorBody(ErrorCode.TIMED_OUT, "This photo took too long.", hint)
                self._end(job, JobState.FAILED, body)
        ended = [job for job in self._jobs.values() if job.state.in_terminal_state]
        ended.sort(key=lambda job: job.ended_at, reverse=True)
        for place, job in enumerate(ended):
            if place >= self._limits.max_finished or now - job.ended_at > self._limits.keep_seconds:
                del self._jobs[job.id]

    def _end(
        self, job: _Job, state: JobState, error: ErrorBody | None = None, result: bytes | None = None
    ) -> None:
        """The first end counts: a cancelled job that finishes afterwards stays cancelled."""
        if job.state.in_terminal_state:
            return
        job.state, job.error, job.result = state, error, result
        job.revision += 1
        job.ended_at = time.monotonic()
        job.work = None
        self._waiting.remove(job)
        self._changed.notify_all()
        self.counters.job_ended(job.kind, state, job.ended_at - job.started_at if job.started_at else 0.0)
        log.info("%s %s %s%s", job.kind, job.id, state, f" ({error.code})" if error else "")

    def _run(self) -> None:
        """The worker thread."""
        if self._warm_up is not None:
            _guarded(self._warm_up)
        while True:
            with self._changed:
                while not len(self._waiting) and not self._stopping:
                    self._changed.wait()
                if self._stopping:
                    return
                job = self._waiting.pop()
                work, job.work = job.work, None
                job.state, job.started_at = JobState.RUNNING, time.monotonic()
                self._running = 1
                for other in (job, *self._waiting):  # everybody's place has changed
                    other.revision += 1
                self._changed.notify_all()
            if work is not None:
                self._perform(job, work)
            with self._changed:
                self._running = 0

    def _perform(self, job: _Job, work: Work) -> None:
        """Run one job to its end, whatever that is."""

        def progress(stage: Stage, fraction: float) -> None:
            with self._changed:
                self._drop_expired()
                if job.state.in_terminal_state:
                    raise Cancelled
                job.stage, job.fraction = stage.value, fraction
                job.revision += 1
                self._changed.notify_all()

        results: list[bytes] = []
        error = _guarded(lambda: results.append(work(progress)))
        with self._changed:
            if error is None:
                self._end(job, JobState.SUCCEEDED, result=results[0])
            elif error.code is ErrorCode.CANCELLED:
                self._end(job, JobState.CANCELLED)
            else:
                self._end(job, JobState.FAILED, error)


class RemoteError(LikenessError):
    """An error that happened in a job, raised again for the one who asks for its result."""

    def __init__(self, body: ErrorBody) -> None:
        super().__init__(body.message, body.hint)
        self.code = body.code


def _guarded(action: Callable[[], None]) -> ErrorBody | None:
    """Run in the worker thread, which must outlive every fault; the fault as an error body."""
    try:
        action()
    except LikenessError as error:
        return error.to_body()
    except MemoryError:
        log.exception("out of memory")
        return ErrorBody(
            ErrorCode.INTERNAL, "There is not enough memory for this photo.", "Try a smaller photo."
        )
    except Exception:  # the only thread that works must survive what nobody foresaw
        log.exception("a fault of Likeness itself")
        hint = "Try another photo. The log of the backend says what happened."
        return ErrorBody(ErrorCode.INTERNAL, "Likeness ran into a fault of its own.", hint)
    return None
