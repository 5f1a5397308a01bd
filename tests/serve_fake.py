"""The command ``likeness serve`` with a small engine: ``python tests/serve_fake.py [HANG] [options]``."""

from __future__ import annotations

import os
import sys
import threading
from dataclasses import dataclass

from backend_fakes import FakeEngine

from backend.cli import main, serve
from backend.protocol import TOKEN_VARIABLE

HANG = "HANG"
"""The engine is never ready, like a library that does not come back."""


@dataclass
class NoisyEngine(FakeEngine):
    """Prints like a library, and says what it sees of the token."""

    def __post_init__(self) -> None:
        sys.stdout.write("a library says hello\n")
        os.write(1, b"so does native code\n")
        self.device_name = f"token visible: {TOKEN_VARIABLE in os.environ}"
        if HANG in sys.argv:
            threading.Event().wait()


if __name__ == "__main__":
    serve._make_engine = NoisyEngine
    sys.exit(main(["serve", *(word for word in sys.argv[1:] if word != HANG)]))
