"""Libraries of the system that Python packages need and pip cannot install."""

from __future__ import annotations

import re

from .errors import LikenessError
from .protocol import ErrorCode

DEBIAN_PACKAGES = ("libgl1", "libegl1", "libgles2", "libglib2.0-0")
"""What OpenCV (libGL, libgthread) and MediaPipe (libEGL, libGLESv2) link to, found with ``ldd``."""

SHARED_OBJECT = re.compile(r"(lib[\w.+-]+\.so[\w.]*): cannot open shared object file")
"""How glibc's loader says that a library is not there."""


class LibraryMissing(LikenessError):
    """A library of the system is not installed."""

    code = ErrorCode.ASSET_BROKEN


def library_missing(error: ImportError | OSError) -> LibraryMissing | None:
    """In words, with the packages to install, if ``error`` says that a library is not there; else None."""
    found = SHARED_OBJECT.search(str(error))
    if found is None:
        return None
    return LibraryMissing(
        f"This computer lacks the library {found[1]}.",
        f"On Debian and Ubuntu, run: sudo apt install {' '.join(DEBIAN_PACKAGES)}",
    )
