"""Writes files all or nothing: a full disk or an interruption leaves no half-made file behind."""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Iterable, Mapping
from pathlib import Path

from .errors import StorageFailed


def write_files(files: Mapping[Path, bytes]) -> None:
    """Write several files together, with the folders they need.

    All of them are written under temporary names first and then moved, so that older files stay
    whole until the new ones are. Raises StorageFailed, after removing what was begun.
    """
    temporary = {path: path.with_name(f".{path.name}.{secrets.token_hex(4)}.part") for path in files}
    folders: list[Path] = []
    try:
        for path, data in files.items():
            _make_folder(path.parent, folders)
            temporary[path].write_bytes(data)
        for path in files:
            temporary[path].replace(path)
    except OSError as error:
        _remove(temporary.values(), folders)
        reason = error.strerror or "unknown reason"
        raise StorageFailed(
            f"The result could not be saved ({reason}).",
            "Free some space, or choose a folder that you may write to.",
        ) from error
    except BaseException:
        _remove(temporary.values(), folders)
        raise


def write_file(path: Path, data: bytes) -> None:
    """Write one file like :func:`write_files`."""
    write_files({path: data})


def _make_folder(folder: Path, made: list[Path]) -> None:
    """Make a folder with its parents and note which were new, outermost first."""
    if folder.exists():
        return
    _make_folder(folder.parent, made)
    folder.mkdir(exist_ok=True)
    made.append(folder)


def _remove(files: Iterable[Path], folders: list[Path]) -> None:
    """Take back what was begun, as far as the disk allows."""
    for file in files:
        with contextlib.suppress(OSError):
            file.unlink(missing_ok=True)
    for folder in reversed(folders):
        with contextlib.suppress(OSError):
            folder.rmdir()
