"""The backend's side of the wire: records to payloads and back.

Pictures travel as PNG with a light compression: on loopback, encoding costs more than bytes do.
"""

from __future__ import annotations

import struct
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from .camera import Camera
from .frames import Pose
from .payload import (
    IMAGE_PREFIX,
    BadPayload,
    MeshArrays,
    image_arrays,
    image_bytes,
    mesh_arrays,
    open_reconstruction,
    pack,
    unpack,
)
from .protocol import (
    CameraHeader,
    MeasureHeader,
    MeshHeader,
    ReconstructionHeader,
    RefineHeader,
    StillHeader,
    decode,
)
from .reconstruction import Reconstruction, TexturedMesh
from .still import Still
from .transfer import FaceMeasure

PNG_OPTIONS = (
    *(cv2.IMWRITE_PNG_COMPRESSION, 1),
    *(cv2.IMWRITE_PNG_STRATEGY, cv2.IMWRITE_PNG_STRATEGY_RLE),
    *(cv2.IMWRITE_PNG_FILTER, cv2.IMWRITE_PNG_FILTER_AVG),
)
"""A noisy 2048 x 2048 RGB picture takes 0.17 s of one CPU core with these, 0.33 s at level 1 alone and
1.9 s at level 6, and gets 10 % smaller than at either."""

MAX_PICTURE_PIXELS = 64_000_000
"""As many as a photo may have; a PNG that announces more is not decoded."""

Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class RefineRequest:
    """A coarse render of a turned head and what lies behind it."""

    coarse: Pixels
    """(H,W,4) sRGB, straight alpha."""
    known: Pixels
    """(H,W) 255 where the photo saw what is shown, see :class:`backend.repose.CoarseRender`."""
    place: NDArray[np.float32]
    """(H,W,2) where in the photo, as shares of its width and height from its top left corner."""
    plate: Pixels
    """(h,w,3) sRGB, of any size: it is scaled to cover the picture."""
    transparent: bool = False
    photo: Pixels | None = None
    """(h,w,3) sRGB, if the render's colours come from it."""
    surroundings: Pixels | None = None
    """(H,W,4) sRGB, straight alpha: other objects of the scene, with the head cut out of them."""


def pack_reconstruction(reconstruction: Reconstruction) -> bytes:
    """A reconstruction as a payload (see :class:`backend.protocol.ReconstructionHeader`)."""
    r = reconstruction
    header = ReconstructionHeader(
        camera=CameraHeader(**asdict(r.camera)),
        pose_deg=r.pose.angles_deg,
        meshes=tuple(_mesh_header(mesh) for mesh in r.meshes),
        images=tuple(r.images),
        expression_names=r.expression_names,
        model=r.model,
        warnings=r.warnings,
        timings_ms=r.timings_ms,
        interim=r.interim,
        light=None if r.light is None else tuple(tuple(term) for term in r.light.tolist()),
        surprise=r.surprise,
    )
    arrays: dict[str, NDArray[Any]] = {
        "identity": r.identity.astype(np.float32),
        "expression": r.expression.astype(np.float32),
        "rotation": r.pose.rotation.astype(np.float64),
        "translation_mm": r.pose.translation_mm.astype(np.float64),
    }
    for mesh in r.meshes:
        arrays |= mesh_arrays(mesh.name, _mesh_arrays(mesh))
    return pack(header, arrays | _encode_all(r.images))


def unpack_reconstruction(data: bytes) -> Reconstruction:
    """Inverse of :func:`pack_reconstruction`; BadPayload if ``data`` is unfit."""
    opened = open_reconstruction(data)
    header = opened.header
    meshes = tuple(
        TexturedMesh(
            **{key: value for key, value in asdict(entry).items() if key != "has_shape_keys"},
            **vars(opened.meshes[entry.name]),
        )
        for entry in header.meshes
    )
    return Reconstruction(
        camera=Camera(**asdict(header.camera)),
        pose=Pose(opened.rotation, opened.translation_mm),
        identity=opened.identity,
        expression=opened.expression,
        expression_names=header.expression_names,
        meshes=meshes,
        images={name: decode_png(data) for name, data in opened.images.items()},
        model=header.model,
        warnings=header.warnings,
        timings_ms=header.timings_ms,
        interim=header.interim,
        light=None if header.light is None else np.array(header.light, np.float32),
        surprise=header.surprise,
    )


def pack_measure(measure: FaceMeasure) -> bytes:
    """A measured face as a payload."""
    rows = tuple(tuple(row) for row in measure.pose.rotation.tolist())
    place = tuple(measure.pose.translation_mm.tolist())
    return pack(MeasureHeader(rows, place, measure.expression, measure.model, measure.warnings), {})


def unpack_measure(data: bytes) -> FaceMeasure:
    """Inverse of :func:`pack_measure`; BadPayload if ``data`` is unfit."""
    header = _decoded(MeasureHeader, unpack(data)[0])
    pose = Pose(np.array(header.rotation), np.array(header.translation_mm))
    return FaceMeasure(pose, header.expression, header.model, header.warnings)


def pack_refine_request(request: RefineRequest) -> bytes:
    """A refine request as a payload."""
    height, width = request.coarse.shape[:2]
    images = {"coarse": request.coarse, "plate": request.plate}
    for name, picture in (("photo", request.photo), ("surroundings", request.surroundings)):
        if picture is not None:
            images[name] = picture
    opaque = np.full(request.known.shape, 65535.0)
    numbers = np.dstack([257.0 * request.known, 65535.0 * request.place[..., ::-1].clip(0, 1), opaque])
    known = cv2.imencode(".png", np.rint(numbers).astype(np.uint16))[1]
    arrays = _encode_all(images) | image_arrays({"known": known.tobytes()})
    return pack(RefineHeader(width, height, request.transparent), arrays)


def unpack_refine_request(data: bytes) -> RefineRequest:
    """Inverse of :func:`pack_refine_request`; BadPayload if ``data`` is unfit."""
    fields, arrays = unpack(data)
    header = _decoded(RefineHeader, fields)
    size = (header.height, header.width)
    coarse = decode_png(image_bytes(arrays, "coarse"), (*size, 4))
    numbers = decode_png(image_bytes(arrays, "known"), (*size, 4), np.uint16).astype(np.float32) / 65535
    known = np.rint(255 * numbers[..., 2] * numbers[..., 3]).astype(np.uint8)
    place = numbers[..., :2]
    plate = _rgb(arrays, "plate")
    photo = _rgb(arrays, "photo") if IMAGE_PREFIX + "photo" in arrays else None
    surroundings = None
    if IMAGE_PREFIX + "surroundings" in arrays:
        surroundings = decode_png(image_bytes(arrays, "surroundings"), (*size, 4))
    return RefineRequest(coarse, known, place, plate, header.transparent, photo, surroundings)


def _rgb(arrays: dict[str, NDArray[Any]], name: str) -> Pixels:
    """An RGB picture of any size."""
    picture = decode_png(image_bytes(arrays, name))
    if picture.shape[2:] != (3,):
        raise BadPayload(f"the {name} is no RGB picture")
    return picture


def pack_still(still: Still) -> bytes:
    """A still as a payload."""
    height, width = still.pixels.shape[:2]
    header = StillHeader(width, height, float(still.invented_share), still.method, still.interim)
    return pack(header, _encode_all({"still": still.pixels, "invented": still.invented}))


def unpack_still(data: bytes) -> Still:
    """Inverse of :func:`pack_still`; BadPayload if ``data`` is unfit."""
    fields, arrays = unpack(data)
    header = _decoded(StillHeader, fields)
    size = (header.height, header.width)
    pixels = decode_png(image_bytes(arrays, "still"))
    if pixels.shape[:2] != size:
        raise BadPayload("the still has another size than its header says")
    invented = decode_png(image_bytes(arrays, "invented"), size)
    return Still(pixels, invented, header.invented_share, header.method, header.interim)


def encode_png(pixels: Pixels) -> bytes:
    """(H,W), (H,W,3) RGB or (H,W,4) RGBA uint8 as a PNG file."""
    channels = 1 if pixels.ndim == 2 else pixels.shape[2]
    order = {1: None, 3: cv2.COLOR_RGB2BGR, 4: cv2.COLOR_RGBA2BGRA}[channels]
    stored = pixels if order is None else cv2.cvtColor(pixels, order)
    _, data = cv2.imencode(".png", stored, PNG_OPTIONS)
    return data.tobytes()


def _encode_all(images: dict[str, Pixels]) -> dict[str, NDArray[np.uint8]]:
    """Images as members of a payload; OpenCV lets other threads run while it encodes."""
    with ThreadPoolExecutor(max_workers=4) as pool:
        return image_arrays(dict(zip(images, pool.map(encode_png, images.values()), strict=True)))


def decode_png(
    data: bytes, shape: tuple[int, ...] | None = None, dtype: type[np.unsignedinteger] = np.uint8
) -> NDArray[Any]:
    """Inverse of :func:`encode_png`; BadPayload if broken, too large, or not of ``shape`` and ``dtype``."""
    if len(data) < 24:  # signature, and the size in the first chunk
        raise BadPayload("a picture is damaged")
    width, height = struct.unpack(">II", data[16:24])
    if width * height > MAX_PICTURE_PIXELS:
        raise BadPayload("a picture is too large")
    stored = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if stored is None or stored.dtype != dtype:
        raise BadPayload("a picture is damaged")
    order = {2: None, 3: cv2.COLOR_BGR2RGB, 4: cv2.COLOR_BGRA2RGBA}[
        stored.shape[2] if stored.ndim == 3 else 2
    ]
    pixels = stored if order is None else cv2.cvtColor(stored, order)
    if shape is not None and pixels.shape != shape:
        raise BadPayload(f"a picture is {pixels.shape}, not {shape}")
    return pixels


def _decoded(kind: type[Any], fields: dict[str, Any]) -> Any:
    """A header of this kind; BadPayload if a field does not fit."""
    try:
        return decode(kind, fields)
    except ValueError as error:
        raise BadPayload(str(error)) from error


def _mesh_header(mesh: TexturedMesh) -> MeshHeader:
    return MeshHeader(
        name=mesh.name,
        image=mesh.image,
        origin_mm=tuple(float(value) for value in mesh.origin_mm),  # type: ignore[arg-type]
        follows_head=mesh.follows_head,
        has_alpha=mesh.has_alpha,
        visible=mesh.visible,
        has_shape_keys=mesh.expression is not None or mesh.identity is not None,
    )


def _mesh_arrays(mesh: TexturedMesh) -> MeshArrays:
    return MeshArrays(
        vertices=mesh.vertices.astype(np.float32),
        polygons=mesh.polygons.astype(np.int32),
        uvs=mesh.uvs.astype(np.float32),
        expression=None if mesh.expression is None else mesh.expression.astype(np.float16),
        identity=None if mesh.identity is None else mesh.identity.astype(np.float16),
        known=None if mesh.known is None else mesh.known.astype(np.float32),
        seen_at=None if mesh.seen_at is None else mesh.seen_at.astype(np.float32),
    )
