"""A morphable head: shape = mean + identity + expression (eq. 1 of Deep 3D Portrait, 2020)."""

from __future__ import annotations

import zipfile
import zlib
from dataclasses import dataclass, fields, replace
from functools import cache
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from .albedo import ALBEDO_ASSET, AlbedoBasis, packed, read_albedo, unpacked
from .errors import AssetBroken
from .protocol import STATISTICAL_EXPRESSION

HEAD_ASSET = Path(__file__).parent / "assets" / "head.npz"

MEDIAPIPE_POINTS, IBUG_POINTS = 478, 68

INT16_PEAK = 32767
UINT16_PEAK = 65535


DEVIATIONS = 3.0
"""Reach of a signed expression: 99.7 % of what the model has seen."""
BEHIND_EARS_MM = -40.0
"""A head whose skin reaches behind this plane has a skull; face models end before the ears."""


@dataclass(frozen=True)
class LandmarkEmbedding:
    """Landmarks as barycentric points of the mesh."""

    vertices: NDArray[np.int32]
    """(L,3) vertex indices of the triangle that carries each landmark."""
    weights: NDArray[np.float32]
    """(L,3) barycentric weights, rows sum to 1."""
    rows: NDArray[np.int32] | None = None
    """(L,) which of MediaPipe's 478 points each one is, for a model that knows only some of them; None for
    all of them in order."""

    def of(self, shape: NDArray[np.floating]) -> NDArray[np.floating]:
        """Landmark positions (L,3) on a shape (N,3)."""
        return np.einsum("lk,lkd->ld", self.weights, shape[self.vertices])


@dataclass(frozen=True)
class MorphableModel:
    """Arrays of a linear head model in the head frame (mm, y up, z out of the face)."""

    name: str
    licence: str
    commercial_use: bool
    mean: NDArray[np.float32]
    """(N,3) mean shape."""
    identity: NDArray[np.float32]
    """(K,N,3) displacement for one standard deviation of each component."""
    identity_std: NDArray[np.float32]
    """(K,) standard deviation of each component's orthonormal coefficient, mm (largest first)."""
    expression: NDArray[np.float32]
    """(E,N,3) displacement at weight 1."""
    expression_names: tuple[str, ...]
    polygons: NDArray[np.int32]
    """(Q,4) quads, counter-clockwise from outside; -1 in the last column of a triangle."""
    uvs: NDArray[np.float32]
    """(Q,4,2) per corner, v up; every part has its own unit square (see ``polygon_part``)."""
    part_names: tuple[str, ...]
    """``skin``, and as far as the model has them ``eye_left``, ``eye_right``, ``teeth``, ``tongue`` and
    ``lashes``."""
    polygon_part: NDArray[np.uint8]
    """(Q,) index into ``part_names``."""
    regions: dict[str, NDArray[np.bool_]]
    """Vertex masks (N,). face, scalp, ear_left, ear_right, neck, mouth_inside, socket_left and socket_right
    cover the skin; lips, eyelids, nose, brows, jaw, teeth_lower, gums, skin and every other part lie
    across."""
    mirror: NDArray[np.int32]
    """(N,) index of the vertex on the other side."""
    landmarks_478: LandmarkEmbedding
    """MediaPipe's points; a model from the user's own files has those that its ``rows`` name."""
    landmarks_68: LandmarkEmbedding
    source_vertex: NDArray[np.int32]
    """(N,) vertex of the full source mesh (hm08 for the default model); -1 for those it lacks (teeth)."""
    albedo: AlbedoBasis | None = None
    """Colour of its vertices; None for a model that knows shapes only."""

    @property
    def expression_bounds(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """(E,) least and (E,) greatest weight of each expression."""
        signed = np.array([name.startswith(STATISTICAL_EXPRESSION) for name in self.expression_names], bool)
        return np.where(signed, -DEVIATIONS, 0.0), np.where(signed, DEVIATIONS, 1.0)

    @property
    def licence_notice(self) -> str | None:
        """What the artist must know before a head made with this model is used; None if it is free."""
        if self.commercial_use:
            return None
        return (
            f"This head was made with {self.name}, which must not be used commercially: {self.licence}. "
            "What derives from it falls under that licence."
        )

    @property
    def has_skull(self) -> bool:
        """Whether the head is closed behind the ears; False for models of the face alone."""
        return bool((self.mean[self.regions["skin"], 2] < BEHIND_EARS_MM).any())

    @property
    def solid(self) -> NDArray[np.bool_]:
        """(Q,) polygons that hide what lies behind them: all but the lashes."""
        return ~self.part("lashes") if "lashes" in self.part_names else np.ones(len(self.polygons), np.bool_)

    def shape(self, identity: NDArray[np.floating], expression: NDArray[np.floating]) -> NDArray[np.float32]:
        """Vertices (N,3) for coefficients (K,) in standard deviations and (E,) weights."""
        displacement = np.tensordot(identity.astype(np.float32), self.identity, 1)
        displacement += np.tensordot(expression.astype(np.float32), self.expression, 1)
        return self.mean + displacement

    def part(self, name: str) -> NDArray[np.bool_]:
        """(Q,) mask of the polygons of one part; ValueError if the model has no such part."""
        return self.polygon_part == self.part_names.index(name)

    def eye_centre(self, side: str, shape: NDArray[np.floating]) -> NDArray[np.float64]:
        """(3,) centre of the ``"left"`` or ``"right"`` eyeball of a shape (N,3): its best sphere's."""
        points = shape[self.regions[f"eye_{side}"]].astype(np.float64)
        middle = points.mean(axis=0)
        offset = points - middle
        # |p - c|^2 = r^2 is linear in c and r^2 - |c|^2 (Coope 1993).
        system = np.concatenate([2 * offset, np.ones((len(offset), 1))], axis=1)
        solution = np.linalg.lstsq(system, (offset**2).sum(axis=1), rcond=None)[0]
        return middle + solution[:3]


def load_head_model() -> MorphableModel:
    """The head that ships with Likeness (hm08, CC0). Raises AssetBroken if its file is missing or damaged."""
    return _load_shipped(HEAD_ASSET, ALBEDO_ASSET)


@cache
def _load_shipped(head: Path, albedo: Path) -> MorphableModel:
    model = load_model(head)
    # Whoever builds the albedo needs the head before it.
    if not albedo.is_file():
        return model
    basis = read_albedo(albedo)
    if basis is None or not basis.fits(len(model.mean)):
        raise _broken(albedo)
    return replace(model, albedo=basis)


def save_model(model: MorphableModel, path: Path | BinaryIO) -> None:
    """Write a model as one compressed ``.npz``; displacements become 16-bit with one scale per component."""
    arrays: dict[str, NDArray] = {}
    for field in fields(MorphableModel):
        value = getattr(model, field.name)
        if isinstance(value, LandmarkEmbedding):
            arrays[f"{field.name}.vertices"] = value.vertices
            arrays[f"{field.name}.weights"] = value.weights
            if value.rows is not None:
                arrays[f"{field.name}.rows"] = value.rows
        elif field.name == "albedo":
            arrays |= packed(value) if value else {}
        elif field.name in ("identity", "expression"):
            arrays[field.name], arrays[f"{field.name}.scale"] = _to_int16(value)
        elif field.name == "regions":
            arrays["regions.names"] = np.array(sorted(value))
            arrays["regions.masks"] = np.packbits([value[name] for name in sorted(value)], axis=1)
        elif field.name == "uvs":
            arrays["uvs"] = np.round(value * UINT16_PEAK).astype(np.uint16)
        else:
            arrays[field.name] = np.array(value)
    np.savez_compressed(path, **arrays)


def load_model(path: Path) -> MorphableModel:
    """Read what :func:`save_model` wrote. Raises AssetBroken if it is missing, damaged or inconsistent."""
    try:
        with np.load(path, allow_pickle=False) as file:
            model = _model_of({name: file[name] for name in file.files})
    except (OSError, EOFError, zipfile.BadZipFile, zlib.error, KeyError, ValueError, IndexError) as error:
        raise _broken(path) from error
    if not _consistent(model):
        raise _broken(path)
    return model


def _model_of(arrays: dict[str, NDArray]) -> MorphableModel:
    count = len(arrays["mean"])
    masks = np.unpackbits(arrays["regions.masks"], axis=1, count=count).astype(np.bool_)
    return MorphableModel(
        name=str(arrays["name"]),
        licence=str(arrays["licence"]),
        commercial_use=bool(arrays["commercial_use"]),
        mean=arrays["mean"],
        identity=_from_int16(arrays["identity"], arrays["identity.scale"]),
        identity_std=arrays["identity_std"],
        expression=_from_int16(arrays["expression"], arrays["expression.scale"]),
        expression_names=tuple(str(name) for name in arrays["expression_names"]),
        polygons=arrays["polygons"],
        uvs=arrays["uvs"].astype(np.float32) / UINT16_PEAK,
        part_names=tuple(str(name) for name in arrays["part_names"]),
        polygon_part=arrays["polygon_part"],
        regions=dict(zip((str(name) for name in arrays["regions.names"]), masks, strict=True)),
        mirror=arrays["mirror"],
        landmarks_478=_embedding_of(arrays, "landmarks_478"),
        landmarks_68=_embedding_of(arrays, "landmarks_68"),
        source_vertex=arrays["source_vertex"],
        albedo=unpacked(arrays),
    )


def _consistent(model: MorphableModel) -> bool:
    """Whether all arrays speak of the same vertices, polygons and components, in finite numbers."""
    n, q = len(model.mean), len(model.polygons)
    k, e = len(model.identity_std), len(model.expression_names)
    shapes = (
        (model.mean, (n, 3)),
        (model.identity, (k, n, 3)),
        (model.expression, (e, n, 3)),
        (model.polygons, (q, 4)),
        (model.uvs, (q, 4, 2)),
        (model.polygon_part, (q,)),
        (model.mirror, (n,)),
        (model.source_vertex, (n,)),
        *_embedding_shapes(model.landmarks_478, MEDIAPIPE_POINTS),
        *_embedding_shapes(model.landmarks_68, IBUG_POINTS),
    )
    indices = (model.polygons[:, :3], model.mirror, model.landmarks_478.vertices, model.landmarks_68.vertices)
    numbers = (model.mean, model.identity, model.identity_std, model.expression)
    return (
        all(array.shape == shape for array, shape in shapes)
        and all(index.min() >= 0 and index.max() < n for index in (*indices, model.polygons[:, 3].clip(0)))
        and all(bool(np.isfinite(array).all()) for array in numbers)
        and model.polygon_part.max() < len(model.part_names)
        and (model.albedo is None or model.albedo.fits(n))
    )


def _embedding_shapes(embedding: LandmarkEmbedding, complete: int) -> list[tuple[NDArray, tuple[int, ...]]]:
    """The arrays of an embedding with the shapes that they must have."""
    count = complete if embedding.rows is None else len(embedding.rows)
    rows = [] if embedding.rows is None else [(embedding.rows, (count,))]
    return [(embedding.vertices, (count, 3)), (embedding.weights, (count, 3)), *rows]


def _embedding_of(arrays: dict[str, NDArray], name: str) -> LandmarkEmbedding:
    return LandmarkEmbedding(
        arrays[f"{name}.vertices"], arrays[f"{name}.weights"], arrays.get(f"{name}.rows")
    )


def _to_int16(values: NDArray[np.float32]) -> tuple[NDArray[np.int16], NDArray[np.float32]]:
    scale = np.abs(values).reshape(len(values), -1).max(axis=1) / INT16_PEAK
    scale = np.where(scale > 0, scale, 1.0).astype(np.float32)
    return np.round(values / scale[:, None, None]).astype(np.int16), scale


def _from_int16(values: NDArray[np.int16], scale: NDArray[np.float32]) -> NDArray[np.float32]:
    return values.astype(np.float32) * scale[:, None, None]


def _broken(path: Path) -> AssetBroken:
    return AssetBroken(
        f"A file that belongs to Likeness is missing or damaged: {path.name}.",
        "Install Likeness again; your own files are not affected.",
    )
