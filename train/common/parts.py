"""Cuts a checkpoint into parts that fit through a narrow door, and joins them again.

python -m train.common.parts cut out/parsing/last.pt
python -m train.common.parts join out/parsing/last.pt
"""

from __future__ import annotations

import argparse
import hashlib
import json
from pathlib import Path

from .errors import CheckpointBroken
from .storage import write_whole

PART_BYTES = 15 * 2**20
"""Below the 16 MB that a part may have."""


def cut(path: Path, part_bytes: int = PART_BYTES) -> list[Path]:
    """Write ``<name>.part000`` … and ``<name>.parts.json`` beside a file; returns all of them."""
    if not path.is_file():
        raise CheckpointBroken(f"There is no file {path} to cut.")
    data = path.read_bytes()
    pieces = [data[start : start + part_bytes] for start in range(0, len(data), part_bytes)]
    files = [path.with_name(f"{path.name}.part{number:03d}") for number in range(len(pieces))]
    for file, piece in zip(files, pieces, strict=True):
        write_whole(file, lambda stream, piece=piece: stream.write(piece))
    table = {"sha256": hashlib.sha256(data).hexdigest(), "parts": [file.name for file in files]}
    listing = _listing(path)
    write_whole(listing, lambda stream: stream.write(json.dumps(table, indent=1).encode()))
    return [*files, listing]


def join(path: Path) -> None:
    """Put the parts beside ``path`` together again; raises CheckpointBroken if one is missing or damaged."""
    listing = _listing(path)
    try:
        table = json.loads(listing.read_text(encoding="utf-8"))
        data = b"".join((path.parent / Path(name).name).read_bytes() for name in table["parts"])
        expected = table["sha256"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CheckpointBroken(
            f"The parts of {path} are not complete: {error}.", "Fetch all of them again."
        ) from error
    if hashlib.sha256(data).hexdigest() != expected:
        raise CheckpointBroken(f"The parts of {path} do not fit together.", "Fetch all of them again.")
    write_whole(path, lambda stream: stream.write(data))


def _listing(path: Path) -> Path:
    return path.with_name(f"{path.name}.parts.json")


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("action", choices=("cut", "join"))
    parser.add_argument("path", type=Path, help="the whole file, such as last.pt")
    arguments = parser.parse_args()
    (cut if arguments.action == "cut" else join)(arguments.path)


if __name__ == "__main__":
    main()
