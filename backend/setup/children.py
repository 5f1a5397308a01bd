"""Runs a tool as a child that never outlives us, even if we are killed.

Between us and the tool stands a guard: this very file, run by our Python. Its standard input is its life line
(a pipe that the system closes when we are gone); when that ends, it kills the tool with all it has started.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

LOOK_S = 0.2
"""How often we look whether the tool is done or the artist wants to stop."""

STOPPED = 130
"""Exit code of a guard whose life line ended."""


def run(
    command: Sequence[str],
    *,
    environment: Mapping[str, str],
    place: Path,
    output: Path,
    errors: Path,
    cancel: threading.Event,
    tick: Callable[[], None],
) -> int:
    """Run ``command`` to its end and return its exit code; what it prints is appended to the two files.

    ``place`` is the working folder: Python finds modules there before all others. ``tick`` is called a few
    times a second. When ``cancel`` is set, the tool is killed and :data:`STOPPED` returned. OSError if it
    cannot be started or its output not be written.
    """
    with output.open("ab") as out, errors.open("ab") as err:
        guard = subprocess.Popen(
            [sys.executable, "-I", __file__, *command],
            stdin=subprocess.PIPE,
            stdout=out,
            stderr=err,
            env=dict(environment),
            cwd=place,
            creationflags=subprocess.CREATE_NO_WINDOW if sys.platform == "win32" else 0,
        )
    assert guard.stdin is not None
    try:
        while guard.poll() is None:
            if cancel.is_set():
                return STOPPED
            tick()
            cancel.wait(LOOK_S)
        return guard.returncode
    finally:
        guard.stdin.close()
        guard.wait()


def _guard(command: Sequence[str]) -> int:
    """The guard's own life: start the tool, wait for its end or for the end of standard input."""
    group = 0 if os.name == "posix" else None  # a group of its own, to be killed as one
    tool = subprocess.Popen(command, stdin=subprocess.DEVNULL, process_group=group)

    def watch() -> None:
        while os.read(0, 4096):
            pass
        _kill(tool)
        os._exit(STOPPED)

    threading.Thread(target=watch, daemon=True).start()
    return tool.wait()


def _kill(tool: subprocess.Popen[bytes]) -> None:
    """End the tool and its own children."""
    if sys.platform == "win32":
        subprocess.run(["taskkill", "/F", "/T", "/PID", str(tool.pid)], capture_output=True, check=False)
    else:
        try:
            os.killpg(tool.pid, signal.SIGKILL)
        except ProcessLookupError:
            return
        tool.wait()


if __name__ == "__main__":
    sys.exit(_guard(sys.argv[1:]))
