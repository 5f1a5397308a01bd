"""A server process with a small engine that misbehaves on request: ``python tests/serve_fake.py [HANG]``."""

from __future__ import annotations

import os
import sys
import threading
from dataclasses import dataclass

from backend_fakes import FakeEngine

from backend.protocol import TOKEN_VARIABLE
from backend.server.process import ServeOptions, serve, take_token


@dataclass
class NoisyEngine(FakeEngine):
    """Prints like a library, and says what it sees of the token."""

    def __post_init__(self) -> None:
        sys.stdout.write("a library says hello\n")
        os.write(1, b"so does native code\n")
        self.device_name = f"token visible: {TOKEN_VARIABLE in os.environ}"
        if "HANG" in sys.argv:
            threading.Event().wait()


if __name__ == "__main__":
    serve(NoisyEngine, take_token(), ServeOptions(keep_alive_without_stdin="KEEP" in sys.argv))
