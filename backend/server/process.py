"""The life of the server's process: token in, ready line out, and an end when the parent goes.

Standard output carries the ready line and nothing else; whatever libraries print goes to standard
error.
"""

from __future__ import annotations

import faulthandler
import logging
import os
import socket
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import uvicorn

from .. import __version__
from ..protocol import PROTOCOL, ReadyEvent, to_json
from .access import LOOPBACK, check_access
from .app import create_app
from .connections import PunctualProtocol
from .jobs import JobQueue
from .lifetime import watch_idleness, watch_input, watch_parent
from .limits import MAX_CONNECTIONS, JobLimits
from .pace import Pace
from .security import LOOPBACK_NAMES
from .studio import Engine, Studio

GRACE_SECONDS = 1.0
"""How long open requests and the running stage may take when the process is to end."""

log = logging.getLogger("likeness.server")


@dataclass(frozen=True)
class ServeOptions:
    """How to listen. Port 0 lets the system choose."""

    host: str = LOOPBACK
    port: int = 0
    allow_remote: bool = False
    certificate: Path | None = None
    """PEM file with the certificate and its chain; TLS where it is given."""
    key: Path | None = None
    keep_alive_without_stdin: bool = False
    idle_seconds: float = 0.0
    """Ends after so long without work and questions; 0 stays."""
    limits: JobLimits = field(default_factory=JobLimits)


def serve(
    make_engine: Callable[[], Engine], tokens: tuple[str, ...], options: ServeOptions = ServeOptions()
) -> None:
    """Serve until standard input ends, nobody needs it, a signal comes or the interpreter is interrupted.

    A server for other computers has no parent: it goes on when standard input ends.
    Raises BadRequest as :func:`backend.server.access.check_access` does.
    """
    check_access(tokens, options.host, options.allow_remote, options.certificate, options.key)
    announce = _reserve_stdout()
    faulthandler.enable()  # a crash in a library leaves its last words in the log
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    studio = Studio(make_engine)
    jobs = JobQueue(options.limits, warm_up=studio.warm_up)
    server = uvicorn.Server(_config(jobs, studio, tokens, options))

    def end() -> None:
        jobs.stop()
        server.should_exit = True
        threading.Event().wait(2 * GRACE_SECONDS)
        _leave_now()

    with socket.create_server((options.host, options.port)) as listener:
        if not (options.keep_alive_without_stdin or options.allow_remote):
            watch_input(end)
            watch_parent(end)
        watch_idleness(lambda: jobs.idle_seconds, options.idle_seconds, end)
        port = int(listener.getsockname()[1])
        announce(to_json(ReadyEvent(port, version=__version__, device=studio.info().device)))
        log.info("Likeness %s, protocol %d, listens", __version__, PROTOCOL)
        try:
            server.run(sockets=[listener])
        finally:
            if not jobs.stop(GRACE_SECONDS):
                _leave_now()  # the worker sits in a library and cannot be asked


def _config(jobs: JobQueue, studio: Studio, tokens: tuple[str, ...], options: ServeOptions) -> uvicorn.Config:
    hosts = ("*",) if options.allow_remote else LOOPBACK_NAMES
    pace = Pace() if options.allow_remote else None  # the one add-on of a local server may hurry
    return uvicorn.Config(
        create_app(jobs, studio, tokens, hosts, pace),
        log_config=None,
        access_log=False,
        server_header=False,
        ws="none",
        http=PunctualProtocol,
        lifespan="off",
        limit_concurrency=MAX_CONNECTIONS,
        timeout_graceful_shutdown=int(GRACE_SECONDS),
        ssl_certfile=options.certificate,
        ssl_keyfile=options.key,
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


def _leave_now() -> None:
    """End without waiting for threads that nobody can stop."""
    sys.stderr.flush()
    os._exit(0)
