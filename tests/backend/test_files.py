"""Files are there whole or not at all."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from backend.errors import StorageFailed
from backend.files import write_file, write_files


def everything(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


@pytest.fixture
def full_disk(monkeypatch):
    """The disk takes one file and then no more."""
    original = Path.write_bytes
    written: list[Path] = []

    def write_bytes(self: Path, data: bytes) -> int:
        if written:
            original(self, data[: len(data) // 2])
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        written.append(self)
        return original(self, data)

    monkeypatch.setattr(Path, "write_bytes", write_bytes)


def test_files_are_written_with_their_folders(tmp_path: Path) -> None:
    files = {tmp_path / "a b" / "ü.glb": b"one", tmp_path / "a b" / "c" / "d": b"two"}
    write_files(files)
    assert {path: path.read_bytes() for path in files} == files
    assert everything(tmp_path) == ["a b", "a b/c", "a b/c/d", "a b/ü.glb"]


def test_a_full_disk_leaves_nothing(tmp_path: Path, full_disk) -> None:
    with pytest.raises(StorageFailed, match="No space left") as caught:
        write_files({tmp_path / "new" / "deep" / "a": b"1234", tmp_path / "new" / "b": b"1234"})
    assert caught.value.hint
    assert everything(tmp_path) == []


def test_a_full_disk_leaves_the_older_result(tmp_path: Path, full_disk) -> None:
    write_file(tmp_path / "a", b"old")
    with pytest.raises(StorageFailed):
        write_files({tmp_path / "a": b"new", tmp_path / "b": b"new"})
    assert everything(tmp_path) == ["a"]
    assert (tmp_path / "a").read_bytes() == b"old"


def test_an_interruption_leaves_nothing(tmp_path: Path, monkeypatch) -> None:
    def interrupted(self: Path, data: bytes) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "write_bytes", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_file(tmp_path / "new" / "a", b"x")
    assert everything(tmp_path) == []


def test_a_file_where_a_folder_should_be(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"x")
    with pytest.raises(StorageFailed):
        write_file(tmp_path / "file" / "a", b"y")
    assert everything(tmp_path) == ["file"]
