"""The server's process: how it starts, what it says, and that it never outlives its parent."""

from __future__ import annotations

import contextlib
import http.client
import io
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import uvicorn
from backend_fakes import FakeEngine
from PIL import Image

from backend.payload import open_reconstruction
from backend.protocol import (
    PROTOCOL,
    TOKEN_VARIABLE,
    BackendInfo,
    JobState,
    JobStatus,
    ReadyEvent,
    from_json,
)
from backend.server.connections import PunctualProtocol
from backend.server.jobs import JobQueue
from backend.server.pace import PaceKeeper
from backend.server.process import ServeOptions, _config
from backend.server.studio import Studio

ROOT = Path(__file__).resolve().parents[2]
TOKEN = "correct-horse-battery-staple-0123456789"
PATIENCE = 60.0
FAKE = (str(ROOT / "tests" / "serve_fake.py"),)


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., SimpleNamespace]]:
    """Starts a server process and reads its first line; kills what is left at the end."""
    started: list[subprocess.Popen[bytes]] = []

    def start_one(*arguments: str, token: str | None = TOKEN) -> SimpleNamespace:
        environment = {key: value for key, value in os.environ.items() if key != TOKEN_VARIABLE}
        environment |= {"PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tests'}", "OMP_NUM_THREADS": "1"}
        if token is not None:
            environment[TOKEN_VARIABLE] = token
        log = tmp_path / f"log{len(started)}"
        with log.open("wb") as stderr:
            process = subprocess.Popen(
                [sys.executable, *(arguments or FAKE)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stderr,
                env=environment,
            )
        started.append(process)
        assert process.stdout is not None
        return SimpleNamespace(process=process, first_line=process.stdout.readline(), log=log)

    yield start_one
    for process in started:
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            pipe.close()


def ask(server: SimpleNamespace, method: str, path: str, body: bytes | None = None) -> bytes:
    connection = http.client.HTTPConnection(
        "127.0.0.1", from_json(ReadyEvent, server.first_line).port, timeout=30
    )
    headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/octet-stream"}
    connection.request(method, path, body, headers)
    answer = connection.getresponse()
    data = answer.read()
    connection.close()
    assert answer.status == 200, data
    return data


def photo_bytes() -> bytes:
    stream = io.BytesIO()
    Image.fromarray(np.full((48, 64, 3), 128, np.uint8)).save(stream, "PNG")
    return stream.getvalue()


def follow(server: SimpleNamespace, job: JobStatus) -> JobStatus:
    while not job.state.in_terminal_state:
        job = from_json(JobStatus, ask(server, "GET", f"/v1/jobs/{job.id}?after={job.revision}&wait=10"))
    return job


def rest_of_stdout(server: SimpleNamespace) -> bytes:
    return server.process.communicate()[0]


def test_the_first_line_says_where(start) -> None:
    server = start()
    ready = from_json(ReadyEvent, server.first_line)
    assert (ready.event, ready.protocol) == ("ready", PROTOCOL)
    assert json.loads(server.first_line)["port"] > 0
    info = from_json(BackendInfo, ask(server, "GET", "/v1/info"))
    assert info.protocol == PROTOCOL


def test_a_whole_job_leaves_stdout_and_log_clean(start) -> None:
    server = start()
    data = photo_bytes()
    job = follow(server, from_json(JobStatus, ask(server, "POST", "/v1/jobs/reconstruct", data)))
    assert job.state is JobState.SUCCEEDED
    open_reconstruction(ask(server, "GET", f"/v1/jobs/{job.id}/result"))
    info = from_json(BackendInfo, ask(server, "GET", "/v1/info"))
    assert info.device == "token visible: False"
    assert rest_of_stdout(server) == b""
    log = server.log.read_bytes()
    assert b"so does native code" in log
    assert job.id.encode() in log
    assert TOKEN.encode() not in log
    assert data[:8] not in log


def test_it_ends_with_its_standard_input(start) -> None:
    server = start()
    server.process.stdin.close()
    assert server.process.wait(PATIENCE) == 0


def test_it_ends_even_if_the_worker_hangs(start) -> None:
    server = start(*FAKE, "HANG")
    server.process.stdin.close()
    assert server.process.wait(PATIENCE) == 0


def test_started_by_hand_it_outlives_standard_input(start) -> None:
    server = start(*FAKE, "--keep-alive-without-stdin")
    server.process.stdin.close()
    time.sleep(0.3)
    ask(server, "GET", "/v1/info")
    assert server.process.poll() is None


def test_it_ends_when_nobody_needs_it(start) -> None:
    server = start(*FAKE, "--idle-minutes", "0.002")
    ask(server, "GET", "/v1/info")
    assert server.process.wait(PATIENCE) == 0
    assert "nobody has asked" in server.log.read_text()


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signals_end_it(start, number: int) -> None:
    server = start(*FAKE, "--keep-alive-without-stdin")
    ask(server, "GET", "/v1/info")
    server.process.send_signal(number)
    server.process.wait(PATIENCE)


def test_it_listens_on_loopback_only(start) -> None:
    server = start()
    port = from_json(ReadyEvent, server.first_line).port
    table = Path("/proc/net/tcp")
    if not table.exists():
        pytest.skip("needs Linux")
    listening = [line.split()[1] for line in table.read_text().splitlines() if f":{port:04X} " in line]
    assert f"0100007F:{port:04X}" in listening
    assert f"00000000:{port:04X}" not in listening


@pytest.mark.parametrize("token", [None, "short"])
def test_without_a_good_token_it_does_not_start(start, token: str | None) -> None:
    server = start("-m", "backend", "serve", token=token)
    assert server.process.wait(PATIENCE) == 1
    assert server.first_line == b""
    log = server.log.read_text()
    assert "token" in log
    assert "Traceback" not in log


@pytest.mark.parametrize("allow_remote", [False, True])
def test_other_computers_are_slowed_down_and_the_own_add_on_is_not(allow_remote: bool) -> None:
    jobs = JobQueue()
    options = ServeOptions(allow_remote=allow_remote)
    app = _config(jobs, Studio(FakeEngine), (TOKEN,), options).app
    assert (PaceKeeper in [middleware.cls for middleware in app.user_middleware]) is allow_remote
    assert jobs.stop(PATIENCE)


def test_a_connection_that_asks_nothing_is_closed(monkeypatch) -> None:
    """Silent ones are closed, one that has asked stays; a sniffer of ports cannot shut artists out."""
    monkeypatch.setattr(PunctualProtocol, "first_request_seconds", 0.2)
    jobs = JobQueue()
    server = uvicorn.Server(_config(jobs, Studio(FakeEngine), (TOKEN,), ServeOptions()))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            with socket.create_connection(listener.getsockname(), PATIENCE) as silent:
                silent.sendall(b"GET /v1/info HTTP/1.1\r\nHost: ")
                with contextlib.suppress(ConnectionResetError):
                    assert silent.recv(1) == b""
        finally:
            server.should_exit = True
            thread.join(PATIENCE)
            assert jobs.stop(PATIENCE)


def test_the_real_engine_serves_a_real_photo(start) -> None:
    """End to end as the add-on does it: ``python -m backend serve``, a photo, a payload."""
    astronaut = pytest.importorskip("skimage.data").astronaut()
    stream = io.BytesIO()
    Image.fromarray(astronaut).save(stream, "JPEG", quality=95)
    server = start("-m", "backend", "serve", "--port", "0")
    job = follow(server, from_json(JobStatus, ask(server, "POST", "/v1/jobs/reconstruct", stream.getvalue())))
    assert job.state is JobState.SUCCEEDED, job.error
    opened = open_reconstruction(ask(server, "GET", f"/v1/jobs/{job.id}/result"))
    assert {"face", "hair", "back", "body", "eye_left", "eye_right"} <= set(opened.meshes)
    assert {"photo", "plate"} <= set(opened.images)
    refused = from_json(JobStatus, ask(server, "POST", "/v1/jobs/reconstruct", photo_bytes()))
    refused = follow(server, refused)
    assert refused.error is not None
    assert refused.error.code == "no_face"
    assert rest_of_stdout(server) == b""
