"""A contact sheet of samples: photos, or each photo beside what is known about it."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from .sample import SynthSample

Picture = NDArray[np.uint8]

COLOURS = np.array(
    [(24, 24, 28), (236, 188, 150), (122, 74, 44), (214, 92, 92),
     (88, 124, 168), (190, 160, 90), (150, 90, 170), (60, 190, 180)],
    np.uint8,
)  # fmt: skip
"""Of the eight classes: background, face, hair, ear, body, other head, headwear, glasses."""
DEPTH_SPAN_MM = 320.0


def photo_sheet(photos: Sequence[Picture], columns: int | None = None) -> Picture:
    """Pictures of one size (S,S,3) side by side in rows, on dark ground."""
    columns = columns or math.ceil(math.sqrt(len(photos)))
    rows = [list(photos[start : start + columns]) for start in range(0, len(photos), columns)]
    rows[-1] += [np.full_like(photos[0], 24)] * (columns - len(rows[-1]))
    return np.vstack([np.hstack(row) for row in rows])


def truth_sheet(samples: Sequence[SynthSample]) -> Picture:
    """One row for each sample: photo, classes, matte and hair alpha, depth, face depth, normals."""
    return np.vstack([np.hstack(_row(sample)) for sample in samples])


def _row(sample: SynthSample) -> list[Picture]:
    alpha = np.stack([sample.hair_alpha, sample.matte, sample.person], axis=-1)
    middle = float(sample.scene.view.distance_mm)
    return [
        sample.photo,
        COLOURS[sample.regions],
        (alpha * 255).astype(np.uint8),
        _depth(sample.depth, middle),
        _depth(sample.face_depth, middle),
        ((sample.normals + 1) * 127.5).astype(np.uint8),
    ]


def _depth(depth: NDArray[np.float32], middle: float) -> Picture:
    """Near is bright; nothing is dark blue."""
    near = np.nan_to_num((middle + DEPTH_SPAN_MM / 2 - depth) / DEPTH_SPAN_MM, nan=-1.0)
    grey = (near.clip(0, 1) * 235 + 20).astype(np.uint8)[..., None].repeat(3, axis=2)
    return np.where((near == -1.0)[..., None], np.array([24, 24, 48], np.uint8), grey)
