"""How long work tells where it is, and how it is stopped."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import perf_counter

from .protocol import Stage

Progress = Callable[[Stage, float], None]
"""Called with the stage and its fraction in [0,1]; raises ``Cancelled`` to stop the work."""


HEAD_PATH = (
    *(Stage.LOAD, Stage.DETECT, Stage.FIT, Stage.PARSE),
    *(Stage.DEPTH, Stage.MESH, Stage.TEXTURE, Stage.PACK),
)
"""Stages from a photo to a head."""
MEASURE_PATH = (Stage.LOAD, Stage.DETECT, Stage.FIT)
STILL_PATH = (Stage.REFINE, Stage.PACK)


def along(path: Sequence[Stage], progress: Progress) -> Progress:
    """Tell ``progress`` how far the whole path is, instead of each of its stages.

    Stages count alike: how long each takes depends on the computer and the photo.
    """

    def told(stage: Stage, fraction: float) -> None:
        progress(stage, (path.index(stage) + fraction) / len(path))

    return told


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
