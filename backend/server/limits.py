"""How much the server takes, from whom, and for how long."""

from __future__ import annotations

from dataclasses import dataclass

MAX_CONNECTIONS = 32
"""Open at once. A long poll holds a thread of Starlette's pool, which has 40."""

FIRST_REQUEST_SECONDS = 10.0
"""A connection that has asked for nothing by then is closed: 32 silent ones would shut everybody out."""

BODY_PAUSE_SECONDS = 20.0
"""Longest silence within a photo that is being sent."""

LONGEST_RETRY_SECONDS = 120
"""Nobody is told to come back later than this."""


@dataclass(frozen=True)
class JobLimits:
    """How much the queue takes and for how long."""

    max_waiting: int = 8
    max_waiting_per_client: int = 8
    max_waiting_bytes: int = 1024**3
    """Photos and renders that wait or arrive are held in memory."""
    max_seconds: float = 300.0
    """A job that takes longer has failed; about a hundred times what a photo needs on a slow CPU."""
    keep_seconds: float = 600.0
    """A result that nobody fetched by then is dropped."""
    max_finished: int = 4
    """Older results are dropped first: each may hold tens of megabytes."""


STUDIO_LIMITS = JobLimits(max_waiting=64, max_finished=32)
"""For a server with several artists. A head is about 40 MB, so finished ones take 1.3 GB at most."""


@dataclass(frozen=True)
class PaceLimits:
    """How fast one address may ask. An add-on asks about three times a second while a job runs."""

    per_second: float = 30.0
    burst: float = 120.0
    max_addresses: int = 1024
    """The address that was silent longest is forgotten first."""
