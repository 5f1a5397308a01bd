"""A setup of the backend under way: a process of its own, which ends with Blender and can be stopped."""

from __future__ import annotations

import contextlib
import os
import queue
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path

from ..backend.protocol import TOKEN_VARIABLE
from ..backend.setup.report import Ended, Progress, Step, read
from .backend_process import clean_environment
from .errors import FileUnusable

STOP_TIMEOUT_S = 5.0
"""How long a setup may take to end its tools before it is killed; a guard ends them all the same."""


@dataclass(frozen=True)
class SetupLaunch:
    """What to run; everything else is decided there."""

    interpreter: Path
    """Blender's own Python."""
    source_root: Path
    folder: Path
    """Where the environment goes."""
    wheels: str = ""
    """Folder to install from; empty for the network, which the artist must have allowed."""
    device: str = ""
    """Empty for what fits this computer."""
    remove: bool = False

    @property
    def command(self) -> list[str]:
        """The command line."""
        words = [str(self.interpreter), "-m", "backend", "setup", "--json", "--life-line"]
        words += ["--folder", str(self.folder)]
        if self.remove:
            return [*words, "--remove"]
        words += ["--wheels", self.wheels] if self.wheels else ["--online"]
        return [*words, "--device", self.device] if self.device else words


class SetupRun:
    """One setup. A thread reads what it tells; the main thread takes it in with :meth:`update`.

    FileUnusable if it cannot be started.
    """

    def __init__(self, launch: SetupLaunch) -> None:
        self.launch = launch
        self.progress = Progress(Step.LOOK, 0.0)
        self.ended: Ended | None = None
        self._arrived: queue.SimpleQueue[Progress | Ended] = queue.SimpleQueue()
        self._process = self._spawn()
        self._reader = threading.Thread(target=self._read, name="likeness-setup", daemon=True)
        self._reader.start()

    def _spawn(self) -> subprocess.Popen[str]:
        environment = clean_environment(os.environ, self.launch.source_root, token="")
        del environment[TOKEN_VARIABLE]  # there is no server here
        try:
            self.launch.folder.parent.mkdir(parents=True, exist_ok=True)
            return subprocess.Popen(
                self.launch.command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                env=environment,
                cwd=self.launch.folder.parent,
                encoding="utf-8",
                errors="replace",
                creationflags=subprocess.CREATE_NO_WINDOW if sys.platform == "win32" else 0,
            )
        except OSError as error:
            raise FileUnusable(
                "The setup could not be started ({reason})",
                "Check that your user may write to {folder}",
                reason=error.strerror or error,
                folder=self.launch.folder.parent,
            ) from error

    def _read(self) -> None:
        """Thread: hand over reports; what else is printed tells why there was no last one."""
        assert self._process.stdout is not None
        said, ended = "", False
        with contextlib.closing(self._process.stdout) as stream:
            for line in stream:
                report = read(line)
                if report is None:
                    said = line.strip() or said
                    continue
                ended = ended or isinstance(report, Ended)
                self._arrived.put(report)
        self._process.wait()
        if not ended:
            words = f"The setup ended without a word. {said[:200]}".strip()
            self._arrived.put(Ended(False, words, "Press the button again: it goes on where it stopped."))

    def update(self) -> bool:
        """Take in what arrived, without waiting; whether anything changed."""
        changed = False
        while self.ended is None:
            try:
                report = self._arrived.get_nowait()
            except queue.Empty:
                break
            changed = True
            if isinstance(report, Ended):
                self.ended = report
            else:
                self.progress = report
        return changed

    def stop(self) -> None:
        """Ask it to end; its last report says that it did."""
        if self._process.stdin is not None:
            with contextlib.suppress(OSError):  # the pipe of a dead process
                self._process.stdin.close()

    def wait(self, timeout_s: float | None = None) -> None:
        """Wait for the end and take it in; kill it after ``timeout_s``."""
        try:
            self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self._process.kill()
        self._reader.join()
        self.update()
