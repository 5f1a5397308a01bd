"""What the evaluation format's words mean to a painter of labels, for samples that know geometry alone."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from backend.head_parse import BACKGROUND, FACE, HAIR, OTHER_HEAD

FACING = 0.1
"""Share of its border with the face below which a patch of scalp is a parting or a gap between strands."""
SPECK = 0.001
"""Patches of scalp below this share of the picture at the outline of the hair are gaps, too."""


def painted(regions: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Regions (S,S) as a person would paint them: a forehead reaches up to the hair that is there.

    The generator knows one hairline on the skull, whatever the haircut. Scalp that does not reach the
    silhouette is therefore forehead, or a parting if hair surrounds it; only a bald head keeps it.
    """
    count, patches, stats, _ = cv2.connectedComponentsWithStats(
        (regions == OTHER_HEAD).astype(np.uint8), connectivity=4
    )
    beside = _neighbours(patches, count, regions)
    border = beside.sum(axis=1)
    among_hair = beside[:, FACE] < FACING * border
    small = stats[:, cv2.CC_STAT_AREA] < SPECK * regions.size
    becomes = np.full(count, OTHER_HEAD, np.uint8)
    becomes[(beside[:, BACKGROUND] == 0) | small] = FACE
    becomes[among_hair & (becomes == FACE)] = HAIR
    out = regions.copy()
    scalp = patches > 0
    out[scalp] = becomes[patches[scalp]]
    return out


def _neighbours(patches: NDArray[np.int32], count: int, regions: NDArray[np.uint8]) -> NDArray[np.int64]:
    """(count,8) how many pixels of each class lie beside each patch."""
    found = np.zeros(count * 8, np.int64)
    for a, b in (
        (np.s_[:, 1:], np.s_[:, :-1]),
        (np.s_[:, :-1], np.s_[:, 1:]),
        (np.s_[1:], np.s_[:-1]),
        (np.s_[:-1], np.s_[1:]),
    ):
        edge = (patches[a] > 0) & (patches[b] == 0)
        pairs = patches[a][edge].astype(np.int64) * 8 + regions[b][edge]
        found += np.bincount(pairs, minlength=count * 8)
    return found.reshape(count, 8)
