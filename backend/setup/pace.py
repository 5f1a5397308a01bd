"""How far a setup is and how long it will take, from bytes on the disk rather than from what tools print."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from .report import Progress, Step

DOWNLOAD_BYTES_PER_S = 8e6
INSTALL_BYTES_PER_S = 30e6
CREATE_S, VERIFY_S = 8.0, 20.0
"""What a step is expected to take, until it shows its own speed: a home line and a laptop's disk."""

REPORT_S = 0.5
"""Counting the files of an environment takes a tenth of a second, so it is not done more often."""

TRUST_S = 3.0
"""A speed measured over less than this says nothing."""


class Pace:
    """Tells the progress of one setup. ``clock`` counts seconds."""

    def __init__(
        self,
        bytes_of: Mapping[Step, int],
        tell: Callable[[Progress], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._bytes_of = bytes_of
        self._tell = tell
        self._clock = clock
        self._expected_s = {
            Step.LOOK: 0.5,
            Step.CREATE: CREATE_S,
            Step.DOWNLOAD: bytes_of.get(Step.DOWNLOAD, 0) / DOWNLOAD_BYTES_PER_S,
            Step.INSTALL: bytes_of.get(Step.INSTALL, 0) / INSTALL_BYTES_PER_S,
            Step.VERIFY: VERIFY_S,
            Step.CLEAN: 1.0,
        }
        self._step = Step.LOOK
        self._began = self._last = clock()

    def enter(self, step: Step) -> None:
        """The next step begins."""
        self._step = step
        self._began = self._last = self._clock()
        self._tell(self.progress(0))

    def watch(self, folder: Path) -> Callable[[], None]:
        """A function to call often, which now and then tells how much has arrived in ``folder``."""
        before = size_of(folder)

        def tick() -> None:
            if self._clock() - self._last >= REPORT_S:
                self._last = self._clock()
                self._tell(self.progress(max(0, size_of(folder) - before)))

        return tick

    def progress(self, arrived_bytes: int) -> Progress:
        """Where the setup is when the step has written this many bytes."""
        steps = list(Step)
        later_s = sum(self._expected_s[step] for step in steps[steps.index(self._step) + 1 :])
        expected_s = self._expected_s[self._step]
        total = self._bytes_of.get(self._step, 0)
        spent_s = self._clock() - self._began
        if total:
            arrived_bytes = min(arrived_bytes, total)
            done = arrived_bytes / total
            if spent_s > TRUST_S and done > 0:
                left_s = spent_s * (1 - done) / done
            else:
                left_s = expected_s * (1 - done)
        else:
            done = min(spent_s / max(expected_s, spent_s, 1e-3), 0.9)
            left_s = expected_s * (1 - done)
        whole_s = sum(self._expected_s.values())
        return Progress(
            self._step,
            fraction=min(1 - (later_s + expected_s * (1 - done)) / whole_s, 0.99),
            done_bytes=arrived_bytes if total else 0,
            total_bytes=total,
            seconds_left=left_s + later_s,
        )


def size_of(folder: Path) -> int:
    """Bytes of all files below ``folder``; files that go meanwhile count as nothing."""
    total = 0
    pending = [os.fspath(folder)]
    while pending:
        try:
            with os.scandir(pending.pop()) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        pending.append(entry.path)
                    else:
                        total += entry.stat(follow_symlinks=False).st_size
        except OSError:
            continue
    return total
