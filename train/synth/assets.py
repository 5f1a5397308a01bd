"""What the generator reads from disk: the head as tensors, small CC0 pictures and meshes."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from backend.errors import AssetBroken
from backend.morphable import MorphableModel, load_head_model
from backend.raster import triangulate

from .blend import blend_all

ASSETS = Path(__file__).parent / "assets"


@dataclass(frozen=True)
class Rays:
    """Where the rays of one collision table meet the mean head and bust."""

    corners: Tensor
    """(R,C,3) int64 of the head's N and the bust's M vertices."""
    weights: Tensor
    """(R,C,3) barycentric; 0 where the ray meets nothing."""


@dataclass(frozen=True)
class Bust:
    """Shoulders and chest of the average adult, and how they vary."""

    mean: Tensor
    """(M,3) mm."""
    modes: Tensor
    """(4,3M) mm from one end to the other of masculinity, weight, muscle and age."""
    triangles: Tensor
    """(U,3) int64 into the bust's own vertices."""
    ring: Tensor
    """(L,) int64 bust vertices that lie on the head's neck ring."""
    ring_head: Tensor
    """(L,) int64 the same vertices of the head."""
    follow: Tensor
    """(M,L) how the bust follows the ring."""


@dataclass(frozen=True)
class SkinMesh:
    """Head and bust as one surface. Its vertices are the head's N, the bust's M and C along borders."""

    triangles: Tensor
    """(T,3) int64."""
    uvs: Tensor
    """(T,3,2)."""
    region: Tensor
    """(T,) uint8."""
    cut_corners: Tensor
    """(C,8) int64 of the N + M vertices."""
    cut_weights: Tensor
    """(C,8)."""
    turn: Tensor
    """(N,) how far the head's vertices follow the body: 0 above the jaw, 1 on the ring."""
    occlusion: Tensor
    """(N + M + C,) share of the sky that is seen."""

    def complete(self, values: Tensor) -> Tensor:
        """Vertex values (B,N+M,D) with those of the border vertices appended: (B,N+M+C,D)."""
        return torch.cat([values, blend_all(values, self.cut_corners, self.cut_weights)], dim=1)


@dataclass(frozen=True)
class Garment:
    """What clothes are made of: the skin of neck and bust once more, finer around the neckline."""

    ends: Tensor
    """(G,2) int64 of the N + M vertices: each vertex lies midway between two."""
    triangles: Tensor
    """(T,3) int64."""
    uvs: Tensor
    """(T,3,2): seen level, the front in the left half and the back in the right half."""
    rest: Tensor
    """(G,3) mm on the mean."""
    drop: Tensor
    """(G,) mm along the skin from where the neck begins; negative up the neck."""
    collar_corners: Tensor
    """(4,48,4) int64 of the N + M vertices: rings round the neck at the drops of
    :data:`COLLAR_LEVELS_MM`, from straight behind over the subject's right, ahead, left."""
    collar_weights: Tensor
    """(4,48,4)."""


COLLAR_LEVELS_MM = (-45.0, -20.0, 5.0, 35.0)


@dataclass(frozen=True)
class HairMesh:
    """A hair mesh over the mean head that follows other heads."""

    vertices: Tensor
    """(V,3) mm."""
    polygons: Tensor
    """(Q,4) int64, -1 in the last column of a triangle."""
    uvs: Tensor
    """(Q,4,2)."""
    holders: Tensor
    """(V,12) int64 head vertices."""
    weights: Tensor
    """(V,12)."""

    def on(self, moved: Tensor) -> Tensor:
        """(B,V,3) on heads whose vertices moved by ``moved`` (B,N,3) from the mean."""
        return self.vertices + blend_all(moved, self.holders, self.weights)


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
    head_triangles: Tensor
    """(T,3) int64, the head's skin alone."""
    scalp_triangles: Tensor
    """(S,3) int64: where hair grows."""
    bust: Bust
    skin: SkinMesh
    garment: Garment
    rays: dict[str, Rays]
    """By table: skull, neck, and the chest's front, back and top (``collision.py``)."""
    skins: Tensor
    """(7,512,512,3) uint8 sRGB: CC0 skins over their own middle colour (:data:`SKIN_MIDDLE`)."""
    skin_names: tuple[str, ...]
    masks: dict[str, Tensor]
    """(256,256) float32 in [0,1] over the head's texture: lips, beard, scalp, cheek, ..."""
    hair: dict[str, HairMesh]

    def mask(self, name: str) -> Tensor:
        """(N,) bool region of the head."""
        return torch.from_numpy(self.model.regions[name]).to(self.device)

    def part(self, name: str) -> tuple[Tensor, Tensor]:
        """Triangles (T,3) int64 and UVs (T,3,2) of a part of the head, say ``eye_left`` or ``teeth``."""
        chosen = self.model.part(name)
        triangles = triangulate(self.model.polygons[chosen])
        uvs = triangles.of_corners(self.model.uvs[chosen])
        return torch.from_numpy(triangles.vertices).to(self.device), torch.from_numpy(uvs).to(self.device)


SKIN_MIDDLE = 0.35
"""Linear value that stands for a skin's middle colour in its picture."""


@cache
def load_assets(device: str = "cpu") -> SynthAssets:
    """The generator's assets on a device, read once. Raises AssetBroken if a file is missing or damaged."""
    model = load_head_model()
    place = torch.device(device)

    def tensor(values: NDArray) -> Tensor:
        wide = {"i": np.int64, "f": np.float32}.get(values.dtype.kind, values.dtype)
        return torch.from_numpy(np.ascontiguousarray(values, wide)).to(place)

    names, skins = _read_skins()
    scalp = model.regions["scalp"] & (model.mean[:, 1] > NAPE_MM)
    triangles = triangulate(model.polygons[model.part("skin")]).vertices
    rays = {name: tensor(values) for name, values in _read("rays").items()}
    hair = {name: tensor(values) for name, values in _read("hair").items()}
    bust, skin, garment = _read_mesh(tensor)
    return SynthAssets(
        model=model,
        device=place,
        mean=tensor(model.mean),
        identity=tensor(model.identity.reshape(len(model.identity), -1)),
        expression=tensor(model.expression.reshape(len(model.expression), -1)),
        head_triangles=tensor(triangles),
        scalp_triangles=tensor(triangles[scalp[triangles].all(axis=1)]),
        bust=bust,
        skin=skin,
        garment=garment,
        rays={
            name: Rays(rays[f"{name}.corners"], rays[f"{name}.weights"])
            for name in sorted({key.split(".")[0] for key in rays})
        },
        skins=tensor(skins),
        skin_names=names,
        masks={name: tensor(values / np.float32(255)) for name, values in _read("masks").items()},
        hair={
            name: HairMesh(**{f.name: hair[f"{name}.{f.name}"] for f in fields(HairMesh)})
            for name in sorted({key.split(".")[0] for key in hair})
        },
    )


@dataclass(frozen=True)
class Parts:
    """Some parts of the head as a mesh of their own."""

    used: Tensor
    """(U,) int64 head vertices."""
    triangles: Tensor
    """(T,3) int64 into those."""
    uvs: Tensor
    """(T,3,2)."""
    counts: tuple[int, ...]
    """Triangles of each part."""


@cache
def load_parts(device: str, *names: str) -> Parts:
    """Parts of the head, say ``eye_left`` and ``eye_right``, joined once for everybody."""
    parts = [load_assets(device).part(name) for name in names]
    used, numbered = torch.cat([triangles for triangles, _ in parts]).unique(return_inverse=True)
    counts = tuple(len(triangles) for triangles, _ in parts)
    return Parts(used, numbered.view(-1, 3), torch.cat([uvs for _, uvs in parts]), counts)


@cache
def identity_directions() -> dict[str, NDArray[np.float32]]:
    """(80,) identity coefficients from one end to the other of age (25 to 85 years), masculinity and weight,
    and from the average to african, asian and european. Raises AssetBroken.
    """
    return _read("directions")


NAPE_MM = -45.0
"""Lowest hair at the back of the neck, below the head centre."""


def _read_mesh(tensor: Callable[[NDArray], Tensor]) -> tuple[Bust, SkinMesh, Garment]:
    read = {name: tensor(values) for name, values in _read("mesh").items()}
    bust = Bust(
        mean=read["bust"],
        modes=read["bust_modes"].flatten(1),
        triangles=read["bust_triangles"],
        ring=read["ring"],
        ring_head=read["ring_head"],
        follow=read["follow"],
    )
    whole = read["occlusion"]
    cuts = (read["cut_weights"] * whole[read["cut_corners"]]).sum(dim=1)
    skin = SkinMesh(
        triangles=read["triangles"],
        uvs=read["uvs"],
        region=read["region"],
        cut_corners=read["cut_corners"],
        cut_weights=read["cut_weights"],
        turn=read["turn"],
        occlusion=torch.cat([whole, cuts]),
    )
    garment = Garment(
        ends=read["garment_ends"],
        triangles=read["garment_triangles"],
        uvs=read["garment_uvs"],
        rest=read["garment_rest"],
        drop=read["garment_drop"],
        collar_corners=read["collar_corners"],
        collar_weights=read["collar_weights"],
    )
    return bust, skin, garment


def _read_skins() -> tuple[tuple[str, ...], NDArray[np.uint8]]:
    files = sorted(ASSETS.glob("skin_*.jpg"))
    pictures = [cv2.imread(str(file)) for file in files]
    if not pictures or any(picture is None for picture in pictures):
        raise _broken("skin_*.jpg")
    return tuple(file.stem.removeprefix("skin_") for file in files), np.stack(pictures)[..., ::-1]


def _read(name: str) -> dict[str, NDArray]:
    """All arrays of one file. Raises AssetBroken if it is missing or damaged."""
    path = ASSETS / f"{name}.npz"
    try:
        with np.load(path, allow_pickle=False) as file:
            return {key: file[key] for key in file.files}
    except (OSError, EOFError, ValueError, zipfile.BadZipFile, zlib.error) as error:
        raise _broken(path.name) from error


def _broken(name: str) -> AssetBroken:
    return AssetBroken(
        f"A file of the generator is missing or damaged: {name}.",
        "Get train/synth/assets from the repository again, or build it: tools/build_synth_assets.py.",
    )
