"""The backend's log: bounded, and the last few runs and no more."""

from __future__ import annotations

import contextlib
import threading
from pathlib import Path

MAX_BYTES = 1024 * 1024
KEPT = 3
"""The file itself, and ``.1`` and ``.2`` beside it, which are older."""


class LogFile:
    """Lines to a file that never grows beyond a size. Any thread.

    A log that cannot be written (full disk) is no reason to stop working: then lines are lost.
    """

    def __init__(self, path: Path, max_bytes: int = MAX_BYTES, kept: int = KEPT) -> None:
        self.path = path
        self._max_bytes = max_bytes
        self._kept = kept
        self._lock = threading.Lock()

    def rotate(self) -> None:
        """Begin a new file and keep the one before; OSError if the folder cannot be written."""
        with self._lock:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._shift()
            self.path.touch()

    def write(self, line: str) -> None:
        """Append one line."""
        with self._lock, contextlib.suppress(OSError):
            if self.path.is_file() and self.path.stat().st_size + len(line) > self._max_bytes:
                self._shift()
            with self.path.open("a", encoding="utf-8", errors="replace") as file:
                file.write(line if line.endswith("\n") else line + "\n")

    def tail(self, count: int, files: int = 1) -> list[str]:
        """The last lines of this file and, if they are too few, of ``files - 1`` older ones."""
        lines: list[str] = []
        for age in range(min(files, self._kept)):
            with contextlib.suppress(OSError):
                lines = self._older(age).read_text(encoding="utf-8", errors="replace").splitlines() + lines
            if len(lines) >= count:
                break
        return lines[-count:]

    def _older(self, age: int) -> Path:
        return self.path.with_name(f"{self.path.name}.{age}") if age else self.path

    def _shift(self) -> None:
        for age in range(self._kept - 1, 0, -1):
            # Windows refuses while another Blender writes to the same file; then both share it.
            with contextlib.suppress(OSError):
                self._older(age - 1).replace(self._older(age))
