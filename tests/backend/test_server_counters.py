"""Counters by a clock of our own."""

from __future__ import annotations

from backend.protocol import JobState
from backend.server.counters import FIRST_GUESS_SECONDS, Counters


def test_the_page_has_a_line_for_everything() -> None:
    now = [0.0]
    counters = Counters(lambda: now[0])
    assert counters.seconds_per_job() == FIRST_GUESS_SECONDS
    counters.job_ended("measure", JobState.FAILED, 2.0)
    counters.job_ended("measure", JobState.FAILED, 4.0)
    counters.job_ended("refine", JobState.SUCCEEDED, 0.5)
    counters.answered(200)
    now[0] = 90.0
    assert counters.seconds_per_job() == 6.5 / 3
    samples = [line for line in counters.page(waiting=3, clients=2, running=1).splitlines() if line[0] != "#"]
    assert samples == [
        'likeness_jobs_total{kind="measure",state="failed"} 2',
        'likeness_jobs_total{kind="refine",state="succeeded"} 1',
        'likeness_job_seconds_total{kind="measure"} 6',
        'likeness_job_seconds_total{kind="refine"} 0.5',
        'likeness_answers_total{status="200"} 1',
        "likeness_jobs_waiting 3",
        "likeness_jobs_running 1",
        "likeness_clients_waiting 2",
        "likeness_up_seconds 90",
    ]


def test_silence_counts_from_the_last_word() -> None:
    now = [0.0]
    counters = Counters(lambda: now[0])
    now[0] = 5.0
    assert counters.silent_seconds == 5.0
    counters.heard()
    now[0] = 7.0
    assert counters.silent_seconds == 2.0
