"""Pictures to judge a reconstruction by: the photo, the bare mesh, and the head turned."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from .camera import Camera
from .crop import CROP_SIDE_MM
from .frames import Pose
from .normals import vertex_normals
from .raster import rasterize_arrays, triangulate
from .reconstruction import Reconstruction
from .refine import ClassicalRefiner, Refiner
from .repose import posed_vertices, render_view, sample_texture

PREVIEW_YAWS = (-30.0, -15.0, 0.0, 15.0, 30.0)
CLAY = np.float32([206, 198, 190])
PAPER = 244
LIGHT = np.float32([-0.35, -0.55, -0.76])
"""Direction towards the lamp in camera space: above the viewer's left shoulder."""


def head_view(reconstruction: Reconstruction, size: int = 320) -> Camera:
    """The photo's camera cropped to a square around the head, ``size`` pixels a side."""
    camera, centre_mm = reconstruction.camera, reconstruction.pose.translation_mm
    centre = camera.project(centre_mm)
    side = 0.82 * CROP_SIDE_MM * camera.fx / float(centre_mm[2])
    return camera.cropped(size / side, centre[0] - side / 2, centre[1] - side / 2, size, size)


def shaded(reconstruction: Reconstruction, pose: Pose, camera: Camera) -> NDArray[np.uint8]:
    """The bare geometry in clay (H,W,3), lit from above left."""
    depth = np.full((camera.height, camera.width), np.inf, np.float32)
    picture = np.full((camera.height, camera.width, 3), PAPER, np.float32)
    for mesh in reconstruction.meshes:
        if not mesh.visible or not mesh.follows_head:
            continue
        cut = triangulate(mesh.polygons)
        vertices = pose.to_camera(posed_vertices(reconstruction, mesh))
        fragments = rasterize_arrays(vertices, cut.vertices, camera)
        nearer = fragments.covered & (fragments.depth < depth)
        if mesh.has_alpha:
            at = np.flatnonzero(nearer)
            weights = fragments.barycentric.reshape(-1, 3)[at]
            uv = np.einsum("mk,mkc->mc", weights, cut.of_corners(mesh.uvs)[fragments.face.ravel()[at]])
            nearer.ravel()[at] = sample_texture(reconstruction.images[mesh.image], uv)[:, 3] > 0.5
        normals = fragments.interpolate(vertex_normals(vertices, cut.vertices))
        normals *= np.sign(-normals[..., 2:] + 1e-9)
        light = 0.32 + 0.68 * (normals @ (LIGHT / np.linalg.norm(LIGHT))).clip(0, 1)
        picture[nearer] = (CLAY * light[..., None])[nearer]
        depth[nearer] = fragments.depth[nearer]
    return np.rint(picture.clip(0, 255)).astype(np.uint8)


def preview_sheet(
    reconstruction: Reconstruction,
    yaws_deg: tuple[float, ...] = PREVIEW_YAWS,
    size: int = 320,
    refiner: Refiner | None = None,
) -> NDArray[np.uint8]:
    """Three rows (photo and clay, clay turned, textured head turned over the plate), (H,W,3) sRGB."""
    refiner = refiner or ClassicalRefiner()
    view = head_view(reconstruction, size)
    poses = [reconstruction.pose.turned(yaw_deg=yaw) for yaw in yaws_deg]
    plate = seen_by(reconstruction.images["plate"], reconstruction.camera, view)
    clay = [shaded(reconstruction, pose, view) for pose in poses]
    textured = []
    for pose in poses:
        coarse = render_view(reconstruction, pose, view)
        textured.append(refiner.refine(coarse.colour, coarse.known, plate, transparent=False).pixels)
    photo = seen_by(reconstruction.images["photo"], reconstruction.camera, view)
    gap = np.full((size, size, 3), PAPER, np.uint8)
    return np.vstack([np.hstack([photo, *clay]), np.hstack([gap, *textured])])


def seen_by(picture: NDArray[np.uint8], camera: Camera, view: Camera) -> NDArray[np.uint8]:
    """A photo-sized picture resampled to a cropped view of the same camera."""
    scale = view.fx / camera.fx
    matrix = np.array(
        [[1 / scale, 0, camera.cx - view.cx / scale], [0, 1 / scale, camera.cy - view.cy / scale]]
    )
    flags = (cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC) | cv2.WARP_INVERSE_MAP
    return cv2.warpAffine(
        picture, matrix, (view.width, view.height), flags=flags, borderMode=cv2.BORDER_REPLICATE
    )
