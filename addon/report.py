"""The text of *Copy Report*: what is needed to understand a fault, and nothing about the person.

It is meant to be pasted into a public forum. Hence every line passes :class:`Redactor`, which takes out
names, paths, addresses and anything as long as a token, twice over: by what is known (this user,
this photo) and by form.
"""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from ..backend import __version__
from ..backend.protocol import PROTOCOL, BackendInfo
from .installation import SOURCE_ROOT, BackendChoice

MIN_SECRET_LENGTH = 2
"""One letter cannot be taken out of a text and tells nobody anything."""

HIDDEN = "<hidden>"
_MARK = "\0"
"""Stands for it while the text is searched: a path with a hole in it is still a path."""

_WEB_ADDRESS = re.compile(r"\bhttps?://[^\s\"'<>]+", re.IGNORECASE)
_ENDLESS_WORD = re.compile(r"[A-Za-z0-9+/=_-]{32,}")
"""Tokens have 32 characters and more; so have pictures as text, and job names, which nobody misses."""
_PICTURE = re.compile(r"[^\s\"'/\\<>]+\.(?:jpe?g|png|webp|hei[cf]|blend)\b", re.IGNORECASE)
_PATH = re.compile(
    r"""(?<![\w>.:/\\])             # no division, no address, nothing below a known folder
    (?:[A-Za-z]:[\\/]|~?[\\/]{1,2})  # C:\, \\server, /, ~/
    (?:[^"'<>|\n]*[\\/])?            # folders may hold spaces: up to the last separator of the line
    [^\s"'<>|,;)\]]+""",
    re.VERBOSE,
)


@dataclass(frozen=True)
class Redactor:
    """Takes out of a text what belongs to a person."""

    secrets: Sequence[str] = ()
    """Tokens, names, addresses: exactly these words, in any case."""
    folders: Mapping[str, str] = field(default_factory=dict[str, str])
    """Known folders and what stands for them; paths below them stay, because they are ours."""

    def __call__(self, text: str) -> str:
        """The text without them."""
        for folder in sorted(self.folders, key=len, reverse=True):
            text = text.replace(folder, self.folders[folder])
        for secret in sorted(filter(None, self.secrets), key=len, reverse=True):
            if len(secret) >= MIN_SECRET_LENGTH:
                text = _whole(secret).sub(_MARK, text)
        for pattern in (_WEB_ADDRESS, _PATH, _PICTURE, _ENDLESS_WORD):
            text = pattern.sub(_MARK, text)
        return text.replace(_MARK, HIDDEN)


def _whole(secret: str) -> re.Pattern[str]:
    """The secret where it is a word and no part of one: a user may be called Max."""
    before = r"(?<!\w)" if secret[0].isalnum() else ""
    after = r"(?!\w)" if secret[-1].isalnum() else ""
    return re.compile(before + re.escape(secret) + after, re.IGNORECASE)


def redactor_for(choice: BackendChoice, photos: Iterable[Path]) -> Redactor:
    """What is known to be private on this computer, and which folders are ours."""
    home = Path.home()
    secrets = [choice.token, choice.url, urlsplit(choice.url).hostname or "", platform.node()]
    secrets += [os.environ.get(name, "") for name in ("USER", "USERNAME", "LOGNAME")] + [home.name, str(home)]
    secrets += [word for photo in photos for word in (str(photo), photo.name, photo.stem)]
    folders = {str(SOURCE_ROOT): "<likeness>", str(choice.user_folder): "<user folder>"}
    if choice.interpreter:
        folders[str(Path(choice.interpreter).parent.parent)] = "<python>"
    return Redactor(tuple(secrets), {folder: name for folder, name in folders.items() if len(folder) > 1})


@dataclass(frozen=True)
class Facts:
    """What the report tells."""

    blender: str
    """Version and platform of Blender."""
    backend: str
    """Kind and state."""
    info: BackendInfo | None
    settings: Mapping[str, object]
    errors: Iterable[str]
    log: Iterable[str]


def compose(facts: Facts, redact: Redactor) -> str:
    """The report as plain text."""
    info = facts.info
    lines = [
        "Likeness report",
        f"Likeness {__version__}, protocol {PROTOCOL}",
        f"Blender {facts.blender}, Python {platform.python_version()}",
        f"{platform.system()} {platform.release()} {platform.machine()}",
        f"Backend: {facts.backend}",
    ]
    if info is not None:
        lines.append(
            f"  version {info.version}, protocol {info.protocol}, device {info.device or 'not known yet'},"
            f" interim: {', '.join(info.interim) or '-'}"
        )
    lines += ["Settings:", *(f"  {name}: {value}" for name, value in facts.settings.items())]
    lines += ["Last errors:", *(f"  {error}" for error in facts.errors or ["none"])]
    lines += ["Log:", *(f"  {line}" for line in facts.log)]
    return "\n".join(redact(line) for line in lines) + "\n"
