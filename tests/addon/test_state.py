"""The backend's state follows from facts."""

from __future__ import annotations

import pytest
from likeness.addon.state import BackendState, ProcessView, backend_state
from likeness.backend.protocol import PROTOCOL, ReadyEvent

READY = ReadyEvent(port=1)


@pytest.mark.parametrize(
    ("installed", "process", "state"),
    [
        (False, None, BackendState.NOT_INSTALLED),
        (True, None, BackendState.STOPPED),
        (True, ProcessView(None, None, stopped_by_us=False), BackendState.STARTING),
        (True, ProcessView(READY, None, stopped_by_us=False), BackendState.RUNNING),
        (True, ProcessView(READY, 1, stopped_by_us=False), BackendState.FAILED),
        (True, ProcessView(None, 1, stopped_by_us=False), BackendState.FAILED),
        (True, ProcessView(READY, 0, stopped_by_us=True), BackendState.STOPPED),
        (True, ProcessView(READY, 0, stopped_by_us=False), BackendState.STOPPED),  # nobody needed it
        (True, ProcessView(None, 0, stopped_by_us=False), BackendState.FAILED),
        (
            True,
            ProcessView(ReadyEvent(1, PROTOCOL + 1), None, stopped_by_us=False),
            BackendState.UPDATE_REQUIRED,
        ),
    ],
)
def test_local_states(installed, process, state):
    assert backend_state(remote=False, installed=installed, process=process) is state


def test_a_server_is_not_ours_to_judge():
    assert backend_state(remote=True, installed=False, process=None) is BackendState.REMOTE
