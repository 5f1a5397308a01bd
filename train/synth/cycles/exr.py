"""Reads the one kind of OpenEXR file that our Blender writes: many channels, float32, scan lines, raw.

OpenCV reads no more than four channels of such files, and OpenEXR's own library is one more thing that a bare
machine lacks. The format: openexr.com, "OpenEXR File Layout".
"""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

MAGIC = 20000630
FLOAT = 2
TILED, DEEP, PARTS = 0x200, 0x800, 0x1000


class BadPicture(ValueError):
    """The file is no picture of the kind that our Blender writes, or a part of it is missing."""


def read_exr(path: Path) -> dict[str, NDArray[np.float32]]:
    """Channels (H,W) by name, without the name of the view layer; row 0 on top. Raises BadPicture."""
    data = path.read_bytes()
    try:
        magic, flags = struct.unpack_from("<ii", data)
        if magic != MAGIC or flags & (TILED | DEEP | PARTS):
            raise BadPicture(f"{path.name} is not an EXR file of scan lines")
        attributes, start = _attributes(data)
        left, top, right, bottom = struct.unpack("<4i", attributes["dataWindow"])
        channels = _channels(attributes["channels"])
        if attributes["compression"] != b"\0" or any(kind != FLOAT for kind in channels.values()):
            raise BadPicture(f"{path.name} is compressed or not float32")
        width, height = right - left + 1, bottom - top + 1
        # After the table of offsets come the lines: number and size (int32 each), then channel by channel.
        line = np.dtype([("head", "<i4", 2), ("values", "<f4", (len(channels), width))])
        lines = np.frombuffer(data, line, height, start + 8 * height)
    except (struct.error, IndexError, KeyError, ValueError) as error:
        raise error if isinstance(error, BadPicture) else BadPicture(f"{path.name}: {error}") from error
    values = lines["values"]
    return {name.partition(".")[2] or name: values[:, i] for i, name in enumerate(channels)}


def _attributes(data: bytes) -> tuple[dict[str, bytes], int]:
    """Attributes by name, and where the table of offsets starts."""
    found: dict[str, bytes] = {}
    at = 8
    while data[at]:
        name, at = _text(data, at)
        _, at = _text(data, at)
        (size,) = struct.unpack_from("<i", data, at)
        found[name], at = data[at + 4 : at + 4 + size], at + 4 + size
    return found, at + 1


def _channels(data: bytes) -> dict[str, int]:
    """Pixel type by channel name, in the order of the file."""
    found: dict[str, int] = {}
    at = 0
    while data[at]:
        name, at = _text(data, at)
        (found[name],) = struct.unpack_from("<i", data, at)
        at += 16
    return found


def _text(data: bytes, at: int) -> tuple[str, int]:
    end = data.index(b"\0", at)
    return data[at:end].decode("ascii"), end + 1
