"""One scene on its way to Blender: plain arrays in Blender's axes and units. Standard library and numpy only.

It travels as a payload (:mod:`backend.payload`): an ``.npz`` without pickles, whose header and arrays are
checked on arrival. Everything is in *stage* space: the view frame (:mod:`train.synth.view`) in Blender's axes
and metres, so that the camera looks along +y and light stays where it is when a head turns.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backend.payload import BadPayload, pack, unpack
from backend.protocol import PROTOCOL, decode

Floats = NDArray[np.float32]
CLASSES = 8
"""Classes of the evaluation format, background included."""


@dataclass(frozen=True)
class LensHeader:
    """Blender's camera, see docs/conventions.md."""

    size: int
    """Pixels along each side of the square picture."""
    focal_mm: float
    """On a sensor of 36 mm, fitted horizontally; pixels are square."""
    shift_x: float
    shift_y: float
    location: tuple[float, float, float]


@dataclass(frozen=True)
class LampHeader:
    """A distant lamp."""

    direction: tuple[float, float, float]
    """Unit vector towards the lamp."""
    colour: tuple[float, float, float]
    """1 lights a matt white surface that faces it to 1."""
    angle_deg: float
    """How large the lamp looks from the head: softness of its shadows."""


@dataclass(frozen=True)
class FinishHeader:
    """How a surface takes light; as in :class:`train.synth.person.Surface`."""

    specular: float
    roughness: float
    translucent: bool


@dataclass(frozen=True)
class StrandsHeader:
    """Hairs of one kind."""

    region: int
    specular: float


@dataclass(frozen=True)
class SceneHeader:
    """Everything about a scene that is no array."""

    lens: LensHeader
    lamps: tuple[LampHeader, ...]
    finishes: tuple[FinishHeader, ...]
    """One for each mesh."""
    strands: tuple[StrandsHeader, ...]
    seed: int
    protocol: int = PROTOCOL


@dataclass(frozen=True)
class Mesh:
    """One opaque surface."""

    vertices: Floats
    """(N,3) m."""
    triangles: NDArray[np.int32]
    """(T,3)."""
    uvs: Floats
    """(T,3,2), v up."""
    texture: Floats
    """(h,w,3) linear albedo, row 0 on top."""
    region: NDArray[np.uint8]
    """(T,)."""


@dataclass(frozen=True)
class Fibres:
    """Hairs of one kind."""

    points: Floats
    """(N,K,3) m from root to tip."""
    colour: Floats
    """(N,3) linear."""
    width: Floats
    """(N,) m at the root."""


@dataclass(frozen=True)
class Parcel:
    """One scene."""

    header: SceneHeader
    sky: Floats
    """(H,W,3) radiance around the head in Blender's equirectangular layout, row 0 on top."""
    meshes: tuple[Mesh, ...]
    fibres: tuple[Fibres, ...]


def to_bytes(parcel: Parcel) -> bytes:
    """The parcel as a payload."""
    arrays: dict[str, NDArray[Any]] = {"sky": parcel.sky}
    for i, mesh in enumerate(parcel.meshes):
        arrays |= {f"mesh/{i}/{key}": value for key, value in vars(mesh).items()}
    for i, fibres in enumerate(parcel.fibres):
        arrays |= {f"fibres/{i}/{key}": value for key, value in vars(fibres).items()}
    return pack(parcel.header, arrays)


def from_bytes(data: bytes) -> Parcel:
    """Read and check a parcel. Raises BadPayload if anything about it is unfit."""
    fields, arrays = unpack(data)
    try:
        header = decode(SceneHeader, fields)
        meshes = tuple(_mesh(arrays, f"mesh/{i}/") for i in range(len(header.finishes)))
        fibres = tuple(_fibres(arrays, f"fibres/{i}/") for i in range(len(header.strands)))
        return Parcel(header, _checked(arrays, "sky", "<f4", (None, None, 3)), meshes, fibres)
    except (ValueError, KeyError) as error:
        raise BadPayload(str(error)) from error


def _mesh(arrays: dict[str, NDArray[Any]], prefix: str) -> Mesh:
    vertices = _checked(arrays, prefix + "vertices", "<f4", (None, 3))
    triangles = _checked(arrays, prefix + "triangles", "<i4", (None, 3))
    if len(triangles) and not 0 <= triangles.min() <= triangles.max() < len(vertices):
        raise BadPayload(f"{prefix} points outside its vertices")
    count = len(triangles)
    region = _checked(arrays, prefix + "region", "|u1", (count,))
    if count and region.max() >= CLASSES:
        raise BadPayload(f"{prefix} has an unknown class")
    uvs = _checked(arrays, prefix + "uvs", "<f4", (count, 3, 2))
    return Mesh(
        vertices, triangles, uvs, _checked(arrays, prefix + "texture", "<f4", (None, None, 3)), region
    )


def _fibres(arrays: dict[str, NDArray[Any]], prefix: str) -> Fibres:
    points = _checked(arrays, prefix + "points", "<f4", (None, None, 3))
    count = len(points)
    colour = _checked(arrays, prefix + "colour", "<f4", (count, 3))
    return Fibres(points, colour, _checked(arrays, prefix + "width", "<f4", (count,)))


def _checked(
    arrays: dict[str, NDArray[Any]], name: str, dtype: str, shape: tuple[int | None, ...]
) -> NDArray[Any]:
    """The array called ``name`` if it is finite and has this type and shape (None: any size)."""
    array = arrays[name]
    fits = len(shape) == array.ndim and all(
        want in (None, size) for want, size in zip(shape, array.shape, strict=True)
    )
    if array.dtype.str != dtype or not fits:
        raise BadPayload(f"array {name!r} is {array.dtype.str} {array.shape}, not {dtype} {shape}")
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise BadPayload(f"array {name!r} has values that are not numbers")
    return array
