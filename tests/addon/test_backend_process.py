"""The backend as a child process, with a real process on the other side."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from likeness.addon.backend_process import BackendProcess, Launch, clean_environment
from likeness.addon.client import Client
from likeness.addon.errors import BackendDied, FileUnusable, ProtocolMismatch
from likeness.backend.protocol import TOKEN_VARIABLE

NEVER = threading.Event()
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def start(fake_interpreter, tmp_path):
    processes = []

    def start(interpreter=fake_interpreter):
        process = BackendProcess(Launch(interpreter, ROOT, tmp_path / "user" / "backend.log"))
        processes.append(process)
        return process

    yield start
    for process in processes:
        process.stop()


def test_it_listens_and_ends_when_told(start):
    process = start()
    address = process.wait_ready(NEVER)
    assert Client(address).info().version == "fake"
    process.stop()
    assert process.exit_code == 0  # it left by itself when its input ended


def test_the_child_sees_a_clean_environment(start, monkeypatch):
    monkeypatch.setenv("PYTHONHOME", "")
    monkeypatch.setenv("LD_LIBRARY_PATH", "")
    process = start()
    process.wait_ready(NEVER)
    process.stop()
    names = json.loads(next(line for line in process.log_tail(100) if "environment" in line))["environment"]
    assert not {"PYTHONHOME", "LD_LIBRARY_PATH", TOKEN_VARIABLE} & set(names)
    assert {"PYTHONNOUSERSITE", "PYTHONPATH"} <= set(names)


def test_the_token_is_handed_over_and_nothing_else_is_lost(tmp_path):
    environment = clean_environment({"PYTHONPATH": "/blender", "KEEP": "1"}, tmp_path, "secret")
    assert environment["PYTHONPATH"] == str(tmp_path)
    assert environment["KEEP"] == "1"
    assert environment[TOKEN_VARIABLE] == "secret"


def test_a_crash_at_start_is_told_with_its_last_words(start, monkeypatch):
    monkeypatch.setenv("LIKENESS_FAKE_START", "crash")
    with pytest.raises(BackendDied) as caught:
        start().wait_ready(NEVER)
    assert "No module named torch" in caught.value.text


def test_silence_ends_the_wait(start, monkeypatch):
    monkeypatch.setenv("LIKENESS_FAKE_START", "silent")
    with pytest.raises(BackendDied, match="in time"):
        start().wait_ready(NEVER, timeout_s=0.1)


def test_giving_up_ends_the_wait(start, monkeypatch):
    monkeypatch.setenv("LIKENESS_FAKE_START", "silent")
    give_up = threading.Event()
    give_up.set()
    with pytest.raises(BackendDied):
        start().wait_ready(give_up)


def test_another_version_is_refused(start, monkeypatch):
    monkeypatch.setenv("LIKENESS_FAKE_START", "old")
    with pytest.raises(ProtocolMismatch, match="does not fit"):
        start().wait_ready(NEVER)


def test_an_interpreter_that_cannot_run(start, tmp_path):
    with pytest.raises(FileUnusable, match="could not be started"):
        start(tmp_path / "nowhere")


@pytest.mark.skipif(sys.platform == "win32", reason="looks at the process table of POSIX")
def test_it_ends_with_a_parent_that_is_killed(fake_interpreter, tmp_path):
    """The life line: a parent that dies without a word (a crash of Blender) takes the backend along."""
    script = f"""
import sys, threading
sys.path[:0] = [{str(Path(__file__).parent)!r}]
import conftest
from pathlib import Path
from likeness.addon.backend_process import BackendProcess, Launch
interpreter, root, folder = map(Path, {[str(fake_interpreter), str(ROOT), str(tmp_path)]!r})
process = BackendProcess(Launch(interpreter, root, folder / "log"))
process.wait_ready(threading.Event())
print(process._child.pid, flush=True)
sys.stdin.read()
"""
    parent = subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    os.kill(child, 0)
    parent.kill()
    parent.communicate()
    waited = threading.Event()
    for _ in range(200):
        try:
            os.kill(child, 0)
        except ProcessLookupError:
            return
        if Path(f"/proc/{child}/stat").is_file() and " Z " in Path(f"/proc/{child}/stat").read_text():
            return  # ended, only not yet collected by init
        waited.wait(0.02)
    os.kill(child, 9)
    pytest.fail("the backend outlived its parent")
