"""Why a tool failed, in words for the artist, from what it printed or from the system's own error."""

from __future__ import annotations

import errno
import re

from ..errors import SetupFailed

TRY_AGAIN = "Then press Set Up Backend again: it goes on where it stopped."

CAUSES: tuple[tuple[re.Pattern[str], str, str], ...] = (
    (
        re.compile(r"No space left|Errno 28\b|os error 28\b|File too large|not enough space", re.IGNORECASE),
        "The disk is full.",
        f"Free some space. {TRY_AGAIN}",
    ),
    (
        re.compile(
            r"DO NOT MATCH|Hash mismatch|Hashes are required|BadZipFile|Bad (CRC|uncompressed)|not a zip"
            r"|Archive contains|is invalid",
            re.IGNORECASE,
        ),
        "A file that was fetched is not the one that Likeness was tested with.",
        "It is damaged or was exchanged on the way; nothing of it was installed. Press Set Up Backend again; "
        "if it stays, ask whoever runs your network or your folder of wheels.",
    ),
    (
        re.compile(
            r"Read-only file system|Permission denied|Errno (13|30)\b|os error (13|30)\b|Access is denied"
        ),
        "Likeness may not write where its environment belongs.",
        f"Let your user write to that folder. {TRY_AGAIN}",
    ),
    (
        re.compile(
            r"ConnectionError|NewConnectionError|Max retries|Temporary failure in name|Could not resolve"
            r"|timed out|connection (refused|reset|aborted|broken)|dns error|error sending request"
            r"|IncompleteRead|HTTP error|SSLError|certificate verify|Network is unreachable|ProtocolError",
            re.IGNORECASE,
        ),
        "The network broke off.",
        f"Check the connection. {TRY_AGAIN}",
    ),
    (
        re.compile(
            r"No matching distribution|Could not find a version|No solution found|were not found",
            re.IGNORECASE,
        ),
        "A package is not where Likeness looked for it.",
        "A folder of wheels must hold every file of the lock, for this system and Python: "
        "`likeness setup --collect` on a computer of the same kind makes one.",
    ),
)
"""What tools print, what it means and what to do; the first that fits counts."""


def tool_failed(tool: str, said: str) -> SetupFailed:
    """The error for a tool that ended with a failure after printing ``said``."""
    for pattern, message, remedy in CAUSES:
        if pattern.search(said):
            return SetupFailed(message, remedy)
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    last = lines[-1][:200] if lines else "nothing"
    return SetupFailed(
        f"{tool} failed; it said: {last}", "Press Set Up Backend again; if it stays, look at setup.log."
    )


def system_failed(error: OSError) -> SetupFailed:
    """The error for something that the system refused."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return SetupFailed(CAUSES[0][1], CAUSES[0][2])
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EEXIST):
        place = f" ({error.filename})" if error.filename else ""
        return SetupFailed(CAUSES[2][1].rstrip(".") + f"{place}.", CAUSES[2][2])
    return SetupFailed(
        f"The system refused: {error}.", "Press Set Up Backend again: it goes on where it stopped."
    )
