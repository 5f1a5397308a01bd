"""Reading raw EXR files, against a writer that follows the published layout."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest

from train.synth.cycles.exr import BadPicture, read_exr


def write_exr(path: Path, channels: dict[str, np.ndarray], compression: int = 0) -> None:
    """A scan-line file as Blender writes it; channels in alphabetic order."""
    height, width = next(iter(channels.values())).shape

    def attribute(name: str, kind: str, value: bytes) -> bytes:
        return name.encode() + b"\0" + kind.encode() + b"\0" + struct.pack("<i", len(value)) + value

    entries = b"".join(
        name.encode() + b"\0" + struct.pack("<iB3xii", 2, 0, 1, 1) for name in sorted(channels)
    )
    header = struct.pack("<ii", 20000630, 2)
    header += attribute("channels", "chlist", entries + b"\0")
    header += attribute("compression", "compression", bytes([compression]))
    header += attribute("dataWindow", "box2i", struct.pack("<4i", 0, 0, width - 1, height - 1)) + b"\0"
    lines = []
    for row in range(height):
        values = b"".join(channels[name][row].astype("<f4").tobytes() for name in sorted(channels))
        lines.append(struct.pack("<ii", row, len(values)) + values)
    path.write_bytes(header + b"\0" * 8 * height + b"".join(lines))


def pictures() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    return {f"ViewLayer.{name}": rng.random((5, 7), np.float32) for name in ("Depth.Z", "Combined.R")}


def test_channels_arrive_under_their_own_names(tmp_path: Path):
    write_exr(tmp_path / "a.exr", pictures())
    got = read_exr(tmp_path / "a.exr")
    assert set(got) == {"Depth.Z", "Combined.R"}
    for name, values in got.items():
        np.testing.assert_array_equal(values, pictures()[f"ViewLayer.{name}"])


@pytest.mark.parametrize("kept", [0, 6, 40, 150, 400])
def test_a_file_cut_short_is_refused_by_name(tmp_path: Path, kept: int):
    path = tmp_path / "cut.exr"
    write_exr(path, pictures())
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(BadPicture, match=r"cut\.exr"):
        read_exr(path)


def test_compressed_files_are_refused(tmp_path: Path):
    write_exr(tmp_path / "a.exr", pictures(), compression=3)
    with pytest.raises(BadPicture, match="compressed"):
        read_exr(tmp_path / "a.exr")
