"""Two of the three reasons to end (the third, standard input, in test_server_process.py)."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from backend.server.lifetime import watch_idleness

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 30.0

PARENT = """
import subprocess, sys, time
command = [sys.executable, "-c", sys.argv[1]]
child = subprocess.Popen(command, stdin=subprocess.PIPE, pass_fds=[int(sys.argv[2])])
time.sleep(600)
"""
CHILD = """
import os, threading
from backend.server.lifetime import watch_parent
over = threading.Event()
watch_parent(over.set, every=0.02)
os.write({pipe}, b"watching")
over.wait(30)
os.write({pipe}, b"ended" if over.is_set() else b"waits")
"""


@pytest.mark.skipif(os.name == "nt", reason="process numbers of POSIX")
def test_the_end_of_the_parent_is_noticed_though_the_pipe_stays_open() -> None:
    """The parent is killed, as in a crash; nothing tells the child but its parent's number."""
    reading, writing = os.pipe()
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, CHILD.format(pipe=writing), str(writing)],
        pass_fds=[writing],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    os.close(writing)
    with open(reading, "rb", buffering=0) as words:  # noqa: PTH123  # a descriptor, no path
        assert words.read(8) == b"watching"
        parent.send_signal(signal.SIGKILL)
        parent.wait(PATIENCE)
        assert words.read(5) == b"ended"


def test_idleness_ends_at_the_limit_and_not_before() -> None:
    seen, idle, over = [], iter([1.0, 5.0, 2.0, 6.0]), threading.Event()

    def idle_seconds() -> float:
        seen.append(next(idle))
        return seen[-1]

    watch_idleness(idle_seconds, 5.0, over.set, every=0.0)
    assert over.wait(PATIENCE)
    assert seen == [1.0, 5.0, 2.0, 6.0]


def test_without_a_limit_nobody_watches() -> None:
    before = threading.active_count()
    watch_idleness(lambda: 1e9, 0.0, lambda: None)
    assert threading.active_count() == before
