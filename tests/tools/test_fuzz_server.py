"""A short campaign against the real server process, and that the judge can tell good from bad."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import pytest

from tools.fuzz_server.campaign import MAX_GROWTH_MB, exchange, run
from tools.fuzz_server.requests import Maker, Strange
from tools.fuzz_server.server import Victim, running

REQUESTS = 300


def test_strange_requests_find_no_fault() -> None:
    with running() as victim:
        findings = run(victim, seed=7, count=REQUESTS)
    assert findings.faults == []
    assert findings.growth_mb < MAX_GROWTH_MB
    assert sum(findings.statuses.values()) == REQUESTS
    assert {200, 400, 401, 404} <= set(findings.statuses)  # it gets in, and it is refused


def test_a_seed_gives_the_same_requests() -> None:
    first, again, other = (Maker(seed, "127.0.0.1:1", "token") for seed in (1, 1, 2))
    requests = [maker.next() for maker in (first, again, other)]
    assert requests[0] == requests[1] != requests[2]


@pytest.fixture
def bad_server() -> Iterator[int]:
    """Answers everything with a fault."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer() -> None:
            while True:
                try:
                    wire, _ = listener.accept()
                except OSError:
                    return
                with wire:
                    while wire.recv(65536):
                        pass
                    wire.sendall(b"HTTP/1.1 500 Internal Server Error\r\n\r\nTraceback")

        thread = threading.Thread(target=answer)
        thread.start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)
    thread.join(10)


def test_faults_are_found(bad_server: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Victim, "memory_mb", lambda self: 1.0)
    process = type("Process", (), {"poll": lambda self: None})()
    assert exchange(bad_server, Strange(b"GET / HTTP/1.1\r\n\r\n", cut=False)) == (500, b"Traceback")
    findings = run(Victim(process, bad_server, "token"), seed=1, count=10)
    assert len(findings.faults) == findings.statuses[500] > 5
