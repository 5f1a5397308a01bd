"""The life of the server's process: token in, ready line out, and an end when the parent goes.

Standard output carries the ready line and nothing else; whatever libraries print goes to standard
error. The process ends when its standard input does, which also happens when Blender crashes.
"""

from __future__ import annotations

import contextlib
import logging
import os
import socket
import stat
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import uvicorn

from .. import __version__
from ..errors import BadRequest
from ..protocol import TOKEN_VARIABLE, ReadyEvent, to_json
from .app import create_app
from .jobs import JobLimits, JobQueue
from .security import LOOPBACK_NAMES, MIN_TOKEN_LENGTH
from .studio import Engine, Studio

LOOPBACK = "127.0.0.1"
LOOPBACK_HOSTS = (LOOPBACK, "localhost")

GRACE_SECONDS = 1.0
"""How long open requests and the running stage may take when the process is to end."""

MAX_CONNECTIONS = 32

log = logging.getLogger("likeness.server")


@dataclass(frozen=True)
class ServeOptions:
    """How to listen. Port 0 lets the system choose."""

    host: str = LOOPBACK
    port: int = 0
    allow_remote: bool = False
    keep_alive_without_stdin: bool = False
    limits: JobLimits = field(default_factory=JobLimits)


def take_token(token_file: Path | None = None) -> str | None:
    """The token that the parent hands over, removed from the environment; or the one in a file.

    BadRequest if it is too short, or if the file cannot be read or can be read by other users.
    """
    token = os.environ.pop(TOKEN_VARIABLE, None)
    if token_file is not None:
        token = _read_token(token_file)
    if token is not None and len(token) < MIN_TOKEN_LENGTH:
        raise BadRequest(
            "The token is too short.", f"Use at least {MIN_TOKEN_LENGTH} characters that nobody can guess."
        )
    return token


def _read_token(file: Path) -> str:
    try:
        if os.name == "posix" and file.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise BadRequest(f"Others can read the token in {file.name}.", f"Run: chmod 600 {file.name}")
        return file.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise BadRequest(
            f"The token in {file.name} could not be read ({error.strerror}).", "Check the file's name."
        ) from error


def serve(
    make_engine: Callable[[], Engine], token: str | None, options: ServeOptions = ServeOptions()
) -> None:
    """Serve until standard input ends, a signal comes or the interpreter is interrupted.

    Raises BadRequest without a token, and for any address but loopback unless ``allow_remote``.
    """
    check_options(token, options)
    assert token is not None
    announce = _reserve_stdout()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    studio = Studio(make_engine)
    jobs = JobQueue(options.limits, warm_up=studio.warm_up)
    hosts = ("*",) if options.allow_remote else LOOPBACK_NAMES
    config = uvicorn.Config(
        create_app(jobs, studio, token, hosts),
        log_config=None,
        access_log=False,
        server_header=False,
        ws="none",
        http="h11",
        lifespan="off",
        limit_concurrency=MAX_CONNECTIONS,
        timeout_graceful_shutdown=int(GRACE_SECONDS),
    )
    server = uvicorn.Server(config)
    with socket.create_server((options.host, options.port)) as listener:
        if not options.keep_alive_without_stdin:
            _end_with_stdin(server, jobs)
        port = int(listener.getsockname()[1])
        announce(to_json(ReadyEvent(port, version=__version__, device=studio.info().device)))
        try:
            server.run(sockets=[listener])
        finally:
            if not jobs.stop(GRACE_SECONDS):
                _leave_now()  # the worker sits in a library and cannot be asked


def check_options(token: str | None, options: ServeOptions) -> None:
    """Refuse to listen without a token, or to the network without being told so."""
    if token is None:
        raise BadRequest(
            "The server has no token.", f"Set {TOKEN_VARIABLE}, or name a file with --token-file."
        )
    if options.host not in LOOPBACK_HOSTS and not options.allow_remote:
        raise BadRequest(
            f"Listening on {options.host} would let other computers in.",
            "Use 127.0.0.1, or add --allow-remote if you mean it.",
        )


def _reserve_stdout() -> Callable[[str], None]:
    """Keep standard output for the protocol; prints of libraries, also native ones, go to stderr."""
    sys.stdout.flush()
    private = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)

    def announce(line: str) -> None:
        private.write(line + "\n")
        private.flush()

    return announce


def _end_with_stdin(server: uvicorn.Server, jobs: JobQueue) -> None:
    """Watch standard input in a thread; its end is the end of the process."""

    def watch() -> None:
        # Not sys.stdin.read(): its lock, held by a daemon thread, aborts the interpreter at exit.
        with contextlib.suppress(OSError):  # no standard input at all
            while os.read(0, 4096):
                pass
        log.info("standard input has ended")
        jobs.stop()
        server.should_exit = True
        threading.Event().wait(2 * GRACE_SECONDS)
        _leave_now()

    threading.Thread(target=watch, name="likeness-stdin", daemon=True).start()


def _leave_now() -> None:
    """End without waiting for threads that nobody can stop."""
    sys.stderr.flush()
    os._exit(0)
