"""How long work tells where it is, and how it is stopped."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import perf_counter

from .protocol import Stage

Progress = Callable[[Stage, float], None]
"""Called with the stage and its fraction in [0,1]; raises ``Cancelled`` to stop the work."""


def ignore(stage: Stage, fraction: float) -> None:
    """Nobody watches."""


@dataclass
class Stopwatch:
    """Times the stages of one job and passes progress on."""

    progress: Progress = ignore
    timings_ms: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def stage(self, stage: Stage) -> Iterator[None]:
        """Report the stage's start, time it under its lower-case name (milliseconds)."""
        self.progress(stage, 0.0)
        start = perf_counter()
        yield
        name = stage.name.lower()
        self.timings_ms[name] = self.timings_ms.get(name, 0.0) + 1000 * (perf_counter() - start)
        self.progress(stage, 1.0)
