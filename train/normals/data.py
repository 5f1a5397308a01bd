"""Prepared windows (:mod:`.prepare`) become numbered samples: strayed, mirrored, brighter or darker."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from backend.nets.normal_net import STRIDE
from backend.nets.parse_net import normalised
from backend.resample import Window, cut, look_up

from ..common.errors import BrokenSample, EmptyDataset
from ..common.seed import sample_generator
from ..face.data import Jitter, strayed
from .cover import covered
from .prepare import NORMALS, PICTURES, SIDE, UNIT, WIDER

COVERED = 0.25
"""Share of windows with something before the face."""
ANYWHERE = Jitter(0.2, 0.3)
"""Where in another window that is taken from."""

Bytes = NDArray[np.uint8]


class NormalData:
    """Windows of all folders; each folder is drawn from in proportion to what it holds."""

    def __init__(
        self, folders: Sequence[Path], side: int, jitter: Jitter, dimmest: float = 0.0, seed: int = 0
    ) -> None:
        """``dimmest`` as in :class:`train.normals.config.NormalExperiment`.

        Raises EmptyDataset, BrokenSample.
        """
        self._tables = [read_tables(folder) for folder in folders]
        self._first = np.cumsum([0, *(len(pictures) for pictures, _ in self._tables)])
        if not self._first[-1]:
            raise EmptyDataset("There are no prepared windows.", "Make some with train.normals.prepare.")
        self._side, self._jitter, self._dimmest, self._seed = side, jitter, dimmest, seed

    def __len__(self) -> int:
        """Windows that are there."""
        return int(self._first[-1])

    def sample(self, number: int) -> dict[str, Tensor]:
        """The ``number``-th window; equal numbers give equal windows.

        ``picture`` (3,S,S) and ``normals`` (3,S/2,S/2), see :class:`backend.nets.normal_net.FaceNormals`;
        0 where nothing is known.
        """
        rng = sample_generator(self._seed, number)
        pictures, normals, index = self._find(int(rng.integers(len(self))))
        window = strayed(_middle(self._side), self._jitter, rng)
        pixels = cut(pictures[index], window)
        cover = np.zeros(pixels.shape[:2], np.float32)
        if rng.random() < COVERED:
            other, _, place = self._find(int(rng.integers(len(self))))
            there = cut(other[place], strayed(_middle(self._side), ANYWHERE, rng))
            pixels, cover = covered(pixels, there, rng)
        gamma = float(np.exp(rng.uniform(-1, 1) * np.log1p(self._dimmest)))
        pixels = np.rint(255 * (pixels / np.float32(255)) ** gamma).astype(np.uint8)
        truth = look_up(normals[index].astype(np.float32) / UNIT, _halved(window), outside=0.0)
        return _tensors(pixels, truth, cover, mirrored=bool(rng.random() < 0.5))

    def straight(self, number: int) -> dict[str, Tensor]:
        """As :meth:`sample` of the ``number``-th prepared window itself, seen as the product sees it."""
        pictures, normals, index = self._find(number)
        window = _middle(self._side)
        truth = look_up(normals[index].astype(np.float32) / UNIT, _halved(window), outside=0.0)
        nothing = np.zeros((self._side, self._side), np.float32)
        return _tensors(cut(pictures[index], window), truth, nothing, mirrored=False)

    def _find(self, number: int) -> tuple[Bytes, NDArray[np.int8], int]:
        table = int(np.searchsorted(self._first, number, side="right")) - 1
        return *self._tables[table], number - int(self._first[table])


def read_tables(folder: Path) -> tuple[Bytes, NDArray[np.int8]]:
    """Pictures and normals as :func:`train.normals.prepare.prepare` wrote them, not read into memory.

    Raises BrokenSample.
    """
    try:
        pictures, normals = (np.load(folder / name, mmap_mode="r") for name in (PICTURES, NORMALS))
    except (OSError, ValueError) as error:
        raise BrokenSample(folder, f"it holds no prepared windows ({error})") from error
    small = SIDE // STRIDE
    if pictures.shape[1:] != (SIDE, SIDE, 3) or normals.shape != (len(pictures), small, small, 3):
        raise BrokenSample(folder, "pictures and normals do not belong together")
    return pictures, normals


def _middle(side: int) -> Window:
    """The network's own window in a prepared picture."""
    return Window.centred((SIDE - 1) / 2, (SIDE - 1) / 2, SIDE / WIDER, side)


def _halved(window: Window) -> Window:
    """The same square in the pixels of prepared normals and of the network's answer: both are halved."""

    def half(offset: float) -> float:
        return (offset + 0.5 + (STRIDE - 1) / 2 / window.scale) / STRIDE - 0.5

    first_x, first_y = half(window.offset_x), half(window.offset_y)
    return Window(window.scale, first_x, first_y, window.width // STRIDE, window.height // STRIDE)


def _tensors(
    pixels: Bytes, truth: NDArray[np.float32], cover: NDArray[np.float32], *, mirrored: bool
) -> dict[str, Tensor]:
    if mirrored:
        pixels, truth, cover = (cv2.flip(each, 1) for each in (pixels, truth, cover))
        truth = truth * np.float32([-1, 1, 1])
    small = cv2.resize(cover, (len(cover) // STRIDE,) * 2, interpolation=cv2.INTER_AREA)
    return {
        "picture": normalised(torch.from_numpy(np.ascontiguousarray(pixels))),
        "normals": torch.from_numpy(truth.copy()).permute(2, 0, 1).contiguous(),
        "cover": torch.from_numpy(small),
    }
