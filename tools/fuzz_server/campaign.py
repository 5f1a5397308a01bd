"""Sends strange requests to a server and judges what comes back."""

from __future__ import annotations

import contextlib
import json
import re
import socket
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from backend.protocol import ErrorCode

from .requests import Maker, Strange
from .server import Victim

TIMEOUT_S = 60.0
PATIENCE_S = 1.0
"""After which a request counts as incomplete: ended earlier, it would not be answered."""
WARM_UP = 300
"""Requests after which memory counts: libraries are loaded and pools filled by then."""
MAX_GROWTH_MB = 50.0
_STATUS = re.compile(rb"HTTP/1\.1 (\d{3}) ")


@dataclass
class Findings:
    """What a campaign saw."""

    statuses: Counter[int] = field(default_factory=Counter[int])
    """Answers by HTTP status; 0 where the connection was closed without one."""
    faults: list[str] = field(default_factory=list[str])
    """Requests that the server should have refused in words and did not."""
    memory_mb: list[float] = field(default_factory=list[float])
    """Of the server, warm and then from time to time."""

    @property
    def growth_mb(self) -> float:
        """Memory at the end less memory when warm."""
        return self.memory_mb[-1] - self.memory_mb[0]


def run(victim: Victim, seed: int, count: int, tell: Callable[[str], None] = lambda line: None) -> Findings:
    """Send ``count`` requests made from ``seed``."""
    maker = Maker(seed, f"127.0.0.1:{victim.port}", victim.token)
    findings = Findings()
    for number in range(count):
        request = maker.next()
        if number == min(WARM_UP, count // 2):
            findings.memory_mb.append(victim.memory_mb())
        status, body = exchange(victim.port, request)
        findings.statuses[status] += 1
        if fault := _judge(request, status, body):
            findings.faults.append(f"seed {seed}, request {number}: {fault}")
            tell(findings.faults[-1])
        _remember(maker, body)
        if (number + 1) % 1000 == 0:
            tell(f"{number + 1} requests, {victim.memory_mb():.1f} MB")
    if victim.process.poll() is not None:
        findings.faults.append("the server has ended")
        return findings
    findings.memory_mb.append(victim.memory_mb())
    return findings


def exchange(port: int, request: Strange) -> tuple[int, bytes]:
    """Status and body of the answer; 0 without one."""
    answer = bytearray()
    with (
        contextlib.suppress(ConnectionError),
        socket.create_connection(("127.0.0.1", port), TIMEOUT_S) as wire,
    ):
        wire.sendall(request.data)
        if request.cut:
            return 0, b""
        wire.settimeout(PATIENCE_S)
        try:
            while chunk := wire.recv(65536):
                answer += chunk
        except TimeoutError:  # the request announced more than it brought
            wire.settimeout(TIMEOUT_S)
            wire.shutdown(socket.SHUT_WR)
            while chunk := wire.recv(65536):
                answer += chunk
    match = _STATUS.match(answer)
    return (int(match[1]) if match else 0), bytes(answer.partition(b"\r\n\r\n")[2])


def _judge(request: Strange, status: int, body: bytes) -> str:
    """What is wrong with an answer; empty if nothing is."""
    line = request.data.split(b"\r\n")[0][:200]
    if status >= 500:
        return f"{status} for {line!r}: {body[:200]!r}"
    if ErrorCode.INTERNAL.value.encode() in body[:2000] and b'"failed"' in body[:2000]:
        return f"a job failed by a fault of our own, for {line!r}: {body[:300]!r}"
    return ""


def _remember(maker: Maker, body: bytes) -> None:
    """Take down the job that an answer names, so that later requests ask for it."""
    with contextlib.suppress(ValueError, KeyError, TypeError, AttributeError):
        job = json.loads(body)["id"]
        if job not in maker.jobs:
            maker.jobs = [*maker.jobs[-5:], job]
