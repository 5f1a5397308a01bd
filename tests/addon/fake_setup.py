"""Stands in for ``python -m backend setup``: tells a little and ends as the environment variable says."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path


def tell(**report: object) -> None:
    print(json.dumps(report), flush=True)  # noqa: T201  (what it is for)


def main() -> None:
    how = os.environ.get("LIKENESS_FAKE_SETUP", "ready")
    if how == "crash":
        sys.exit("No module named backend")
    tell(step="Downloading", fraction=0.25, done_bytes=1_000_000, total_bytes=4_000_000, seconds_left=30.0)
    if how == "wait":
        while os.read(0, 4096):
            pass
        tell(ok=False, message="The setup was stopped.", remedy="It goes on where it stopped.")
    elif how == "fail":
        tell(ok=False, message="The disk is full.", remedy="Free some space.")
    else:
        tell(ok=True, message=" ".join(sys.argv[1:]))


def write_fake(folder: Path) -> Path:
    """An executable that runs this file, in the place of Blender's Python."""
    script = folder / "python"
    script.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{__file__}" "$@"\n')
    script.chmod(0o755)
    return script


if __name__ == "__main__":
    main()
