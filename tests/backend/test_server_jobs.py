"""The queue: order, bounds, cancel, time limit, expiry, and a worker that survives everything."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import pytest

from backend.errors import Cancelled, NoFaceFound
from backend.protocol import ErrorCode, JobState, JobStatus, Stage
from backend.server.jobs import JobQueue, NotReady, QueueFull, RemoteError, ServerBusy, UnknownJob
from backend.server.limits import JobLimits

PATIENCE = 10.0
"""Seconds after which a test gives up; none waits that long when all is well."""


@pytest.fixture
def make_queue() -> Iterator[Callable[..., JobQueue]]:
    queues: list[JobQueue] = []

    def make(**limits: float) -> JobQueue:
        queues.append(JobQueue(JobLimits(**limits)))  # type: ignore[arg-type]
        return queues[-1]

    yield make
    for queue in queues:
        assert queue.stop(PATIENCE)


def ended(queue: JobQueue, job: JobStatus) -> JobStatus:
    """The job's last status, by long polls."""
    while not job.state.in_terminal_state:
        before = job
        job = queue.wait(job.id, job.revision, PATIENCE)
        assert job.revision > before.revision, "nothing happened"
    return job


class Gate:
    """Work that waits until it is let go, reporting progress meanwhile."""

    def __init__(self, cooperative: bool = True) -> None:
        self.entered, self.open, self.left = threading.Event(), threading.Event(), threading.Event()
        self.cooperative = cooperative

    def __call__(self, progress) -> bytes:
        try:
            self.entered.set()
            while not self.open.wait(0.002):
                if self.cooperative:
                    progress(Stage.FIT, 0.5)
            return b"gate"
        finally:
            self.left.set()


def test_work_becomes_a_result(make_queue) -> None:
    queue = make_queue()
    seen: list[str] = []

    def work(progress) -> bytes:
        progress(Stage.DETECT, 0.25)
        seen.append(queue.wait(job_id[0], -1, 0).stage)
        return b"done"

    gate = Gate()
    queue.submit("gate", gate)
    job = queue.submit("test", work)
    job_id = [job.id]
    assert job.state is JobState.QUEUED
    gate.open.set()
    assert ended(queue, job).state is JobState.SUCCEEDED
    assert queue.result(job.id) == b"done"
    assert seen == ["Finding face"]


def test_jobs_run_one_at_a_time_and_in_order(make_queue) -> None:
    queue = make_queue()
    running: list[int] = []
    order: list[int] = []

    def work(number: int):
        def run(progress) -> bytes:
            running.append(number)
            assert len(running) == 1
            order.append(number)
            running.remove(number)
            return b""

        return run

    jobs = [queue.submit("test", work(i)) for i in range(6)]
    assert all(ended(queue, job).state is JobState.SUCCEEDED for job in jobs[-4:])
    assert order == list(range(6))


@pytest.mark.parametrize(
    ("limits", "error"),
    [
        ({"max_waiting": 2}, ServerBusy),
        ({"max_waiting_per_client": 2}, QueueFull),
        ({"max_waiting_bytes": 250}, ServerBusy),
    ],
)
def test_a_full_queue_refuses(make_queue, limits: dict[str, int], error: type[Exception]) -> None:
    queue, gate = make_queue(**limits), Gate()
    first = queue.submit("gate", gate, size=100)
    assert gate.entered.wait(PATIENCE)
    queue.submit("test", gate, size=100)
    queue.submit("test", gate, size=100)
    with pytest.raises(error):
        queue.submit("test", gate, size=100)
    assert queue.retry_after() >= 1
    gate.open.set()
    ended(queue, first)


def test_clients_take_turns(make_queue) -> None:
    """Somebody with one photo waits for one photo of the one with many."""
    queue, gate, order = make_queue(), Gate(), []
    queue.submit("gate", gate, "many")
    assert gate.entered.wait(PATIENCE)

    def work(name: str):
        return lambda progress: order.append(name) or b""

    jobs = [queue.submit("test", work(f"many {i}"), "many") for i in range(3)]
    jobs.append(queue.submit("test", work("one"), "one"))
    assert [job.ahead for job in jobs] == [1, 2, 3, 2]
    assert queue.wait(jobs[2].id, -1, 0).ahead == 4  # the newcomer came before it
    gate.open.set()
    for job in jobs:
        ended(queue, job)
    assert order == ["many 0", "one", "many 1", "many 2"]


def test_who_waits_hears_that_the_queue_moves(make_queue) -> None:
    queue, gate, second = make_queue(), Gate(), Gate()
    queue.submit("gate", gate)
    assert gate.entered.wait(PATIENCE)
    queue.submit("gate", second)
    last = queue.submit("test", lambda progress: b"")
    gate.open.set()
    moved = queue.wait(last.id, last.revision, PATIENCE)
    assert (last.ahead, moved.ahead) == (2, 1)
    second.open.set()


def test_idleness_counts_from_the_last_question(make_queue) -> None:
    queue, gate = make_queue(), Gate()
    job = queue.submit("gate", gate)
    assert gate.entered.wait(PATIENCE)
    assert queue.idle_seconds == 0.0
    gate.open.set()
    ended(queue, job)
    ended(queue, queue.submit("test", lambda progress: b""))
    while queue.idle_seconds == 0.0:  # the worker is about to put the job down
        pass
    before = queue.idle_seconds
    queue.counters.heard()
    assert queue.idle_seconds < before + PATIENCE


def test_cancelling_stops_running_work(make_queue) -> None:
    queue, gate = make_queue(), Gate()
    job = queue.submit("gate", gate)
    assert gate.entered.wait(PATIENCE)
    assert queue.forget(job.id).state is JobState.CANCELLED
    assert gate.left.wait(PATIENCE)
    with pytest.raises(UnknownJob):
        queue.wait(job.id, -1, 0)


def test_cancelled_work_that_waits_never_runs(make_queue) -> None:
    queue, gate, never = make_queue(), Gate(), Gate()
    queue.submit("gate", gate)
    waiting = queue.submit("never", never)
    queue.forget(waiting.id)
    gate.open.set()
    last = queue.submit("last", lambda progress: b"")
    ended(queue, last)
    assert not never.entered.is_set()


def test_work_that_raises_cancelled_is_cancelled(make_queue) -> None:
    queue = make_queue()

    def work(progress) -> bytes:
        raise Cancelled

    assert ended(queue, queue.submit("test", work)).state is JobState.CANCELLED


def test_too_slow_work_fails_with_a_reason(make_queue) -> None:
    queue, gate = make_queue(max_seconds=0.05), Gate()
    job = ended(queue, queue.submit("gate", gate))
    assert job.state is JobState.FAILED
    assert job.error is not None
    assert job.error.code is ErrorCode.TIMED_OUT
    assert gate.left.wait(PATIENCE)


def test_work_that_never_reports_times_out_for_the_artist(make_queue) -> None:
    queue, gate = make_queue(max_seconds=0.05), Gate(cooperative=False)
    job = ended(queue, queue.submit("gate", gate))
    assert job.error is not None
    assert job.error.code is ErrorCode.TIMED_OUT
    gate.open.set()
    last = queue.submit("last", lambda progress: b"")
    assert ended(queue, last).state is JobState.SUCCEEDED
    assert queue.wait(job.id, -1, 0).state is JobState.FAILED


def test_errors_keep_their_words(make_queue) -> None:
    queue = make_queue()

    def work(progress) -> bytes:
        raise NoFaceFound("No face.", "Take another photo.")

    job = ended(queue, queue.submit("test", work))
    assert job.error is not None
    assert (job.error.code, job.error.hint) == (ErrorCode.NO_FACE, "Take another photo.")
    with pytest.raises(RemoteError) as caught:
        queue.result(job.id)
    assert caught.value.to_body() == job.error


@pytest.mark.parametrize("fault", [ZeroDivisionError("secret words"), MemoryError()])
def test_faults_do_not_end_the_worker_nor_leak(make_queue, fault: BaseException) -> None:
    queue = make_queue()

    def work(progress) -> bytes:
        raise fault

    job = ended(queue, queue.submit("test", work))
    assert job.error is not None
    assert job.error.code is ErrorCode.INTERNAL
    assert "secret" not in job.error.message + job.error.hint
    assert ended(queue, queue.submit("test", lambda progress: b"")).state is JobState.SUCCEEDED


def test_a_warm_up_that_fails_does_not_end_the_worker() -> None:
    def warm_up() -> None:
        raise NoFaceFound("x")

    queue = JobQueue(JobLimits(), warm_up)
    assert ended(queue, queue.submit("test", lambda progress: b"")).state is JobState.SUCCEEDED
    assert queue.stop(PATIENCE)


def test_results_expire(make_queue) -> None:
    queue = make_queue(keep_seconds=0.0)
    job = queue.submit("test", lambda progress: b"x")
    with pytest.raises(UnknownJob):
        while True:
            queue.wait(job.id, -1, 0.01)


def test_only_the_latest_results_are_kept(make_queue) -> None:
    queue = make_queue(max_finished=2)
    jobs = []
    for _ in range(3):
        jobs.append(queue.submit("test", lambda progress: b"x"))
        ended(queue, jobs[-1])
    with pytest.raises(UnknownJob):
        queue.result(jobs[0].id)
    assert queue.result(jobs[1].id) == queue.result(jobs[2].id) == b"x"


def test_an_unfinished_job_has_no_result(make_queue) -> None:
    queue, gate = make_queue(), Gate()
    job = queue.submit("gate", gate)
    with pytest.raises(NotReady):
        queue.result(job.id)
    gate.open.set()


def test_the_photo_is_let_go_when_the_work_is_done(make_queue) -> None:
    import gc
    import weakref

    class Photo:
        pass

    queue = make_queue()
    photo = Photo()
    gone = weakref.ref(photo)
    job = queue.submit("test", lambda progress, held=photo: b"x")
    del photo
    ended(queue, job)
    ended(queue, queue.submit("next", lambda progress: b""))
    gc.collect()
    assert gone() is None


def test_stopping_answers_who_waits() -> None:
    queue, gate = JobQueue(JobLimits()), Gate()
    job = queue.submit("gate", gate)
    assert gate.entered.wait(PATIENCE)
    answers: list[JobStatus] = []
    poll = threading.Thread(target=lambda: answers.append(queue.wait(job.id, 10**9, PATIENCE)))
    poll.start()
    assert queue.stop(PATIENCE)
    poll.join(PATIENCE)
    assert [answer.state for answer in answers] == [JobState.CANCELLED]
