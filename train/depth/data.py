"""Folders of pairs become numbered samples: two views of one head and all that is known of them.

Reads the evaluation format with ``face_depth``, ``alpha`` and ``pose`` in each line, as
``train.synth --pairs`` and ``train.depth.pairs`` write it. Two lines that follow each other and have the
same ``subject`` are a pair. ``depth`` may be missing (video), and ``prior`` (``train.depth.prior``).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from backend.nets.depth_net import UNIT_MM, HeadView
from backend.nets.parse_net import normalised
from backend.resample import Window, cut, look_up

from ..common.errors import BrokenSample, EmptyDataset
from ..common.seed import sample_generator
from ..synth.write import MANIFEST
from .reproject import HeadCameras

CACHED = 64
"""Decoded views that a process keeps."""
MATTE = 1
"""Channel of the head's matte in ``alpha``."""

Batch = dict[str, Tensor]
Maps = dict[str, NDArray]


@dataclass(frozen=True, eq=False)
class KnownView:
    """One line of a manifest; hashed by what it is, not by what it holds."""

    id: str
    subject: str
    image: Path
    regions: Path
    alpha: Path
    face_depth: Path
    depth: Path | None
    """The truth, where it is known."""
    prior: Path | None
    """What the geometric prior says, where it was asked."""
    focal_px: tuple[float, float]
    principal_px: tuple[float, float]
    rotation: NDArray[np.float32]
    """(3,3) head axes to camera axes."""
    translation_mm: NDArray[np.float32]
    """(3,) head centre in camera space."""

    def read(self) -> Maps:
        """``pixels`` (S,S,3) sRGB, ``regions`` and ``matte`` (S,S) uint8, and ``face``, ``prior`` and
        ``truth`` (S,S) in mm, NaN where nothing is known; raises BrokenSample."""
        pixels = _picture(self.image, cv2.IMREAD_COLOR_RGB)
        size = pixels.shape[:2]
        if size[0] != size[1]:
            raise BrokenSample(self.image, "it is no square")
        found: Maps = {
            "pixels": pixels,
            "regions": _picture(self.regions, cv2.IMREAD_GRAYSCALE),
            "matte": _picture(self.alpha, cv2.IMREAD_COLOR_RGB)[..., MATTE],
        }
        for name, path in (("face", self.face_depth), ("prior", self.prior), ("truth", self.depth)):
            found[name] = _depth(path) if path is not None else np.full(size, np.nan, np.float32)
        for name, values in found.items():
            if values.shape[:2] != size:
                raise BrokenSample(self.image, f"its {name} has another size, {values.shape[:2]}")
        return found

    def tensors(self, side: int) -> Batch:
        """The view at ``side`` pixels: ``picture`` (3,S,S), ``face``, ``prior``, ``truth`` (S,S) relief or
        NaN, ``regions`` (S,S) int64, ``matte`` (S,S), ``focal``, ``principal`` (2,), ``rotation`` (3,3),
        ``translation`` (3,)."""
        maps = self.read()
        size = len(maps["pixels"])
        middle = (size - 1) / 2
        window = Window.centred(middle, middle, size, side)
        centre = self.translation_mm[2]
        relief = {
            name: torch.from_numpy((centre - look_up(maps[name], window)) / np.float32(UNIT_MM))
            for name in ("face", "prior", "truth")
        }
        principal = window.to_window(np.array(self.principal_px))
        return {
            "picture": normalised(torch.from_numpy(cut(maps["pixels"], window))),
            "regions": torch.from_numpy(look_up(maps["regions"], window, 0)).long(),
            "matte": torch.from_numpy(cut(np.ascontiguousarray(maps["matte"]), window)).float() / 255,
            **relief,
            "focal": torch.tensor(self.focal_px, dtype=torch.float32) * window.scale,
            "principal": torch.from_numpy(principal).float(),
            "rotation": torch.from_numpy(self.rotation),
            "translation": torch.from_numpy(self.translation_mm),
        }


Pair = tuple[KnownView, KnownView]


class DepthData:
    """Pairs of all folders; each folder is drawn from equally often, however large it is."""

    def __init__(
        self, folders: Sequence[Path], side: int, flip: bool, seed: int, sway_mm: float = 0.0
    ) -> None:
        """``flip`` mirrors half of the pairs; ``sway_mm`` is the usual amount of :func:`swayed`."""
        if not folders:
            raise EmptyDataset("No folder of pairs was named.", "Name at least one with --data.")
        self._folders = [pairs_of(read_views(folder), folder) for folder in folders]
        self._flip, self._seed, self._sway_mm = flip, seed, sway_mm
        self._view = lru_cache(CACHED)(lambda view: view.tensors(side))

    def sample(self, number: int) -> Batch:
        """The ``number``-th pair, tensors of :meth:`KnownView.tensors` with the two views in front.

        Equal numbers give equal pairs.
        """
        rng = sample_generator(self._seed, number)
        folder = self._folders[rng.integers(len(self._folders))]
        pair = [self._view(view) for view in folder[rng.integers(len(folder))]]
        if self._flip and rng.random() < 0.5:
            pair = [mirrored(view) for view in pair]
        if rng.random() < 0.5:
            pair.reverse()
        if self._sway_mm:
            pair = [swayed(view, self._sway_mm * rng.standard_normal(3)) for view in pair]
        return {name: torch.stack([view[name] for view in pair]) for name in pair[0]}


def mirrored(view: Batch) -> Batch:
    """A view of the mirrored head, left and right exchanged."""
    side = view["picture"].shape[-1]
    across = torch.tensor([-1.0, 1.0, 1.0])
    return {
        **view,
        **{name: view[name].flip(-1) for name in ("picture", "regions", "matte", "face", "prior", "truth")},
        "principal": torch.stack([side - 1 - view["principal"][0], view["principal"][1]]),
        "rotation": across[:, None] * view["rotation"] * across,
        "translation": across * view["translation"],
    }


def swayed(view: Batch, by_mm: NDArray[np.floating]) -> Batch:
    """A view whose whole relief has moved by (3,) mm: everywhere, more to the right, more to the bottom.

    The last two are what is added at the picture's right and lower border, and taken away opposite.
    """
    side = view["picture"].shape[-1]
    across = torch.linspace(-1, 1, side)
    whole, right, down = (float(value) / UNIT_MM for value in by_mm)
    change = whole + right * across + down * across[:, None]
    return {**view, **{name: view[name] + change for name in ("face", "prior", "truth")}}


def view_of(batch: Batch) -> HeadView:
    """What the network sees of B views."""
    return HeadView(batch["picture"], batch["face"], batch["prior"], batch["regions"], batch["matte"])


def cameras_of(batch: Batch) -> HeadCameras:
    """The cameras of B views."""
    return HeadCameras(batch["focal"], batch["principal"], batch["rotation"], batch["translation"])


def pairs_of(views: Sequence[KnownView], folder: Path) -> list[Pair]:
    """Neighbours with one subject; raises EmptyDataset if there are none."""
    pairs = [(a, b) for a, b in pairwise(views) if a.subject == b.subject]
    if not pairs:
        raise EmptyDataset(f"{folder} holds no pairs.", "Write some with train.synth --pairs.")
    return pairs


def read_views(folder: Path) -> list[KnownView]:
    """The views of a folder in the manifest's order.

    Raises EmptyDataset if there are none, BrokenSample with the line that cannot be read.
    """
    path = folder / MANIFEST
    if not path.is_file():
        raise EmptyDataset(f"There is no {path}.", "Write pairs with train.synth --pairs.")
    lines = path.read_text(encoding="utf-8").splitlines()
    return [_known(folder, path, number, line) for number, line in enumerate(lines, 1) if line.strip()]


def _known(folder: Path, manifest: Path, number: int, line: str) -> KnownView:
    try:
        entry: Mapping[str, Any] = json.loads(line)
        camera, pose = entry["camera"], entry["pose"]
        return KnownView(
            id=str(entry["id"]),
            subject=str(entry["subject"]),
            **{name: folder / entry[name] for name in ("image", "regions", "alpha", "face_depth")},
            **{name: folder / entry[name] if name in entry else None for name in ("depth", "prior")},
            focal_px=(float(camera["fx"]), float(camera["fy"])),
            principal_px=(float(camera["cx"]), float(camera["cy"])),
            rotation=np.array(pose["rotation"], np.float32).reshape(3, 3),
            translation_mm=np.array(pose["translation_mm"], np.float32).reshape(3),
        )
    except (ValueError, KeyError, TypeError) as error:
        raise BrokenSample(manifest, f"line {number} cannot be read ({error!r})") from error


def _picture(path: Path, kind: int) -> NDArray[np.uint8]:
    pixels = cv2.imread(str(path), kind)
    if pixels is None:
        raise BrokenSample(path, "it is no picture")
    return pixels.astype(np.uint8, copy=False)


def _depth(path: Path) -> NDArray[np.float32]:
    try:
        return np.load(path, allow_pickle=False).astype(np.float32, copy=False)
    except (OSError, ValueError, EOFError) as error:
        raise BrokenSample(path, f"it holds no depth ({error})") from error
