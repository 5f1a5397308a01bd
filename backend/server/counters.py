"""What a studio's monitoring asks: how much was done, refused and waited for, as plain text."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable

from ..protocol import JobState

TEXT_FORMAT = "text/plain; version=0.0.4; charset=utf-8"
"""Media type of Prometheus' text format (prometheus.io, "Exposition formats")."""

FIRST_GUESS_SECONDS = 10.0
"""How long a job takes, until one has ended."""

Sample = tuple[str, float]
"""Labels and value."""


class Counters:
    """Counts since the start. All methods may be called from any thread.

    Labels are names of our own enumerations and routes, never anything that came in, so that nothing
    has to be escaped and nobody can make the page grow.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._started = self._last_request = clock()
        self._jobs: Counter[tuple[str, str]] = Counter()
        self._seconds: Counter[str] = Counter()
        self._answers: Counter[int] = Counter()

    def job_ended(self, kind: str, state: JobState, seconds: float) -> None:
        """A job is over; ``seconds`` of work, 0 if it never ran."""
        with self._lock:
            self._jobs[kind, state.value] += 1
            self._seconds[kind] += seconds  # type: ignore[assignment]  # a Counter adds floats as well

    def answered(self, status: int) -> None:
        """A request was answered."""
        with self._lock:
            self._answers[status] += 1

    def heard(self) -> None:
        """Somebody who may speak has said something."""
        self._last_request = self._clock()

    @property
    def silent_seconds(self) -> float:
        """Since somebody who may speak said something, or since the start."""
        return self._clock() - self._last_request

    def seconds_per_job(self) -> float:
        """Mean time of the jobs so far."""
        with self._lock:
            count = sum(self._jobs.values())
            return sum(self._seconds.values()) / count if count else FIRST_GUESS_SECONDS

    def page(self, *, waiting: int, clients: int, running: int) -> str:
        """Everything in Prometheus' text format."""
        with self._lock:
            jobs = [(f'kind="{kind}",state="{state}"', n) for (kind, state), n in sorted(self._jobs.items())]
            seconds = [(f'kind="{kind}"', total) for kind, total in sorted(self._seconds.items())]
            answers = [(f'status="{status}"', n) for status, n in sorted(self._answers.items())]
        return "".join(
            (
                _family("jobs_total", "counter", "Jobs that are over", jobs),
                _family("job_seconds_total", "counter", "Time spent on jobs", seconds),
                _family("answers_total", "counter", "Requests answered, by HTTP status", answers),
                _family("jobs_waiting", "gauge", "Jobs in the queue", [("", waiting)]),
                _family("jobs_running", "gauge", "Jobs under way", [("", running)]),
                _family("clients_waiting", "gauge", "Clients with jobs in the queue", [("", clients)]),
                _family("up_seconds", "gauge", "Since the start", [("", self._clock() - self._started)]),
            )
        )


def _family(name: str, kind: str, words: str, samples: Iterable[Sample]) -> str:
    """One metric with its description."""
    name = f"likeness_{name}"
    lines = [f"# HELP {name} {words}.", f"# TYPE {name} {kind}"]
    lines += [f"{name}{{{labels}}} {value:g}" if labels else f"{name} {value:g}" for labels, value in samples]
    return "\n".join(lines) + "\n"
