"""One sample on disk: a picture, its regions and its mattes, listed in the evaluation format's manifest.

``manifest.jsonl`` has ``{"id", "image", "regions", "mattes"}`` in each line. Regions are codes of
``backend.head_parse`` (255: unknown); mattes are an RGB picture of hair, head and person, with an alpha
channel where they may be trusted, if that is not everywhere.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from backend.nets.parse_net import CLASSES

from ..common.errors import BrokenSample, EmptyDataset
from ..common.storage import write_whole
from .conventions import painted

UNKNOWN = 255
"""Code of pixels that no loss looks at."""
MANIFEST = "manifest.jsonl"
JPEG_QUALITY = 95


@dataclass(frozen=True)
class Sample:
    """A picture with its answers, all (S,S)."""

    pixels: NDArray[np.uint8]
    """(S,S,3) sRGB."""
    regions: NDArray[np.uint8]
    """Codes 0 to 7, or :data:`UNKNOWN`."""
    head: NDArray[np.uint8]
    """Matte of the head, 0 to 255."""
    person: NDArray[np.uint8]
    """Matte of the person."""
    trusted: NDArray[np.uint8]
    """255 where the mattes may be trusted, else 0."""


@dataclass(frozen=True)
class SampleFiles:
    """Where a sample lies."""

    id: str
    image: Path
    regions: Path
    mattes: Path
    generated: bool = False
    """From the generator, whose regions know geometry alone."""

    def read(self) -> Sample:
        """Load all three files; raises BrokenSample with the one that is missing or does not fit."""
        pixels = _decoded(self.image, cv2.IMREAD_COLOR_RGB)
        regions = _decoded(self.regions, cv2.IMREAD_UNCHANGED)
        mattes = _decoded(self.mattes, cv2.IMREAD_UNCHANGED)
        if regions.ndim != 2 or regions.dtype != np.uint8:
            raise BrokenSample(self.regions, "regions must be one channel of 8 bits")
        if not np.isin(np.unique(regions), (*range(CLASSES), UNKNOWN)).all():
            raise BrokenSample(self.regions, f"regions must be codes 0 to {CLASSES - 1}, or {UNKNOWN}")
        if mattes.ndim != 3 or mattes.shape[2] not in (3, 4) or mattes.dtype != np.uint8:
            raise BrokenSample(self.mattes, "mattes must be three or four channels of 8 bits")
        for path, values in ((self.regions, regions), (self.mattes, mattes)):
            if values.shape[:2] != pixels.shape[:2]:
                raise BrokenSample(
                    path, f"its size {values.shape[:2]} is not the picture's {pixels.shape[:2]}"
                )
        # OpenCV's order: blue, green, red, alpha.
        person, head = mattes[..., 0], mattes[..., 1]
        trusted = mattes[..., 3] if mattes.shape[2] == 4 else np.full_like(head, 255)
        return Sample(pixels, painted(regions) if self.generated else regions, head, person, trusted)


def read_samples(folder: Path) -> list[SampleFiles]:
    """The samples of a folder: those of its manifest, else those of the generator's compact format.

    Raises EmptyDataset if there are none, BrokenSample if a line cannot be read or has no label.
    """
    if (folder / MANIFEST).is_file():
        return read_manifest(folder)
    names = sorted(path.stem for path in folder.glob("*.jpg"))
    if not names:
        raise EmptyDataset(
            f"There are no samples in {folder}.", "Name a folder that a generator has written."
        )
    return [
        SampleFiles(
            name, folder / f"{name}.jpg", folder / f"{name}_regions.png", folder / f"{name}_alpha.png", True
        )
        for name in names
    ]


def read_manifest(folder: Path) -> list[SampleFiles]:
    """The samples of a folder.

    Raises EmptyDataset if there are none, BrokenSample if a line cannot be read or has no label.
    """
    path = folder / MANIFEST
    if not path.is_file():
        raise EmptyDataset(f"There is no {path}.", "Name a folder that a generator of samples has written.")
    found = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        if line.strip():
            found.append(_files(folder, path, number, line))
    if not found:
        raise EmptyDataset(
            f"{path} lists no samples.", "Name a folder that a generator of samples has written."
        )
    return found


def write_sample(folder: Path, name: str, sample: Sample) -> dict[str, str]:
    """Write the files of one sample; returns its line for :func:`write_manifest`. Raises DiskFull."""
    line = {
        "id": name,
        "image": f"{name}.jpg",
        "regions": f"{name}_regions.png",
        "mattes": f"{name}_mattes.png",
    }
    hair = np.where(sample.regions == 2, sample.head, 0).astype(np.uint8)
    mattes = np.dstack([sample.person, sample.head, hair, sample.trusted])
    pictures = {
        line["image"]: (
            cv2.cvtColor(sample.pixels, cv2.COLOR_RGB2BGR),
            [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY],
        ),
        line["regions"]: (sample.regions, []),
        line["mattes"]: (mattes, []),
    }
    for file, (values, options) in pictures.items():
        _, data = cv2.imencode(Path(file).suffix, values, options)
        write_whole(folder / file, lambda stream, data=data: stream.write(data.tobytes()))
    return line


def write_manifest(folder: Path, lines: list[dict[str, str]]) -> None:
    """List the samples of a folder."""
    text = "".join(json.dumps(line) + "\n" for line in lines)
    write_whole(folder / MANIFEST, lambda stream: stream.write(text.encode()))


def _files(folder: Path, manifest: Path, number: int, line: str) -> SampleFiles:
    try:
        entry = json.loads(line)
        name, image = str(entry["id"]), str(entry["image"])
    except (ValueError, KeyError, TypeError) as error:
        raise BrokenSample(manifest, f"line {number} cannot be read ({error})") from error
    for key in ("regions", "mattes"):
        if not isinstance(entry.get(key), str):
            raise BrokenSample(manifest, f"line {number} ({name}) names no {key}")
    return SampleFiles(name, folder / image, folder / entry["regions"], folder / entry["mattes"])


def _decoded(path: Path, how: int) -> NDArray[np.uint8]:
    try:
        data = np.frombuffer(path.read_bytes(), np.uint8)
    except OSError as error:
        raise BrokenSample(path, f"it cannot be read ({error.strerror})") from error
    values = cv2.imdecode(data, how) if data.size else None
    if values is None:
        raise BrokenSample(path, "it is no picture")
    return values
