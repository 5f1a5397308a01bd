"""One setup at a time: two Blenders share the extension's user folder."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Generator
from pathlib import Path

from ..errors import SetupFailed


@contextlib.contextmanager
def held(path: Path) -> Generator[None]:
    """Hold the lock file ``path``, which the system frees however this process ends. Removed afterwards.

    SetupFailed if somebody else holds it, OSError if it cannot be made.
    """
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            _lock(descriptor)
        except OSError as error:
            os.close(descriptor)
            raise SetupFailed(
                "The backend is being set up already.", "Wait until the other Blender is done with it."
            ) from error
        if _is_still(path, descriptor):
            break
        os.close(descriptor)  # its holder removed it between our two calls
    try:
        yield
    finally:
        if sys.platform == "win32":
            os.close(descriptor)  # open files cannot be removed there
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)
        if sys.platform != "win32":
            os.close(descriptor)


def _is_still(path: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False


def _lock(descriptor: int) -> None:
    """OSError if another process holds it."""
    if sys.platform == "win32":
        import msvcrt

        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
    else:
        import fcntl

        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
