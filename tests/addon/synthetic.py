"""A head made of ellipsoids, whose textures are its own photo: what the fake backend returns.

numpy and the standard library only, for it also runs inside Blender's Python.
"""

from __future__ import annotations

import struct
import zlib

import numpy as np

from backend import payload
from backend.camera import Camera
from backend.frames import Pose, rotation_from_angles
from backend.payload import MeshArrays
from backend.protocol import (
    CameraHeader,
    MeasureHeader,
    MeshHeader,
    ReconstructionHeader,
    RefineHeader,
    StillHeader,
    decode,
)

WIDTH, HEIGHT = 200, 240
CAMERA = Camera(fx=420.0, fy=420.0, cx=91.0, cy=128.5, width=WIDTH, height=HEIGHT)
"""Principal point off the middle, so that shifts matter."""
YAW, PITCH, ROLL = 14.0, -6.0, 4.0
POSE = Pose(rotation_from_angles(YAW, PITCH, ROLL), np.array([12.0, -8.0, 620.0]))
SOURCE_POSE = Pose(rotation_from_angles(-25.0, 8.0, -3.0), np.array([150.0, 30.0, 900.0]))
"""Of the person in the photo from which another head copies."""

# fmt: off
EXPRESSIONS = (
    "browDownLeft", "browDownRight", "browInnerUp", "browOuterUpLeft", "browOuterUpRight",
    "cheekPuff", "cheekSquintLeft", "cheekSquintRight", "eyeBlinkLeft", "eyeBlinkRight",
    "eyeLookDownLeft", "eyeLookDownRight", "eyeLookInLeft", "eyeLookInRight", "eyeLookOutLeft",
    "eyeLookOutRight", "eyeLookUpLeft", "eyeLookUpRight", "eyeSquintLeft", "eyeSquintRight",
    "eyeWideLeft", "eyeWideRight", "jawForward", "jawLeft", "jawOpen", "jawRight", "mouthClose",
    "mouthDimpleLeft", "mouthDimpleRight", "mouthFrownLeft", "mouthFrownRight", "mouthFunnel",
    "mouthLeft", "mouthLowerDownLeft", "mouthLowerDownRight", "mouthPressLeft", "mouthPressRight",
    "mouthPucker", "mouthRight", "mouthRollLower", "mouthRollUpper", "mouthShrugLower",
    "mouthShrugUpper", "mouthSmileLeft", "mouthSmileRight", "mouthStretchLeft", "mouthStretchRight",
    "mouthUpperUpLeft", "mouthUpperUpRight", "noseSneerLeft", "noseSneerRight", "tongueOut",
)
# fmt: on
IDENTITIES = 80
DELIT_GREY = 150
JAW_OPEN = EXPRESSIONS.index("jawOpen")


def png(pixels: np.ndarray) -> bytes:
    """Encode (H,W,1|3|4) uint8 as PNG."""
    height, width, channels = pixels.shape
    rows = np.concatenate([np.zeros((height, 1), np.uint8), pixels.reshape(height, -1)], axis=1)

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    colour = {1: 0, 3: 2, 4: 6}[channels]
    header = struct.pack(">IIBBBBB", width, height, 8, colour, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(rows.tobytes(), 1))
        + chunk(b"IEND", b"")
    )


def photo_pixels() -> np.ndarray:
    """A smooth colourful picture (H,W,3) without symmetry."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float64)
    red = 120 + 80 * np.sin(x / 17.0) * np.cos(y / 23.0)
    green = 255 * x / WIDTH
    blue = 255 * y / HEIGHT
    return np.stack([red, green, blue], axis=-1).clip(0, 255).astype(np.uint8)


def ellipsoid(radii: tuple[float, float, float], rows: int, columns: int) -> tuple[np.ndarray, np.ndarray]:
    """Vertices (N,3) and quads (P,4), triangles at the poles; counter-clockwise from outside."""
    theta = np.linspace(0, np.pi, rows + 1)[1:-1]
    phi = np.linspace(0, 2 * np.pi, columns, endpoint=False)
    ring = np.stack(
        [
            np.outer(np.sin(theta), np.sin(phi)),
            np.repeat(np.cos(theta)[:, None], columns, 1),
            np.outer(np.sin(theta), np.cos(phi)),
        ],
        axis=-1,
    ).reshape(-1, 3)
    vertices = np.concatenate([[[0.0, 1.0, 0.0]], ring, [[0.0, -1.0, 0.0]]]) * np.array(radii)
    last = len(vertices) - 1
    polygons = []
    for column in range(columns):
        after = (column + 1) % columns
        polygons.append((0, 1 + column, 1 + after, -1))
        for row in range(rows - 2):
            a, b = 1 + row * columns + column, 1 + row * columns + after
            polygons.append((a, a + columns, b + columns, b))
        bottom = 1 + (rows - 2) * columns
        polygons.append((bottom + column, last, bottom + after, -1))
    return vertices.astype(np.float32), np.array(polygons, np.int32)


def photo_uvs(vertices: np.ndarray, polygons: np.ndarray, origin: np.ndarray) -> np.ndarray:
    """Texture coordinates that pin the photo to the mesh as the camera sees it."""
    pixels = CAMERA.project(POSE.to_camera((vertices + origin).astype(np.float64)))
    uv = np.stack([(pixels[:, 0] + 0.5) / WIDTH, 1 - (pixels[:, 1] + 0.5) / HEIGHT], axis=-1)
    corners = uv[polygons].astype(np.float32)
    corners[polygons < 0] = 0
    return corners


def seen_by_photo(vertices: np.ndarray, origin: np.ndarray, offset: np.ndarray) -> np.ndarray:
    """Cosine between normal and line of sight at the vertices of a part that is about a ball, 0 behind."""
    at = POSE.to_camera((vertices + origin).astype(np.float64))
    outwards = (vertices - offset) @ POSE.rotation.T
    cosine = -(outwards * at).sum(1) / np.linalg.norm(outwards, axis=1) / np.linalg.norm(at, axis=1)
    return cosine.clip(0, 1).astype(np.float32)


def reconstruction(warnings: tuple[str, ...] = (), *, light: np.ndarray | None = None) -> bytes:
    """The payload of the synthetic head; with an estimate of the light (9,3) it has de-lit skin, too."""
    headers: list[MeshHeader] = []
    arrays: dict[str, np.ndarray] = {}

    def add(
        name: str, radii, rows, columns, image, origin=(0, 0, 0), offset=(0, 0, 0), keys=False, **more
    ) -> None:
        vertices, polygons = ellipsoid(radii, rows, columns)
        vertices = vertices + np.array(offset, np.float32)
        expression = identity = None
        if keys:
            expression = np.zeros((len(EXPRESSIONS), len(vertices), 3), np.float16)
            expression[JAW_OPEN, vertices[:, 1] < -20, 1] = -12.0
            if name == "face":
                expression[:, 0, 0] = np.arange(len(EXPRESSIONS)) + 1
            identity = np.zeros((IDENTITIES, len(vertices), 3), np.float16)
            identity[:, :, 2] = (np.arange(IDENTITIES)[:, None] + 1) / 20
        known = seen_by_photo(vertices, np.array(origin), np.array(offset))
        mesh = MeshArrays(
            vertices,
            polygons,
            photo_uvs(vertices, polygons, np.array(origin)),
            expression,
            identity,
            known,
            POSE.to_camera((vertices + np.array(origin)).astype(np.float64)).astype(np.float32),
        )
        headers.append(MeshHeader(name, image, tuple(map(float, origin)), has_shape_keys=keys, **more))
        arrays.update(payload.mesh_arrays(name, mesh))

    add("face", (70, 95, 80), 48, 64, "face", keys=True, has_alpha=True)
    add("eye_left", (12, 12, 12), 12, 16, "eyes", origin=(30, 20, 71))
    add("eye_right", (12, 12, 12), 12, 16, "eyes", origin=(-30, 20, 71))
    add("teeth", (20, 6, 8), 8, 16, "mouth", offset=(0, -50, 50), keys=True)
    add("lashes", (8, 3, 3), 6, 8, "face", offset=(0, 24, 84), visible=False)
    add("hair", (80, 60, 85), 32, 48, "hair", offset=(0, 55, -12), has_alpha=True)
    add("body", (160, 60, 60), 24, 32, "body", offset=(0, -190, -20), follows_head=False, has_alpha=True)

    photo = photo_pixels()
    alpha = np.full((HEIGHT, WIDTH, 1), 255, np.uint8)
    soft = np.concatenate([photo, alpha], axis=-1)
    plate = np.full_like(photo, 90)
    images = {
        "photo": png(photo),
        "plate": png(plate),
        "face": png(soft),
        "eyes": png(photo),
        "mouth": png(photo),
        "hair": png(soft),
        "body": png(soft),
    }
    if light is not None:
        images["face_albedo"] = png(np.full_like(photo, DELIT_GREY))
    rng = np.random.default_rng(2)
    expression = np.zeros(len(EXPRESSIONS), np.float32)
    expression[JAW_OPEN] = 0.25
    header = ReconstructionHeader(
        camera=CameraHeader(CAMERA.fx, CAMERA.fy, CAMERA.cx, CAMERA.cy, WIDTH, HEIGHT),
        pose_deg=POSE.angles_deg,
        meshes=tuple(headers),
        images=tuple(images),
        expression_names=EXPRESSIONS,
        model="ellipsoids",
        warnings=warnings,
        interim=("depth",),
        light=None if light is None else tuple(tuple(term) for term in light.tolist()),
    )
    arrays |= payload.image_arrays(images)
    arrays["identity"] = rng.normal(size=IDENTITIES).astype(np.float32)
    arrays["expression"] = expression
    arrays["rotation"] = POSE.rotation.astype(np.float64)
    arrays["translation_mm"] = POSE.translation_mm.astype(np.float64)
    return payload.pack(header, arrays)


def measure_header(warnings: tuple[str, ...] = (), model: str = "ellipsoids") -> MeasureHeader:
    """Somebody who looks to the side with an open mouth; not all expressions are known."""
    rows = tuple(tuple(row) for row in SOURCE_POSE.rotation.tolist())
    place = tuple(SOURCE_POSE.translation_mm.tolist())
    expression = {"jawOpen": 0.75, "mouthSmileLeft": 0.5}
    if model != "ellipsoids":
        expression = {"Expression 01": 1.0}
    return MeasureHeader(rows, place, expression, model, warnings)


def measure(warnings: tuple[str, ...] = (), model: str = "ellipsoids") -> bytes:
    """The payload of :func:`measure_header`."""
    return payload.pack(measure_header(warnings, model), {})


def still(request: bytes) -> bytes:
    """Answer a refine request with its own coarse render."""
    fields, arrays = payload.unpack(request)
    header = decode(RefineHeader, fields)
    invented = png(np.zeros((header.height, header.width, 1), np.uint8))
    answer = StillHeader(header.width, header.height, 0.125, "classical", interim=True)
    images = {"still": payload.image_bytes(arrays, "coarse"), "invented": invented}
    return payload.pack(answer, payload.image_arrays(images))
