"""``likeness serve``: the process that the add-on starts."""

from __future__ import annotations

import argparse

from ..server.process import ServeOptions, serve, take_token
from ..server.studio import Engine


def run(options: argparse.Namespace) -> int:
    """Serve until standard input ends."""
    token = take_token(options.token_file)
    serve(
        _make_engine,
        token,
        ServeOptions(
            host=options.host,
            port=options.port,
            allow_remote=options.allow_remote,
            keep_alive_without_stdin=options.keep_alive_without_stdin,
        ),
    )
    return 0


def _make_engine() -> Engine:
    """Imports the networks' libraries, which takes seconds: the server answers meanwhile."""
    from ..engine import Engine as RealEngine

    return RealEngine()
