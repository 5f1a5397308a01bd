"""The HTTP client against a real server process."""

from __future__ import annotations

import socket
import threading
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from likeness.addon.backend_process import BackendProcess, Launch
from likeness.addon.client import Address, Client
from likeness.addon.errors import BackendUnreachable, RequestRefused
from likeness.backend.protocol import JobState, JobStatus

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    from fake_interpreter import write_fake_interpreter

    folder = tmp_path_factory.mktemp("client")
    process = BackendProcess(Launch(write_fake_interpreter(folder), ROOT, folder / "log"))
    yield process.wait_ready(threading.Event())
    process.stop()


def test_a_job_from_photo_to_payload(address):
    client = Client(address)
    status = client.reconstruct(b"a photo", face=2)
    while not status.state.in_terminal_state:
        before = status
        status = client.poll(status, wait_s=5)
        assert status.revision > before.revision
    assert status.state is JobState.SUCCEEDED
    assert client.result(status).startswith(b"PK")
    client.forget(status)
    with pytest.raises(RequestRefused, match="no longer knows"):
        client.poll(status, wait_s=0)


def test_a_wrong_token_is_explained(address):
    with pytest.raises(RequestRefused, match="token"):
        Client(replace(address, token="guessed")).info()


def test_a_proxy_of_the_environment_is_not_asked(address, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    assert Client(address).info().version == "fake"


def test_nobody_answers():
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with pytest.raises(BackendUnreachable, match="does not answer"):
        Client(Address("127.0.0.1", port, "")).info()


def test_a_server_that_never_answers_is_given_up():
    with socket.create_server(("127.0.0.1", 0)) as mute, pytest.raises(BackendUnreachable):
        Client(Address("127.0.0.1", mute.getsockname()[1], ""), timeout_s=0.1).info()


@pytest.mark.parametrize("answer", [b"<html>router</html>", b"[1, 2]", b'{"id": 5}', b"\xff\xfe"])
def test_something_else_answers(answer):
    class Stranger(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *args):
            pass

    server = HTTPServer(("127.0.0.1", 0), Stranger)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        with pytest.raises(BackendUnreachable, match="no Likeness backend"):
            Client(Address("127.0.0.1", server.server_port, "")).poll(JobStatus("a", "b", JobState.QUEUED), 0)
    finally:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("http://127.0.0.1:8080", Address("127.0.0.1", 8080, "t")),
        (" https://studio.example ", Address("studio.example", 443, "t", secure=True)),
        ("http://[::1]:99/", Address("::1", 99, "t")),
    ],
)
def test_addresses_of_servers(url, address):
    assert Address.from_url(url, "t") == address


@pytest.mark.parametrize("url", ["", "studio", "ftp://studio", "http://", "http://studio:port"])
def test_words_that_are_no_address(url):
    with pytest.raises(BackendUnreachable, match="no address"):
        Address.from_url(url, "t")


def test_only_loopback_is_local():
    assert Address.from_url("http://localhost:1", "").is_local
    assert not Address.from_url("https://localhost.evil.example:1", "").is_local


def test_nothing_leaves_this_computer_unencrypted():
    with pytest.raises(BackendUnreachable, match="unencrypted"):
        Address.from_url("http://studio.example:8443", "t")


@pytest.mark.parametrize("words", [b"Service Unavailable", b"{}"])
def test_a_server_without_room_has_words_in_any_case(words):
    """uvicorn and proxies refuse in their own words when there are too many connections."""

    class Full(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(503)
            self.end_headers()
            self.wfile.write(words)

        def log_message(self, *args):
            pass

    server = HTTPServer(("127.0.0.1", 0), Full)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        with pytest.raises(RequestRefused, match="busy"):
            Client(Address("127.0.0.1", server.server_port, "")).info()
    finally:
        server.shutdown()
        server.server_close()
