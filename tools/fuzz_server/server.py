"""The real server process, with the small engine of the tests in the place of the networks."""

from __future__ import annotations

import contextlib
import os
import secrets
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from backend.protocol import TOKEN_VARIABLE, ReadyEvent, from_json

ROOT = Path(__file__).resolve().parents[2]
SERVER = ROOT / "tests" / "serve_fake.py"


@dataclass(frozen=True)
class Victim:
    """A server that runs."""

    process: subprocess.Popen[bytes]
    port: int
    token: str

    def memory_mb(self) -> float:
        """Resident memory (Linux)."""
        lines = Path(f"/proc/{self.process.pid}/status").read_text().splitlines()
        kilobytes = next(line.split()[1] for line in lines if line.startswith("VmRSS:"))
        return int(kilobytes) / 1024


@contextlib.contextmanager
def running() -> Iterator[Victim]:
    """A server for the length of the block."""
    token = secrets.token_urlsafe(32)
    environment = {**os.environ, TOKEN_VARIABLE: token}
    environment["PYTHONPATH"] = os.pathsep.join([str(ROOT), str(ROOT / "tests")])
    with subprocess.Popen(
        [sys.executable, str(SERVER)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=environment,
    ) as process:
        assert process.stdout is not None and process.stdin is not None
        port = from_json(ReadyEvent, process.stdout.readline()).port
        try:
            yield Victim(process, port, token)
        finally:
            process.stdin.close()
