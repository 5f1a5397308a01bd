"""The local backend as a child process: started, watched and ended together with Blender."""

from __future__ import annotations

import contextlib
import os
import secrets
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from ..backend import protocol
from ..backend.protocol import ReadyEvent
from .client import Address, check_protocol
from .errors import AddonError, BackendDied, FileUnusable
from .installation import IDLE_MINUTES
from .log_file import LogFile
from .state import ProcessView

ARGUMENTS = ("-m", "backend", "serve", "--port", "0")
"""Port 0 lets the system choose, so that two Blenders never collide."""

START_TIMEOUT_S = 120.0
"""A cold start imports torch from a slow disk."""

STOP_TIMEOUT_S = 3.0
"""How long a backend may take to notice that its input has ended before it is killed."""

LOG_TAIL_LINES = 12
MAX_LAST_WORDS = 200
"""Characters."""

_DROPPED_VARIABLES = ("PYTHONPATH", "PYTHONHOME", "PYTHONSTARTUP", "PYTHONEXECUTABLE", "LD_LIBRARY_PATH")
"""Blender sets these for its own Python; another interpreter would break on them."""


@dataclass(frozen=True)
class Launch:
    """What to start."""

    interpreter: Path
    source_root: Path
    """Folder that holds the package ``backend``."""
    log_path: Path
    idle_minutes: int = IDLE_MINUTES
    """It ends by itself after so long without work; 0 stays."""

    @property
    def command(self) -> list[str]:
        """Interpreter and arguments."""
        return [str(self.interpreter), *ARGUMENTS, "--idle-minutes", str(self.idle_minutes)]


def clean_environment(base: Mapping[str, str], source_root: Path, token: str) -> dict[str, str]:
    """The child's environment: Blender's own Python settings out, ours in.

    The token travels here because command lines can be read by other users of the machine.
    """
    environment = {name: value for name, value in base.items() if name not in _DROPPED_VARIABLES}
    environment["PYTHONPATH"] = str(source_root)
    environment["PYTHONNOUSERSITE"] = "1"
    environment["PYTHONUTF8"] = "1"
    environment[protocol.TOKEN_VARIABLE] = token
    return environment


class BackendProcess:
    """One run of the backend. Its standard input is its life line: when Blender goes, it ends."""

    def __init__(self, launch: Launch) -> None:
        self.launch = launch
        self.log = LogFile(launch.log_path)
        self.ready: ReadyEvent | None = None
        self.stopped_by_us = False
        self._token = secrets.token_urlsafe(32)
        self._changed = threading.Event()
        self._child = self._spawn()
        self._readers = [
            threading.Thread(target=read, name="likeness-log", daemon=True)
            for read in (self._read_output, self._read_errors)
        ]
        for reader in self._readers:
            reader.start()

    def _spawn(self) -> subprocess.Popen[str]:
        launch = self.launch
        try:
            self.log.rotate()
            return subprocess.Popen(
                launch.command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=clean_environment(os.environ, launch.source_root, self._token),
                cwd=launch.log_path.parent,
                encoding="utf-8",
                errors="replace",
                creationflags=subprocess.CREATE_NO_WINDOW if sys.platform == "win32" else 0,
            )
        except OSError as error:
            raise FileUnusable(
                "The backend could not be started ({reason})",
                "Check the interpreter in Preferences > Add-ons > Likeness and the free disk space",
                reason=error.strerror or error,
            ) from error

    def _read_output(self) -> None:
        """Thread: wait for the ready line, then keep the pipe empty and the log complete."""
        stream: IO[str] | None = self._child.stdout
        assert stream is not None
        with contextlib.closing(stream):
            for line in stream:
                if self.ready is None and (event := _ready_event(line)) is not None:
                    self.ready = event
                    self._changed.set()
                else:
                    self.log.write(line)
        self._child.wait()
        self._readers[1].join(STOP_TIMEOUT_S)  # its last words come before the news of its end
        self._changed.set()

    def _read_errors(self) -> None:
        """Thread: what the backend logs, and what its libraries print."""
        stream: IO[str] | None = self._child.stderr
        assert stream is not None
        with contextlib.closing(stream):
            for line in stream:
                self.log.write(line)

    @property
    def exit_code(self) -> int | None:
        """None while the process lives."""
        return self._child.poll()

    def wait_ready(self, give_up: threading.Event, timeout_s: float = START_TIMEOUT_S) -> Address:
        """Block until the backend listens. Not for the main thread.

        Raises BackendDied if it ends or stays silent, ProtocolMismatch if it is another version.
        ``give_up`` ends the wait early with BackendDied as well.
        """
        deadline = time.monotonic() + timeout_s
        while not self._changed.wait(0.05):
            if give_up.is_set() or time.monotonic() > deadline:
                raise BackendDied(
                    "The backend did not start in time",
                    "Try again; Open Log in Preferences > Add-ons > Likeness shows how far it came",
                )
        if self.ready is None:
            raise self.death()
        check_protocol(self.ready.protocol, self.ready.version)
        return Address("127.0.0.1", self.ready.port, self._token)

    def death(self) -> AddonError:
        """The error that describes an end that nobody asked for."""
        lines = [line for line in self.log_tail() if line.strip()]
        return BackendDied(
            "The backend stopped unexpectedly. Its last words: {words}",
            "Try again: it starts anew by itself. If it stops once more, press Copy Report in"
            " Preferences > Add-ons > Likeness and ask for help",
            words=lines[-1].strip()[:MAX_LAST_WORDS].rstrip(".") if lines else "-",
        )

    @property
    def view(self) -> ProcessView:
        """What it is doing, as facts."""
        return ProcessView(self.ready, self.exit_code, self.stopped_by_us)

    def ended_within(self, timeout_s: float) -> bool:
        """Whether the process is gone, or goes within this time. Not for the main thread."""
        try:
            self._child.wait(timeout_s)
        except subprocess.TimeoutExpired:
            return False
        return True

    def log_tail(self, count: int = LOG_TAIL_LINES) -> list[str]:
        """The last lines of this run's log; empty if there is none."""
        return self.log.tail(count)

    def stop(self) -> None:
        """End the backend: close its life line, then kill what does not listen."""
        self.stopped_by_us = True
        if self._child.stdin is not None:
            with contextlib.suppress(OSError):  # the pipe of a dead process
                self._child.stdin.close()
        try:
            self._child.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait()
        for reader in self._readers:
            reader.join(STOP_TIMEOUT_S)


def _ready_event(line: str) -> ReadyEvent | None:
    """The ready event in a line of output, if it is one."""
    try:
        event = protocol.from_json(ReadyEvent, line)
    except ValueError:
        return None
    return event if event.event == "ready" else None
