"""What commands share: silence of libraries, a progress line, results as text or JSON."""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections.abc import Iterator
from typing import Any

from ..progress import Progress, ignore
from ..protocol import Stage

CLEAR_LINE = "\r\033[K"


@contextlib.contextmanager
def libraries_silenced() -> Iterator[None]:
    """Drop what libraries print, also from native code; afterwards the streams are as before.

    MediaPipe announces itself on standard error several times, where people expect one message.
    ``LIKENESS_VERBOSE=1`` lets it talk, on standard error only.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    saved = os.dup(1), os.dup(2)
    sink = os.dup(2) if os.environ.get("LIKENESS_VERBOSE") else os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(sink, 1)
        os.dup2(sink, 2)
        yield
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os.dup2(saved[0], 1)
        os.dup2(saved[1], 2)
        for descriptor in (*saved, sink):
            os.close(descriptor)


@contextlib.contextmanager
def progress_line() -> Iterator[Progress]:
    """Progress on one line of the terminal, erased at the end; nothing if standard error is a file."""
    if not sys.stderr.isatty():
        yield ignore
        return
    with os.fdopen(os.dup(2), "w", encoding="utf-8") as terminal:

        def show(stage: Stage, fraction: float) -> None:
            terminal.write(f"{CLEAR_LINE}{stage.value} ...")
            terminal.flush()

        try:
            yield show
        finally:
            terminal.write(CLEAR_LINE)


def print_json(value: dict[str, Any]) -> None:
    """One JSON object on standard output."""
    print(json.dumps(value, ensure_ascii=False, allow_nan=False, indent=2))
