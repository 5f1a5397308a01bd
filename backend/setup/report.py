"""What a setup tells while it runs: one JSON object a line on standard output. Standard library only."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from ..protocol import from_json


class Step(enum.StrEnum):
    """Steps of a setup in their order; values are shown to the artist."""

    LOOK = "Looking at this computer"
    CREATE = "Preparing Python"
    DOWNLOAD = "Downloading"
    INSTALL = "Installing"
    VERIFY = "Trying it out"
    CLEAN = "Tidying up"


@dataclass(frozen=True)
class Progress:
    """The setup went on."""

    step: Step
    fraction: float
    """Of the whole setup, 0..1."""
    done_bytes: int = 0
    total_bytes: int = 0
    """Of this step; 0 where bytes say nothing."""
    seconds_left: float | None = None
    """Of the whole setup, as far as one can tell."""


@dataclass(frozen=True)
class Ended:
    """The last line."""

    ok: bool
    message: str
    remedy: str = ""


def read(line: str) -> Progress | Ended | None:
    """The report in a line of output; None if it is none."""
    for kind in (Progress, Ended):
        try:
            return from_json(kind, line)
        except ValueError:
            continue
    return None


def in_words(progress: Progress) -> str:
    """One line: step, size, time left."""
    return ", ".join(filter(None, [progress.step.value, details(progress)]))


def details(progress: Progress) -> str:
    """Size and time left, as far as there is something to say."""
    words: list[str] = []
    if progress.total_bytes:
        words.append(f"{progress.done_bytes / 1e6:,.0f} of {progress.total_bytes / 1e6:,.0f} MB")
    if progress.seconds_left is not None:
        words.append(_time_left(progress.seconds_left))
    return ", ".join(words)


def _time_left(seconds: float) -> str:
    if seconds < 60:
        return "less than a minute left"
    minutes = round(seconds / 60)
    return "a minute left" if minutes == 1 else f"{minutes} minutes left"
