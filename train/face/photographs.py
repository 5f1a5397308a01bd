"""Folders of photographs (``portraits.py``) become windows whose truth nobody knows."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from backend.morphable import MEDIAPIPE_POINTS
from backend.nets.face_crop import face_window
from backend.nets.parse_net import normalised
from backend.resample import Window, cut

from ..common.errors import BrokenSample, EmptyDataset
from ..common.seed import sample_generator
from ..synth.write import MANIFEST
from .data import CACHED, Jitter, strayed

STREAM = 0x9E3779B9
"""Keeps these random numbers apart from those of the synthetic faces beside them."""


@dataclass(frozen=True, eq=False)
class Photograph:
    """One line of a manifest."""

    id: str
    image: Path
    skin: Path
    focal_px: float
    principal_px: NDArray[np.float32]
    """(2,)."""
    landmarks_px: NDArray[np.float32]
    """(478,2) as a detector found them."""

    def read(self) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """Picture (H,W,3) sRGB and skin (H,W) 0 to 255; raises BrokenSample."""
        pixels = cv2.imread(str(self.image), cv2.IMREAD_COLOR_RGB)
        if pixels is None:
            raise BrokenSample(self.image, "it is no picture")
        skin = cv2.imread(str(self.skin), cv2.IMREAD_GRAYSCALE)
        if skin is None or skin.shape != pixels.shape[:2]:
            raise BrokenSample(self.skin, "it is no mask of the picture's size")
        return pixels, skin


class Photographs:
    """Windows of all folders; each folder is drawn from equally often, however large it is."""

    def __init__(self, folders: Sequence[Path], side: int, jitter: Jitter, seed: int) -> None:
        if not folders:
            raise EmptyDataset("No folder of photographs was named.", "Name at least one with --photos.")
        self._folders = [read_photographs(folder) for folder in folders]
        self._side, self._jitter, self._seed = side, jitter, seed
        self._read = lru_cache(CACHED)(Photograph.read)

    def sample(self, number: int) -> dict[str, Tensor]:
        """The ``number``-th window; equal numbers give equal windows. See :func:`window_tensors`."""
        rng = sample_generator(self._seed ^ STREAM, number)
        folder = self._folders[rng.integers(len(self._folders))]
        photograph = folder[rng.integers(len(folder))]
        window = strayed(face_window(photograph.landmarks_px, self._side), self._jitter, rng)
        return window_tensors(photograph, *self._read(photograph), window)


def window_tensors(
    photograph: Photograph, pixels: NDArray[np.uint8], skin: NDArray[np.uint8], window: Window
) -> dict[str, Tensor]:
    """What the network sees and what is known of it, float32.

    ``picture`` (3,S,S); ``skin`` (S,S) in [0,1]; ``focal`` (), ``principal`` (2,) of the window's camera;
    ``landmarks`` (478,2) in window pixels.
    """
    return {
        "picture": normalised(torch.from_numpy(cut(pixels, window))),
        "skin": torch.from_numpy(cut(skin, window)).float() / 255,
        "focal": torch.tensor(photograph.focal_px * window.scale, dtype=torch.float32),
        "principal": torch.from_numpy(window.to_window(photograph.principal_px)).float(),
        "landmarks": torch.from_numpy(window.to_window(photograph.landmarks_px)).float(),
    }


def read_photographs(folder: Path) -> list[Photograph]:
    """The photographs of a folder.

    Raises EmptyDataset if there are none, BrokenSample with the line that cannot be read.
    """
    path = folder / MANIFEST
    hint = "Write some with train.face.portraits."
    if not path.is_file():
        raise EmptyDataset(f"There is no {path}.", hint)
    lines = path.read_text(encoding="utf-8").splitlines()
    found = [_photograph(folder, path, number, line) for number, line in enumerate(lines, 1) if line.strip()]
    if not found:
        raise EmptyDataset(f"{path} lists no photographs.", hint)
    return found


def _photograph(folder: Path, manifest: Path, number: int, line: str) -> Photograph:
    try:
        entry = json.loads(line)
        camera = entry["camera"]
        photograph = Photograph(
            id=str(entry["id"]),
            image=folder / entry["image"],
            skin=folder / entry["skin"],
            focal_px=float(camera["fx"]),
            principal_px=np.array([camera["cx"], camera["cy"]], np.float32),
            landmarks_px=np.array(entry["landmarks_478"], np.float32),
        )
    except (ValueError, KeyError, TypeError) as error:
        raise BrokenSample(manifest, f"line {number} cannot be read ({error!r})") from error
    if photograph.landmarks_px.shape != (MEDIAPIPE_POINTS, 2):
        raise BrokenSample(manifest, f"line {number} ({photograph.id}) has no {MEDIAPIPE_POINTS} landmarks")
    return photograph
