"""A reconstruction as Blender wants it: metres, Blender's axes, flat arrays, checked.

Everything that takes time happens here, in the job's thread, so that building is nothing but
handing arrays over.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..backend import payload
from ..backend.frames import MM_PER_M, Pose, head_to_blender
from ..backend.payload import BadPayload, MeshArrays
from ..backend.protocol import CameraHeader, MeshHeader, ReconstructionHeader
from .errors import ResultBroken

PHOTO_IMAGE = "photo"
PLATE_IMAGE = "plate"
FACE_MESH = "face"
DELIT_SUFFIX = "_albedo"
"""``face_albedo`` is the image ``face`` without the photo's light; it need not be there."""

MAX_IMAGE_SIDE = 16384
"""Blender's own limit on textures of most graphics cards."""

SQUARE_PIXEL_TOLERANCE = 1e-3
"""Blender's cameras know one focal length."""

_PNG_SIZE = slice(16, 24)
"""Width and height, big endian, in the first chunk of every PNG (PNG specification, 11.2.2)."""


@dataclass(frozen=True)
class ImageData:
    """A picture, still as the PNG file that Blender packs."""

    name: str
    png: bytes
    width: int
    height: int


@dataclass(frozen=True)
class MeshData:
    """One object, ready for ``foreach_set``."""

    header: MeshHeader
    origin_m: NDArray[np.float32]
    """(3,) place of the object's origin below the pivot."""
    vertices: NDArray[np.float32]
    """(N,3) m, Blender's axes, relative to the origin."""
    corners: NDArray[np.int32]
    """(L,) vertex of each polygon corner."""
    corner_starts: NDArray[np.int32]
    """(P,) first corner of each polygon."""
    corner_uvs: NDArray[np.float32]
    """(L,2)."""
    expression: NDArray[np.float32] | None
    """(E,N,3) m per unit weight."""
    identity: NDArray[np.float32] | None
    """(K,N,3) m per standard deviation."""
    known: NDArray[np.float32]
    """(N,) in [0,1] how well the photo saw each vertex."""
    seen_at: NDArray[np.float32]
    """(N,3) where in the photo: x and y as shares of its width and height (from its top left corner) times z,
    and z, so that it can be interpolated; 0 if that is not known."""


@dataclass(frozen=True)
class HeadData:
    """A head that can be built."""

    name: str
    """The photo's file name without its ending."""
    header: ReconstructionHeader
    pose: Pose
    identity: NDArray[np.float32]
    expression: NDArray[np.float32]
    meshes: tuple[MeshData, ...]
    images: dict[str, ImageData]


def decode_head(name: str, data: bytes) -> HeadData:
    """Read and check the payload of a reconstruction; ResultBroken if Blender could not build it."""
    try:
        received = payload.open_reconstruction(data)
        _check_camera(received.header.camera)
        check_rotation(received.rotation)
        images = {key: image_data(key, png) for key, png in received.images.items()}
        for key in (PHOTO_IMAGE, PLATE_IMAGE):
            if key not in images:
                raise BadPayload(f"image {key!r} is missing")
        if FACE_MESH not in received.meshes:
            raise BadPayload("there is no face")
    except BadPayload as error:
        raise ResultBroken(
            "The backend returned a damaged head ({reason})",
            "Try again; if it stays, update Likeness here and where the backend runs",
            reason=error,
        ) from error
    return HeadData(
        name,
        received.header,
        Pose(received.rotation, received.translation_mm),
        received.identity,
        received.expression,
        tuple(
            _mesh_data(entry, received.meshes[entry.name], received.header.camera)
            for entry in received.header.meshes
        ),
        images,
    )


def image_data(name: str, png: bytes) -> ImageData:
    """Look up the size of a PNG; BadPayload if it has none that Blender can hold."""
    size = png[_PNG_SIZE]
    width, height = int.from_bytes(size[:4], "big"), int.from_bytes(size[4:], "big")
    if not (0 < width <= MAX_IMAGE_SIDE and 0 < height <= MAX_IMAGE_SIDE):
        raise BadPayload(f"image {name!r} has {width} x {height} pixels")
    return ImageData(name, png, width, height)


def _check_camera(camera: CameraHeader) -> None:
    if min(camera.fx, camera.fy) <= 0 or min(camera.width, camera.height) < 1:
        raise BadPayload("the camera has no size")
    if abs(camera.fx / camera.fy - 1) > SQUARE_PIXEL_TOLERANCE:
        raise BadPayload("the camera's pixels are not square")


def check_rotation(rotation: NDArray[np.floating]) -> None:
    """BadPayload unless (3,3) is a rotation."""
    if not np.allclose(rotation @ rotation.T, np.eye(3), atol=1e-4) or np.linalg.det(rotation) < 0:
        raise BadPayload("the pose is no rotation")


def _mesh_data(header: MeshHeader, arrays: MeshArrays, camera: CameraHeader) -> MeshData:
    """Drop the padding of triangles and convert to Blender's frame."""
    used = arrays.polygons >= 0
    sizes = used.sum(axis=1, dtype=np.int32)
    starts = np.zeros(len(sizes), np.int32)
    np.cumsum(sizes[:-1], out=starts[1:])
    return MeshData(
        header,
        head_to_blender(np.array(header.origin_mm, np.float32)),
        _contiguous(arrays.vertices),
        np.ascontiguousarray(arrays.polygons[used]),
        starts,
        np.ascontiguousarray(arrays.uvs[used]),
        None if arrays.expression is None else _contiguous(arrays.expression),
        None if arrays.identity is None else _contiguous(arrays.identity),
        np.zeros(len(arrays.vertices), np.float32) if arrays.known is None else arrays.known,
        _seen_at(arrays, camera),
    )


def _seen_at(arrays: MeshArrays, camera: CameraHeader) -> NDArray[np.float32]:
    if arrays.seen_at is None:
        return np.zeros((len(arrays.vertices), 3), np.float32)
    x, y, z = arrays.seen_at.T / MM_PER_M
    across = (camera.fx * x + (camera.cx + 0.5) * z) / camera.width
    down = (camera.fy * y + (camera.cy + 0.5) * z) / camera.height
    return np.stack([across, down, z], axis=1).astype(np.float32)


def _contiguous(points_mm: NDArray[np.floating]) -> NDArray[np.float32]:
    return np.ascontiguousarray(head_to_blender(points_mm.astype(np.float32)))
