"""Remembers what was measured, for as long as nothing that it depends on has changed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from backend.files import write_file

ROOT = Path(__file__).parent.parent.parent


def fingerprint(patterns: Iterable[str], root: Path = ROOT) -> str:
    """Of the contents of all files of the checkout that the patterns name."""
    digest = hashlib.sha256()
    for path in sorted({path for pattern in patterns for path in root.glob(pattern) if path.is_file()}):
        digest.update(str(path.relative_to(root)).encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def file_fingerprint(paths: Iterable[Path | None]) -> str:
    """Of the contents of single files."""
    digest = hashlib.sha256()
    for path in paths:
        digest.update(path.read_bytes() if path is not None else b"none")
    return digest.hexdigest()[:16]


class Cache:
    """Records by key in one JSON file, written after every new one, so that a stopped run goes on."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._records: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}

    def __contains__(self, key: str) -> bool:
        """Whether that was measured before."""
        return key in self._records

    def get(self, key: str, measure: Callable[[], Any]) -> Any:
        """The record of ``key``, measured now if there is none."""
        if key not in self._records:
            self._records[key] = measure()
            write_file(self._path, json.dumps(self._records, indent=0).encode())
        return self._records[key]
