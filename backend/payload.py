"""Arrays on the wire: pack and unpack payloads, and trust nothing that comes in.

A payload is an ``.npz`` archive without compression and without pickles (see
:mod:`backend.protocol`). This module runs in the backend and inside Blender, so it needs nothing
but the standard library and numpy 1.24 to 2.x.

What comes in is refused with :class:`BadPayload` unless it has exactly the form that :func:`pack`
writes. Nothing is compressed, so nothing can grow while it is read, and the headers of the arrays
are matched against one pattern instead of being evaluated.
"""

from __future__ import annotations

import io
import json
import math
import re
import zipfile
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from .protocol import (
    LIGHT_TERMS,
    MAX_PAYLOAD_BYTES,
    PROTOCOL,
    MeshHeader,
    ReconstructionHeader,
    decode,
    to_json,
)

HEADER = "header"
"""Member that holds the JSON header."""
IMAGE_PREFIX = "image/"
"""Members below it are files of images (PNG), as bytes."""

ALLOWED_DTYPES = ("|u1", "|b1", "<i4", "<i8", "<f2", "<f4", "<f8")

_NAME = re.compile(r"[A-Za-z0-9_]+(/[A-Za-z0-9_]+)*")
_MAX_NAME_LENGTH = 100
_NPY_MAGIC = b"\x93NUMPY\x01\x00"
_NPY_PREFIX_BYTES = 10  # magic, version and the length of the header
_NPY_HEADER = re.compile(
    rb"\{'descr': '([<|][a-z]\d)', 'fortran_order': False, 'shape': \(((?:\d{1,12},? ?){0,8})\), \} *\n"
)
_PNG_MAGIC = b"\x89PNG\r\n\x1a\n"


class BadPayload(ValueError):
    """The bytes are no payload of this protocol."""


@dataclass(frozen=True)
class PayloadLimits:
    """How much a payload may hold."""

    max_bytes: int = MAX_PAYLOAD_BYTES
    max_members: int = 256
    max_header_bytes: int = 1024 * 1024


def pack(header: object, arrays: dict[str, NDArray[Any]]) -> bytes:
    """A wire dataclass and named arrays (C order, little endian, of ``ALLOWED_DTYPES``) as bytes."""
    text = to_json(header)
    members = {HEADER: np.frombuffer(text.encode(), np.uint8), **arrays}
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_STORED) as archive:
        for name, array in members.items():
            if not _is_name(name) or array.dtype.str not in ALLOWED_DTYPES:
                raise BadPayload(f"{name!r} of type {array.dtype} cannot travel")
            with archive.open(f"{name}.npy", "w", force_zip64=array.nbytes >= zipfile.ZIP64_LIMIT) as member:
                np.lib.format.write_array(
                    member,
                    np.ascontiguousarray(array).reshape(array.shape),
                    (1, 0),
                    allow_pickle=False,
                )
    return stream.getvalue()


def unpack(
    data: bytes, limits: PayloadLimits = PayloadLimits()
) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """The header (still a plain dict) and the arrays (read-only) of a payload; BadPayload if unfit."""
    if len(data) > limits.max_bytes:
        raise BadPayload(f"more than {limits.max_bytes} bytes")
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = _checked_members(archive.infolist(), limits)
            arrays = {name: _array(name, archive.read(info)) for name, info in members.items()}
    except BadPayload:
        raise
    except (
        zipfile.BadZipFile,
        NotImplementedError,
        RuntimeError,
        EOFError,
        OSError,
        ValueError,  # a directory that points before the file's beginning
    ) as error:
        raise BadPayload(f"damaged archive: {error}") from error
    return _header(arrays.pop(HEADER, None), limits), arrays


def _is_name(name: str) -> bool:
    return len(name) <= _MAX_NAME_LENGTH and _NAME.fullmatch(name) is not None


def _checked_members(infos: list[zipfile.ZipInfo], limits: PayloadLimits) -> dict[str, zipfile.ZipInfo]:
    """Members by name, after a look at count, names, kind and total size; nothing is read yet."""
    if len(infos) > limits.max_members:
        raise BadPayload(f"more than {limits.max_members} members")
    if sum(info.file_size for info in infos) > limits.max_bytes:
        raise BadPayload(f"more than {limits.max_bytes} bytes")
    members: dict[str, zipfile.ZipInfo] = {}
    for info in infos:
        name = info.filename.removesuffix(".npy")
        if name == info.filename or not _is_name(name) or name in members:
            raise BadPayload(f"member {info.filename!r:.120} is not allowed")
        if info.compress_type != zipfile.ZIP_STORED or info.file_size != info.compress_size:
            raise BadPayload(f"member {name!r} is compressed")
        members[name] = info
    return members


def _array(name: str, data: bytes) -> NDArray[Any]:
    """One ``.npy`` file (version 1.0) as a read-only array over the same bytes."""
    length = int.from_bytes(data[8:_NPY_PREFIX_BYTES], "little")
    start = _NPY_PREFIX_BYTES + length
    match = _NPY_HEADER.fullmatch(data[_NPY_PREFIX_BYTES:start])
    if not data.startswith(_NPY_MAGIC) or match is None:
        raise BadPayload(f"array {name!r} has an unknown form")
    dtype = match[1].decode()
    shape = tuple(int(size) for size in re.findall(rb"\d+", match[2]))
    if dtype not in ALLOWED_DTYPES:
        raise BadPayload(f"array {name!r} has the type {dtype}")
    if math.prod(shape) * np.dtype(dtype).itemsize != len(data) - start:
        raise BadPayload(f"array {name!r} does not fill its shape {shape}")
    try:
        return np.frombuffer(data, np.dtype(dtype), offset=start).reshape(shape)
    except ValueError as error:  # numpy multiplies the sizes even when one of them is 0
        raise BadPayload(f"array {name!r} has an impossible shape") from error


def _header(member: NDArray[Any] | None, limits: PayloadLimits) -> dict[str, Any]:
    """The JSON header as a dict whose ``protocol`` is ours."""
    if member is None or member.dtype != np.uint8 or member.nbytes > limits.max_header_bytes:
        raise BadPayload("no header")
    try:
        header: Any = json.loads(member.tobytes())
    except (ValueError, RecursionError) as error:
        raise BadPayload("the header is not JSON") from error
    if not isinstance(header, dict):
        raise BadPayload("the header is not an object")
    fields = cast("dict[str, Any]", header)
    if fields.get("protocol") != PROTOCOL:
        raise BadPayload(f"protocol {fields.get('protocol')!r:.20} instead of {PROTOCOL}")
    return fields


def image_arrays(images: dict[str, bytes]) -> dict[str, NDArray[np.uint8]]:
    """Image files by name as arrays of a payload."""
    return {IMAGE_PREFIX + name: np.frombuffer(data, np.uint8) for name, data in images.items()}


def image_bytes(arrays: dict[str, NDArray[Any]], name: str) -> bytes:
    """The PNG file called ``name``; BadPayload if it is missing or no PNG."""
    array = arrays.get(IMAGE_PREFIX + name)
    if array is None or array.dtype != np.uint8 or array.ndim != 1:
        raise BadPayload(f"no image {name!r}")
    data = array.tobytes()
    if not data.startswith(_PNG_MAGIC):
        raise BadPayload(f"image {name!r} is no PNG")
    return data


@dataclass(frozen=True)
class MeshArrays:
    """The arrays of one mesh; shapes and units as in :class:`backend.protocol.MeshHeader`."""

    vertices: NDArray[np.float32]
    polygons: NDArray[np.int32]
    uvs: NDArray[np.float32]
    expression: NDArray[np.float16] | None = None
    identity: NDArray[np.float16] | None = None
    known: NDArray[np.float32] | None = None
    seen_at: NDArray[np.float32] | None = None


def mesh_arrays(name: str, mesh: MeshArrays) -> dict[str, NDArray[Any]]:
    """The members of a payload that carry ``mesh``."""
    arrays: dict[str, NDArray[Any] | None] = {
        "vertices": mesh.vertices,
        "polygons": mesh.polygons,
        "uvs": mesh.uvs,
        "expression": mesh.expression,
        "identity": mesh.identity,
        "known": mesh.known,
        "seen_at": mesh.seen_at,
    }
    return {f"mesh/{name}/{key}": array for key, array in arrays.items() if array is not None}


def validated_mesh(arrays: dict[str, NDArray[Any]], name: str) -> MeshArrays:
    """The mesh called ``name``, fit to be handed to Blender: types, shapes, finite, indices in range."""
    prefix = f"mesh/{name}/"
    vertices = _checked(arrays, prefix + "vertices", "<f4", (None, 3))
    polygons = _checked(arrays, prefix + "polygons", "<i4", (None, 4))
    uvs = _checked(arrays, prefix + "uvs", "<f4", (len(polygons), 4, 2))
    _check_polygons(name, polygons, len(vertices))
    keys = {
        key: _checked(arrays, prefix + key, "<f2", (None, len(vertices), 3))
        for key in ("expression", "identity")
        if prefix + key in arrays
    }
    seen = {
        key: _checked(arrays, prefix + key, "<f4", shape)
        for key, shape in (("known", (len(vertices),)), ("seen_at", (len(vertices), 3)))
        if prefix + key in arrays
    }
    return MeshArrays(vertices, polygons, uvs, **keys, **seen)


def _check_polygons(name: str, polygons: NDArray[np.int32], vertex_count: int) -> None:
    """Corners lie in range and differ; only the last corner may be -1 (a triangle)."""
    if not len(polygons):
        return
    corners = polygons[:, :3]
    if corners.min() < 0 or polygons[:, 3].min() < -1 or polygons.max() >= vertex_count:
        raise BadPayload(f"mesh {name!r} points outside its vertices")
    ordered = np.sort(polygons, axis=1)
    if (ordered[:, 1:] == ordered[:, :-1]).any():
        raise BadPayload(f"mesh {name!r} has a polygon with the same corner twice")


def _checked(
    arrays: dict[str, NDArray[Any]],
    name: str,
    dtype: str,
    shape: tuple[int | None, ...],
) -> NDArray[Any]:
    """The array called ``name`` if it has this type and shape (None: any size) and is finite."""
    array = arrays.get(name)
    if array is None:
        raise BadPayload(f"array {name!r} is missing")
    fits = array.ndim == len(shape) and all(
        want in (None, size) for want, size in zip(shape, array.shape, strict=True)
    )
    if array.dtype.str != dtype or not fits:
        raise BadPayload(f"array {name!r} is {array.dtype.str} {array.shape}, not {dtype} {shape}")
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise BadPayload(f"array {name!r} has values that are not numbers")
    return array


@dataclass(frozen=True)
class ReconstructionPayload:
    """A reconstruction as it arrives: checked, but with its images still as PNG files."""

    header: ReconstructionHeader
    meshes: dict[str, MeshArrays]
    """By name, in the order of ``header.meshes``."""
    images: dict[str, bytes]
    """PNG files by name."""
    identity: NDArray[np.float32]
    expression: NDArray[np.float32]
    rotation: NDArray[np.float64]
    translation_mm: NDArray[np.float64]


def open_reconstruction(data: bytes, limits: PayloadLimits = PayloadLimits()) -> ReconstructionPayload:
    """Read and check everything of a reconstruction's payload; BadPayload if anything is unfit."""
    fields, arrays = unpack(data, limits)
    try:
        header = decode(ReconstructionHeader, fields)
    except ValueError as error:
        raise BadPayload(str(error)) from error
    if header.light is not None and len(header.light) != LIGHT_TERMS:
        raise BadPayload(f"the light has {len(header.light)} terms")
    expression = _checked(arrays, "expression", "<f4", (len(header.expression_names),))
    identity = _checked(arrays, "identity", "<f4", (None,))
    meshes: dict[str, MeshArrays] = {}
    for entry in header.meshes:
        meshes[entry.name] = mesh = validated_mesh(arrays, entry.name)
        _check_mesh_header(entry, mesh, header, len(identity))
    if len(meshes) != len(header.meshes):
        raise BadPayload("two meshes have the same name")
    return ReconstructionPayload(
        header,
        meshes,
        {name: image_bytes(arrays, name) for name in header.images},
        identity,
        expression,
        _checked(arrays, "rotation", "<f8", (3, 3)),
        _checked(arrays, "translation_mm", "<f8", (3,)),
    )


def _check_mesh_header(
    entry: MeshHeader,
    mesh: MeshArrays,
    header: ReconstructionHeader,
    identity_count: int,
) -> None:
    """The header's promises about one mesh hold: its image is there, its shape keys have names."""
    if entry.image not in header.images:
        raise BadPayload(f"mesh {entry.name!r} has no image")
    if entry.has_shape_keys != (mesh.expression is not None or mesh.identity is not None):
        raise BadPayload(f"mesh {entry.name!r} and its header disagree about shape keys")
    if mesh.expression is not None and len(mesh.expression) != len(header.expression_names):
        raise BadPayload(f"mesh {entry.name!r} has unnamed expressions")
    if mesh.identity is not None and len(mesh.identity) != identity_count:
        raise BadPayload(f"mesh {entry.name!r} has a wrong number of identity shapes")
