"""The paper's regions of a picture, from classes and d_f (section 4.2)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from backend.head_parse import EAR, FACE, GLASSES, HAIR, HEAD_CLASSES, HEADWEAR, OTHER_HEAD

COVERS = (HAIR, HEADWEAR)
"""What may lie before the face."""
NON_FACE = (HAIR, EAR, OTHER_HEAD)
"""What the paper's Table 1 calls so."""


@dataclass(frozen=True)
class HeadRegions:
    """Masks (B,S,S) bool."""

    head: Tensor
    """S, the whole head."""
    shell: Tensor
    """H = S - (S_face and F), what the fitted face does not explain."""
    bare_face: Tensor
    """F without hair before it: there the head is the fitted face."""
    covered_face: Tensor
    """F behind hair or headwear."""

    @staticmethod
    def of(regions: Tensor, face: Tensor) -> HeadRegions:
        """From classes (B,S,S) and d_f (B,S,S), NaN where no face is."""
        head, fitted = among(regions, HEAD_CLASSES), face.isfinite()
        covered = fitted & among(regions, COVERS)
        return HeadRegions(
            head=head,
            shell=head & ~(among(regions, (FACE, GLASSES)) & fitted),
            bare_face=fitted & ~covered,
            covered_face=covered,
        )


def among(regions: Tensor, codes: tuple[int, ...]) -> Tensor:
    """Where classes are some of those."""
    return torch.isin(regions, torch.tensor(codes, device=regions.device))
