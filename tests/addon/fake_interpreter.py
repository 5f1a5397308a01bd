"""An executable that stands in for the backend's Python and runs the fake backend instead."""

from __future__ import annotations

import sys
from pathlib import Path

FAKE_BACKEND = Path(__file__).with_name("fake_backend.py")


def write_fake_interpreter(folder: Path) -> Path:
    """The executable, in ``folder``."""
    script = folder / "python"
    script.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{FAKE_BACKEND}" "$@"\n')
    script.chmod(0o755)
    return script
