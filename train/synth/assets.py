"""What the generator reads from disk: the morphable head as tensors, and the small CC0 pictures and meshes."""

from __future__ import annotations

import zipfile
import zlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from backend.errors import AssetBroken
from backend.head_parse import BODY, EAR, FACE, OTHER_HEAD
from backend.morphable import MorphableModel, load_head_model
from backend.raster import triangulate


ASSETS = Path(__file__).parent / "assets"


@dataclass(frozen=True)
class Rays:
    """Where rays from the middle of the mean skull leave it, on a lat-long grid."""

    centre: Tensor
    """(3,) mm."""
    directions: Tensor
    """(H,W,3) unit vectors: rows from south to north, columns from -180 to 180 degrees of azimuth."""
    corners: Tensor
    """(H,W,3) int64 vertices of the triangle that each ray meets."""
    weights: Tensor
    """(H,W,3) barycentric."""


@dataclass(frozen=True)
class SynthAssets:
    """Everything fixed that a person is built from, on one device."""

    model: MorphableModel
    device: torch.device
    mean: Tensor
    """(N,3) mm, the head."""
    identity: Tensor
    """(K,3N) mm for one standard deviation."""
    expression: Tensor
    """(E,3N) mm at weight 1."""
    skin_triangles: Tensor
    """(T,3) int64 into the head's vertices."""
    skin_uvs: Tensor
    """(T,3,2)."""
    skin_region: Tensor
    """(T,) uint8."""
    scalp_triangles: Tensor
    """(S,3) int64: where hair grows."""
    rays: Rays

    def mask(self, name: str) -> Tensor:
        """(N,) bool region of the head."""
        return torch.from_numpy(self.model.regions[name]).to(self.device)


@cache
def load_assets(device: str = "cpu") -> SynthAssets:
    """The generator's assets on a device, read once. Raises AssetBroken if a file is missing or damaged."""
    model = load_head_model()
    place = torch.device(device)
    read = {name: _read(name) for name in ("rays",)}
    triangles = triangulate(model.polygons[model.part("skin")])
    uvs = triangles.of_corners(model.uvs[model.part("skin")])

    def tensor(values: NDArray) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(values)).to(place)

    return SynthAssets(
        model=model,
        device=place,
        mean=tensor(model.mean),
        identity=tensor(model.identity.reshape(len(model.identity), -1)),
        expression=tensor(model.expression.reshape(len(model.expression), -1)),
        skin_triangles=tensor(triangles.vertices),
        skin_uvs=tensor(uvs),
        skin_region=tensor(_regions_of(triangles.vertices, model)),
        scalp_triangles=tensor(triangles.vertices[model.regions["scalp"][triangles.vertices].all(axis=1)]),
        rays=Rays(
            centre=tensor(read["rays"]["centre"]),
            directions=tensor(read["rays"]["directions"]),
            corners=tensor(read["rays"]["corners"].astype(np.int64)),
            weights=tensor(read["rays"]["weights"]),
        ),
    )


def _read(name: str) -> dict[str, NDArray]:
    """All arrays of one file. Raises AssetBroken if it is missing or damaged."""
    path = ASSETS / f"{name}.npz"
    try:
        with np.load(path, allow_pickle=False) as file:
            return {key: file[key] for key in file.files}
    except (OSError, EOFError, ValueError, zipfile.BadZipFile, zlib.error) as error:
        raise AssetBroken(
            f"A file of the generator is missing or damaged: {path.name}.",
            "Get train/synth/assets from the repository again, or build it: tools/build_synth_assets.py.",
        ) from error


def _regions_of(triangles: NDArray[np.int64], model: MorphableModel) -> NDArray[np.uint8]:
    region = np.full(len(triangles), FACE, np.uint8)
    for names, label in ((("scalp",), OTHER_HEAD), (("neck",), BODY), (("ear_left", "ear_right"), EAR)):
        mask = np.any([model.regions[name] for name in names], axis=0)
        region[mask[triangles].sum(axis=1) >= 2] = label
    return region
