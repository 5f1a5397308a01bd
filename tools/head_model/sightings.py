"""Shows rendered heads to MediaPipe and casts what it finds back to the mesh."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from backend.camera import Camera
from backend.frames import Pose, rotation_from_angles
from backend.landmarks import MediaPipeDetector
from backend.raster import FragmentArrays, rasterize_arrays, triangulate

Array = NDArray[np.floating]

VIEW_SIZE = 640
VIEW_DISTANCE_MM = 900.0
VIEW_FIELD_MM = 330.0
VIEW_YAWS_DEG = (-24.0, -12.0, 0.0, 12.0, 24.0)
VIEW_PITCHES_DEG = (-10.0, 6.0)

COLOURS = {
    "skin": (0.78, 0.58, 0.48),
    "scalp": (0.16, 0.11, 0.08),
    "brows": (0.20, 0.13, 0.09),
    "lips": (0.62, 0.26, 0.25),
    "mouth_inside": (0.25, 0.06, 0.06),
    "eye_left": (0.93, 0.92, 0.90),
    "eye_right": (0.93, 0.92, 0.90),
    "iris": (0.18, 0.10, 0.06),
    "teeth": (0.92, 0.90, 0.84),
    "tongue": (0.70, 0.32, 0.32),
}

IRIS_RADIUS_MM = 5.9
"""Half of the human iris' diameter (11.7 mm, nearly the same in all adults)."""

IRIS_CENTRES = {"eye_right": 468, "eye_left": 473}
"""MediaPipe's iris centres; the four points of the rim follow each."""


@dataclass(frozen=True)
class Head:
    """What the renderer needs to know of the model."""

    polygons: NDArray[np.int32]
    regions: dict[str, NDArray[np.bool_]]
    mirror: NDArray[np.int32]


@dataclass(frozen=True)
class Sighting:
    """What MediaPipe says of one rendered view."""

    pixels: Array
    """(478,2) in the picture."""
    points: Array
    """(478,3) the same points on the mean head, mm; NaN where the ray misses."""
    facing: Array
    """(478,) cosine between surface and view ray: how far the cast can be trusted."""
    yaw_deg: float
    mouth_open: bool


def observe(head: Head, shapes: list[tuple[Array, bool]], mean: Array) -> list[Sighting]:
    """Show every shape (N,3; with its mouth open or not) from all sides and cast what is found back.

    The triangle and barycentrics under a landmark's pixel mark the same spot of the skin on the
    mean head, whatever the identity or expression of the shape that was shown.
    """
    detector = MediaPipeDetector()
    triangles = triangulate(head.polygons).vertices
    found = []
    for number, (shape, mouth_open) in enumerate(shapes):
        colours = paint(head, shape)
        normals = vertex_normals(shape, triangles)
        for turn, yaw in enumerate(VIEW_YAWS_DEG):
            pitch = VIEW_PITCHES_DEG[(number + turn) % len(VIEW_PITCHES_DEG)]
            picture, fragments = render(shape, triangles, colours, yaw, pitch)
            if faces := detector.detect(picture):
                pixels = faces[0].points_px
                points = _cast_back(pixels, fragments, mean)
                normal = _cast_back(pixels, fragments, normals)
                ray = rotation_from_angles(yaw, pitch, 0.0).T @ np.array([0.0, 0.0, -1.0])
                found.append(Sighting(pixels, points, normal @ ray, yaw, mouth_open))
    return found


def render(
    shape: Array, triangles: NDArray[np.int64], colours: Array, yaw_deg: float, pitch_deg: float
) -> tuple[NDArray[np.uint8], FragmentArrays]:
    """A lit portrait (VIEW_SIZE, VIEW_SIZE, 3) of coloured vertices, and its fragments."""
    focal = VIEW_SIZE / VIEW_FIELD_MM * VIEW_DISTANCE_MM
    camera = Camera.centred(focal, VIEW_SIZE, VIEW_SIZE)
    pose = Pose(rotation_from_angles(yaw_deg, pitch_deg, 0.0), np.array([0.0, 0.0, VIEW_DISTANCE_MM]))
    points = pose.to_camera(shape.astype(np.float64))
    fragments = rasterize_arrays(points.astype(np.float32), triangles, camera)
    light = np.array([-0.3, -0.5, -0.8]) / np.linalg.norm([0.3, 0.5, 0.8])
    shade = 0.45 + 0.55 * np.clip(vertex_normals(points, triangles) @ light, 0.0, 1.0)
    picture = fragments.interpolate((colours * shade[:, None]).astype(np.float32))
    picture = np.where(fragments.covered[..., None], picture, 0.55)
    return (np.clip(picture, 0, 1) * 255).round().astype(np.uint8), fragments


def vertex_normals(vertices: Array, triangles: NDArray[np.integer]) -> Array:
    """(N,3) area-weighted unit normals."""
    a, b, c = (vertices[triangles[:, k]] for k in range(3))
    face = np.cross(b - a, c - a)
    normals = np.zeros_like(vertices)
    for k in range(3):
        np.add.at(normals, triangles[:, k], face)
    return normals / np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)


def paint(head: Head, shape: Array) -> Array:
    """(N,3) plain make-up that MediaPipe reads well: dark brows and irises, red lips, hair."""
    colours = np.tile(np.array(COLOURS["skin"]), (len(shape), 1))
    for name in ("scalp", "brows", "lips", "mouth_inside", "eye_left", "eye_right", "teeth", "tongue"):
        colours[head.regions[name]] = COLOURS[name]
    for name in IRIS_CENTRES:
        pole = iris_pole(shape, head.regions[name])
        colours[head.regions[name] & (np.linalg.norm(shape - pole, axis=1) < 1.15 * IRIS_RADIUS_MM)] = (
            COLOURS["iris"]
        )
    return colours


def iris_pole(shape: Array, eye: NDArray[np.bool_]) -> Array:
    """(3,) the point of an eyeball that lies straight before its centre."""
    points = shape[eye]
    centre, depth = (points.min(axis=0) + points.max(axis=0)) / 2, points[:, 2].max()
    return np.array([centre[0], centre[1], depth])


def _cast_back(pixels: Array, fragments: FragmentArrays, mean: Array) -> Array:
    columns, rows = np.round(pixels).astype(int).T
    inside = (columns >= 0) & (rows >= 0) & (columns < VIEW_SIZE) & (rows < VIEW_SIZE)
    columns, rows = np.where(inside, columns, 0), np.where(inside, rows, 0)
    face = fragments.face[rows, columns]
    hit = inside & (face >= 0)
    corners = mean[fragments.triangles[np.where(hit, face, 0)]]
    points = np.einsum("lk,lkd->ld", fragments.barycentric[rows, columns], corners)
    return np.where(hit[:, None], points, np.nan)
