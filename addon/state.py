"""What the backend is doing, derived from disk and process and never remembered."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..backend.protocol import ReadyEvent


class BackendState(enum.Enum):
    """Life of the backend; values are shown to the artist."""

    NOT_INSTALLED = "Not Set Up"
    STOPPED = "Stopped"
    STARTING = "Starting"
    RUNNING = "Running"
    UPDATE_REQUIRED = "Update Needed"
    FAILED = "Stopped Unexpectedly"
    REMOTE = "On a Server"


@dataclass(frozen=True)
class ProcessView:
    """The facts about a process that decide the state."""

    ready: ReadyEvent | None
    exit_code: int | None
    stopped_by_us: bool

    @property
    def rests(self) -> bool:
        """Whether it has ended in good order: stopped by us, or by itself because nobody needed it."""
        return self.stopped_by_us or (self.exit_code == 0 and self.ready is not None)


def backend_state(*, remote: bool, installed: bool, process: ProcessView | None) -> BackendState:
    """The state for these facts; ``process`` is None before the first start."""
    if remote:
        return BackendState.REMOTE
    if process is None or process.rests:
        return BackendState.STOPPED if installed else BackendState.NOT_INSTALLED
    if process.exit_code is not None:
        return BackendState.FAILED
    if process.ready is None:
        return BackendState.STARTING
    from ..backend.protocol import PROTOCOL

    return BackendState.RUNNING if process.ready.protocol == PROTOCOL else BackendState.UPDATE_REQUIRED
