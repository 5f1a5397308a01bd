"""Folders of labelled pictures become numbered training windows."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from backend.nets.parse_net import normalised

from ..common.errors import EmptyDataset, HeldOutSample
from ..common.seed import sample_generator
from .augment import Geometry, augment
from .sample import Sample, SampleFiles, read_samples

CACHED = 512
"""Decoded pictures that a process keeps: the portraits are seen again and again."""


class ParsingData:
    """Windows of all folders; each folder is drawn from equally often, however large it is."""

    def __init__(
        self, folders: Sequence[Path], geometry: Geometry, seed: int, held_out: frozenset[str]
    ) -> None:
        if not folders:
            raise EmptyDataset("No folder of samples was named.", "Name at least one with --data.")
        self._folders = [read_samples(folder) for folder in folders]
        for files in self._folders:
            for file in files:
                if file.id in held_out:
                    raise HeldOutSample(
                        f"{file.image} belongs to the test set.", "Take it out of the training data."
                    )
        self._geometry, self._seed = geometry, seed
        self._read = lru_cache(CACHED)(SampleFiles.read)

    def sample(self, number: int) -> dict[str, Tensor]:
        """The ``number``-th window; equal numbers give equal windows."""
        rng = sample_generator(self._seed, number)
        folder = self._folders[rng.integers(len(self._folders))]
        file = folder[rng.integers(len(folder))]
        return tensors(augment(self._read(file), self._geometry, rng))


def tensors(sample: Sample) -> dict[str, Tensor]:
    """``picture`` (3,S,S) float, ``regions`` (S,S) int64, ``mattes`` (2,S,S) and ``trusted`` (S,S) float."""
    mattes = np.stack([sample.head, sample.person])
    return {
        "picture": normalised(torch.from_numpy(sample.pixels)),
        "regions": torch.from_numpy(sample.regions).long(),
        "mattes": torch.from_numpy(mattes).float() / 255.0,
        "trusted": (torch.from_numpy(sample.trusted) > 0).float(),
    }
