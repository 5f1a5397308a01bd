"""``likeness serve``: the process that the add-on starts."""

from __future__ import annotations

import argparse

from ..server.access import take_tokens
from ..server.limits import STUDIO_LIMITS, JobLimits
from ..server.process import ServeOptions, serve
from ..server.studio import Engine


def run(options: argparse.Namespace) -> int:
    """Serve until standard input ends, or for ever if other computers are let in."""
    tokens = take_tokens(options.token_file)
    serve(
        _make_engine,
        tokens,
        ServeOptions(
            host=options.host,
            port=options.port,
            allow_remote=options.allow_remote,
            certificate=options.certificate,
            key=options.key,
            keep_alive_without_stdin=options.keep_alive_without_stdin,
            idle_seconds=options.idle_minutes * 60.0,
            limits=STUDIO_LIMITS if options.allow_remote else JobLimits(),
        ),
    )
    return 0


def _make_engine() -> Engine:
    """Imports the networks' libraries, which takes seconds: the server answers meanwhile."""
    from ..engine import Engine as RealEngine

    return RealEngine()
