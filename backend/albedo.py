"""Colour of a morphable head without light: albedo = mean + components (eq. 1 of Deep 3D Portrait, 2020).

Of light times albedo a photo shows only the product. The convention here: albedo is what a matt surface sends
back of white light, so a cheek has a luminance from 0.045 (darkest) to 0.5 (palest), and light is 1 where it
shows a surface with its albedo.
"""

from __future__ import annotations

import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .colour import LUMINANCE

ALBEDO_ASSET = Path(__file__).parent / "assets" / "albedo.npz"

DARKEST, LIGHTEST = 0.004, 0.9
"""Between what components add up to, for they know no bounds."""


@dataclass(frozen=True)
class AlbedoBasis:
    """How the colour of people varies, per vertex of a model, in linear RGB."""

    mean: NDArray[np.float32]
    """(N,3)."""
    components: NDArray[np.float32]
    """(A,N,3) what one standard deviation of each adds."""

    def __len__(self) -> int:
        """A."""
        return len(self.components)

    def of(self, coefficients: NDArray[np.floating]) -> NDArray[np.float32]:
        """Albedo (N,3) for coefficients (A,) in standard deviations, within what a surface can be."""
        added = np.tensordot(coefficients.astype(np.float32), self.components, 1)
        return (self.mean + added).clip(DARKEST, LIGHTEST)

    @property
    def grey(self) -> AlbedoBasis:
        """The same in photos without colour."""
        weights = LUMINANCE.astype(np.float32)
        mean, components = (values @ weights for values in (self.mean, self.components))
        return AlbedoBasis(mean[..., None].repeat(3, axis=-1), components[..., None].repeat(3, axis=-1))

    def fits(self, vertices: int) -> bool:
        """Whether the basis is sound and belongs to a model of so many vertices."""
        return (
            self.mean.shape == (vertices, 3)
            and self.components.shape == (len(self.components), vertices, 3)
            and bool(np.isfinite(self.mean).all() and np.isfinite(self.components).all())
        )


def packed(basis: AlbedoBasis) -> dict[str, NDArray[np.float16]]:
    """The basis as arrays of a file."""
    return {
        "albedo.mean": basis.mean.astype(np.float16),
        "albedo.components": basis.components.astype(np.float16),
    }


def unpacked(arrays: dict[str, NDArray]) -> AlbedoBasis | None:
    """The basis among the arrays of a file, None if they hold none."""
    if "albedo.mean" not in arrays:
        return None
    return AlbedoBasis(
        arrays["albedo.mean"].astype(np.float32), arrays["albedo.components"].astype(np.float32)
    )


def read_albedo(path: Path) -> AlbedoBasis | None:
    """The basis of a file of its own; None if the file is damaged or holds none."""
    try:
        with np.load(path, allow_pickle=False) as file:
            return unpacked({name: file[name] for name in file.files})
    except (OSError, EOFError, zipfile.BadZipFile, zlib.error, KeyError, ValueError):
        return None
