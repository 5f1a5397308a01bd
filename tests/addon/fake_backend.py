"""A backend that keeps to the protocol and rebuilds nothing: a process of its own, standard library HTTP.

How it starts is said by the environment variable ``LIKENESS_FAKE_START``: empty, ``crash``, ``silent``
(never ready), ``old`` (another protocol) or ``brief`` (ends in good order when it is first asked to
work). What a job does is said by the bytes that are handed in
as the photo: ``slow`` (runs until cancelled), ``die`` (the process ends in mid-job), ``broken`` (a
damaged result), ``fail:<error code>``, ``warn``, ``echo`` (warns with the query), ``other``
(a measurement by another morphable model); anything else succeeds.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
import uuid
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import synthetic

from backend.protocol import (
    PROTOCOL,
    TOKEN_VARIABLE,
    BackendInfo,
    ErrorBody,
    ErrorCode,
    JobState,
    JobStatus,
    ReadyEvent,
    Stage,
    to_json,
)

DIED = 17
"""Exit status of a backend that dies on purpose."""


class Jobs:
    """All jobs; one condition serves every long poll."""

    def __init__(self) -> None:
        self.changed = threading.Condition()
        self.brief = threading.Event()
        self.states: dict[str, JobStatus] = {}
        self.results: dict[str, bytes] = {}

    def start(self, kind: str, body: bytes, query: str = "") -> JobStatus:
        status = JobStatus(uuid.uuid4().hex, kind, JobState.QUEUED)
        self.states[status.id] = status
        threading.Thread(target=self._work, args=(status.id, kind, body, query), daemon=True).start()
        return status

    def update(self, job: str, **changes) -> bool:
        """Change a job; False once it is forgotten or cancelled."""
        with self.changed:
            status = self.states.get(job)
            if status is None or status.state.in_terminal_state:
                return False
            self.states[job] = replace(status, revision=status.revision + 1, **changes)
            self.changed.notify_all()
            return True

    def wait(self, job: str, after: int, seconds: float) -> JobStatus | None:
        with self.changed:
            self.changed.wait_for(
                lambda: job not in self.states or self.states[job].revision > after, seconds
            )
            return self.states.get(job)

    def _work(self, job: str, kind: str, body: bytes, query: str) -> None:
        for number, stage in enumerate(Stage):
            self.update(job, state=JobState.RUNNING, stage=stage.value, fraction=number / len(Stage))
        if kind == "refine":
            self.results[job] = synthetic.still(body)
        elif kind == "measure" and body in (b"a photo", b"warn", b"other"):
            warnings = ("The photo is blurred.",) if body == b"warn" else ()
            self.results[job] = synthetic.measure(warnings, *(["bfm-2009"] if body == b"other" else []))
        elif body == b"slow":
            while self.update(job, fraction=0.5):
                time.sleep(0.02)
            return
        elif body == b"die":
            sys.stderr.write("Segmentation fault (on purpose)\n")
            os._exit(DIED)
        elif body.startswith(b"fail:"):
            code = ErrorCode(body.decode().partition(":")[2])
            error = ErrorBody(code, "Words of the backend.", "A hint of the backend.")
            self.update(job, state=JobState.FAILED, error=error)
            return
        elif body == b"broken":
            self.results[job] = synthetic.reconstruction()[:-2000]
        else:
            warnings = {b"warn": ("The face is turned far to the side.",), b"echo": (query,)}.get(body, ())
            self.results[job] = synthetic.reconstruction(warnings)
        self.update(job, state=JobState.SUCCEEDED, fraction=1.0)


JOBS = Jobs()
TOKEN = ""


class Handler(BaseHTTPRequestHandler):
    """The routes of backend/protocol.py."""

    def do_GET(self) -> None:
        if not self._allowed():
            return
        url = urlsplit(self.path)
        parts = url.path.strip("/").split("/")
        if url.path == "/v1/info":
            self._send(to_json(BackendInfo(PROTOCOL, "fake", f"{len(JOBS.states)} jobs")))
        elif parts[-1] == "result":
            self._send(JOBS.results[parts[2]], "application/octet-stream")
        else:
            query = parse_qs(url.query)
            status = JOBS.wait(parts[2], int(query["after"][0]), float(query["wait"][0]))
            if status is None:
                self._refuse(404, ErrorCode.NOT_FOUND)
            else:
                self._send(to_json(status))

    def do_POST(self) -> None:
        if self._allowed():
            JOBS.brief.set()
            if os.environ.get("LIKENESS_FAKE_START") == "brief":
                return
            body = self.rfile.read(int(self.headers["Content-Length"]))
            url = urlsplit(self.path)
            self._send(to_json(JOBS.start(url.path.rpartition("/")[2], body, url.query)))

    def do_DELETE(self) -> None:
        if self._allowed():
            job = self.path.rpartition("/")[2]
            JOBS.update(job, state=JobState.CANCELLED)
            self._send(to_json(JOBS.states.pop(job)))

    def _allowed(self) -> bool:
        if self.headers.get("Authorization") == f"Bearer {TOKEN}":
            return True
        self._refuse(401, ErrorCode.UNAUTHORIZED)
        return False

    def _refuse(self, status: int, code: ErrorCode) -> None:
        self._send(to_json(ErrorBody(code, "no")), status=status)

    def _send(self, body: str | bytes, kind: str = "application/json", status: int = 200) -> None:
        data = body.encode() if isinstance(body, str) else body
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args) -> None:  # noqa: A002
        """Silence."""


def say(line: str) -> None:
    """One line on standard output, at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main() -> None:
    """Listen on a free port, say so, and end with standard input."""
    global TOKEN
    TOKEN = os.environ.pop(TOKEN_VARIABLE, "")
    how = os.environ.get("LIKENESS_FAKE_START", "")
    if how == "crash":
        sys.exit("No module named torch (on purpose)")
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    if how != "silent":
        event = ReadyEvent(server.server_port, PROTOCOL + (how == "old"), "fake", "nothing")
        say(to_json(event))
    say(json.dumps({"environment": sorted(os.environ)}))
    if how == "brief":
        JOBS.brief.wait()
        os._exit(0)
    while sys.stdin.buffer.read(1):
        pass


if __name__ == "__main__":
    main()
