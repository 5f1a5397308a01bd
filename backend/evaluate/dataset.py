"""Reads an evaluation data set: a folder with ``manifest.jsonl``, one JSON object a line.

Keys of a line (others are ignored)::

    id        unique name, also the name of saved predictions
    image     photo, relative to the folder
    camera    {"fx", "fy", "cx", "cy"}: pixels, OpenCV axes, pixel centres at integer coordinates
    depth     .npy, float32 (H,W), mm along the optical axis, NaN where nothing was hit
    regions   PNG, uint8 (H,W): 0 background, 1 face skin, 2 hair, 3 ear, 4 neck and body,
              5 other head surface, 6 headwear, 7 glasses
    subject   who it is
    pose_deg  {"yaw", "pitch", "roll"}

Only ``id`` and ``image`` are always needed; each measure says what else it needs.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from ..camera import Camera
from ..errors import BadRequest

MANIFEST = "manifest.jsonl"
REGION_NAMES = ("background", "face", "hair", "ear", "body", "other_head", "headwear", "glasses")
"""Names of the region codes 0 to 7."""
PICTURES = (".jpg", ".jpeg", ".png", ".webp")
ANGLES = ("yaw", "pitch", "roll")


class DatasetBroken(BadRequest):
    """An evaluation data set does not follow its format."""


@dataclass(frozen=True)
class EvaluationItem:
    """One photo of a data set and where its known answers lie."""

    id: str
    image: Path
    camera: Camera | None
    depth: Path | None
    regions: Path | None
    subject: str
    pose_deg: Mapping[str, float] | None

    def load_depth(self) -> NDArray[np.float32]:
        """(H,W) mm along the optical axis, NaN where nothing was hit."""
        assert self.depth is not None
        try:
            depth = np.load(self.depth, allow_pickle=False)
        except (ValueError, EOFError, OSError) as error:
            raise DatasetBroken(f"{self.depth} is no readable depth map: {error}.") from error
        return _sized(depth, self).astype(np.float32)

    def load_regions(self) -> NDArray[np.uint8]:
        """(H,W) region codes 0 to 7."""
        assert self.regions is not None
        regions = _sized(read_labels(self.regions), self)
        if regions.max(initial=0) >= len(REGION_NAMES):
            raise DatasetBroken(f"{self.regions} holds the unknown region {regions.max()}.")
        return regions


def read_dataset(folder: Path | str) -> list[EvaluationItem]:
    """All items of a data set in the manifest's order.

    Raises:
        DatasetBroken: no manifest, a line that cannot be read (named by its number), two items of
            one id, or files that do not exist (named).
    """
    folder = Path(folder)
    path = folder / MANIFEST
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise DatasetBroken(
            f"{path} cannot be read.", f"A data set is a folder with a file {MANIFEST}."
        ) from error
    items: dict[str, EvaluationItem] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        item = _item(folder, line, f"{path}, line {number}")
        if item.id in items:
            raise DatasetBroken(f"{path}, line {number}: the id {item.id!r} occurs twice.")
        items[item.id] = item
    if not items:
        raise DatasetBroken(f"{path} holds no items.")
    return list(items.values())


def read_photos(folder: Path | str) -> list[EvaluationItem]:
    """The items of a data set, or the pictures of a folder without a manifest, in the order of their names.

    Raises DatasetBroken as :func:`read_dataset`, or if the folder holds neither.
    """
    folder = Path(folder)
    if (folder / MANIFEST).is_file() or not folder.is_dir():
        return read_dataset(folder)
    paths = sorted(path for path in folder.iterdir() if path.suffix.lower() in PICTURES)
    if not paths:
        raise DatasetBroken(f"{folder} holds neither {MANIFEST} nor pictures.")
    return [EvaluationItem(path.stem, path, None, None, None, path.stem, None) for path in paths]


def with_answers(items: Iterable[EvaluationItem], *needed: str) -> list[EvaluationItem]:
    """The items that have all of the ``needed`` fields; DatasetBroken if there are none."""
    chosen = [item for item in items if all(getattr(item, name) is not None for name in needed)]
    if not chosen:
        raise DatasetBroken(f"No item of this data set has {' and '.join(needed)}, which this measure needs.")
    return chosen


def read_labels(path: Path) -> NDArray[np.uint8]:
    """Codes (H,W) uint8 of a grey or palette PNG."""
    try:
        with Image.open(path) as image:
            if image.mode not in ("L", "P", "1"):
                raise DatasetBroken(f"{path} must be an 8-bit picture of region codes, not {image.mode}.")
            return np.asarray(image, np.uint8)
    except (UnidentifiedImageError, OSError) as error:
        raise DatasetBroken(f"{path} is no readable picture.") from error


def _item(folder: Path, line: str, where: str) -> EvaluationItem:
    try:
        record = json.loads(line)
    except json.JSONDecodeError as error:
        raise DatasetBroken(f"{where} is no JSON: {error.msg} at column {error.colno}.") from error
    if not isinstance(record, dict):
        raise DatasetBroken(f"{where} is no JSON object.")
    identity = record.get("id")
    # Predictions are saved under this name.
    if not isinstance(identity, str) or not identity or Path(identity).name != identity:
        raise DatasetBroken(f'{where}: "id" must be a plain name.')
    image = _file(folder, record, "image", where)
    if image is None:
        raise DatasetBroken(f'{where}: "image" is missing.')
    pose = record.get("pose_deg")
    return EvaluationItem(
        id=identity,
        image=image,
        camera=_camera(record["camera"], image, where) if record.get("camera") is not None else None,
        depth=_file(folder, record, "depth", where),
        regions=_file(folder, record, "regions", where),
        subject=str(record.get("subject", "")),
        pose_deg=_numbers(pose, ANGLES, "pose_deg", where) if pose is not None else None,
    )


def _file(folder: Path, record: Mapping[str, object], key: str, where: str) -> Path | None:
    name = record.get(key)
    if name is None:
        return None
    if not isinstance(name, str) or not name:
        raise DatasetBroken(f'{where}: "{key}" must be a file name.')
    path = folder / name
    if not path.is_file():
        raise DatasetBroken(f'{where}: the file of "{key}" does not exist: {path}.')
    return path


def _camera(value: object, image: Path, where: str) -> Camera:
    numbers = _numbers(value, ("fx", "fy", "cx", "cy"), "camera", where)
    if min(numbers["fx"], numbers["fy"]) <= 0:
        raise DatasetBroken(f'{where}: the focal length in "camera" must be positive.')
    try:
        with Image.open(image) as opened:
            width, height = opened.size
    except (UnidentifiedImageError, OSError) as error:
        raise DatasetBroken(f"{where}: {image} is no readable picture.") from error
    return Camera(numbers["fx"], numbers["fy"], numbers["cx"], numbers["cy"], width, height)


def _numbers(value: object, names: tuple[str, ...], key: str, where: str) -> dict[str, float]:
    if not isinstance(value, dict):
        raise DatasetBroken(f'{where}: "{key}" must be an object.')
    for name in names:
        number = value.get(name)
        if isinstance(number, bool) or not isinstance(number, int | float) or not math.isfinite(number):
            raise DatasetBroken(f'{where}: "{name}" in "{key}" must be a number.')
    return {name: float(value[name]) for name in names}


def _sized(values: NDArray, item: EvaluationItem) -> NDArray:
    """``values`` if they have the photo's size."""
    with Image.open(item.image) as image:
        expected = (image.height, image.width)
    if values.shape != expected:
        raise DatasetBroken(f"Item {item.id!r}: a map of {values.shape} does not fit a photo of {expected}.")
    return values
