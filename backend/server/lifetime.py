"""Why the server ends: its parent is gone, or nobody needs it any more.

The parent's end shows in two ways. Standard input ends at once, also when Blender crashes; should
another process of Blender hold the pipe open, the parent's process number has changed (POSIX; the
kernel's own signal for this comes when the *thread* ends that started us, which is a job of the add-on).
"""

from __future__ import annotations

import contextlib
import logging
import os
import threading
from collections.abc import Callable

LOOK_SECONDS = 1.0
"""Between two looks at parent and clock."""

log = logging.getLogger("likeness.server")


def watch_input(end: Callable[[], None]) -> None:
    """Call ``end`` in a thread of its own when standard input ends."""

    def watch() -> None:
        # Not sys.stdin.read(): its lock, held by a daemon thread, aborts the interpreter at exit.
        with contextlib.suppress(OSError):  # no standard input at all
            while os.read(0, 4096):
                pass
        log.info("standard input has ended")
        end()

    threading.Thread(target=watch, name="likeness-stdin", daemon=True).start()


def watch_parent(end: Callable[[], None], every: float = LOOK_SECONDS) -> None:
    """Call ``end`` when the process that started this one is gone."""
    if os.name != "posix":
        return
    parent = os.getppid()
    _watch(lambda: os.getppid() != parent, "the parent has ended", end, every)


def watch_idleness(
    idle_seconds: Callable[[], float], limit: float, end: Callable[[], None], every: float = LOOK_SECONDS
) -> None:
    """Call ``end`` when nobody has needed the server for ``limit`` seconds; never if that is 0."""
    if limit > 0:
        _watch(lambda: idle_seconds() > limit, "nobody has asked for a while", end, every)


def _watch(over: Callable[[], bool], reason: str, end: Callable[[], None], every: float) -> None:
    """Look from time to time, in a thread."""

    def watch() -> None:
        pause = threading.Event()
        while not over():
            pause.wait(every)
        log.info("%s", reason)
        end()

    threading.Thread(target=watch, name="likeness-watch", daemon=True).start()
