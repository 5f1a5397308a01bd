"""Turn the reconstructed head and render it with the photo's camera (section 5.1 of the paper)."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from .camera import Camera
from .frames import Pose
from .known import facing, worth
from .own_pixels import with_own_pixels
from .raster import rasterize_arrays, triangulate
from .reconstruction import Reconstruction, TexturedMesh

Image = NDArray[np.float32]

BAND_PIXELS = 1_000_000
"""Pixels rendered at once: layers of a whole large picture would not fit into memory."""


@dataclass(frozen=True)
class CoarseRender:
    """The head alone, before anything is finished."""

    colour: NDArray[np.uint8]
    """(H,W,4) sRGB, straight alpha."""
    known: NDArray[np.uint8]
    """(H,W) 255 where the photo saw what is shown, 0 where it did not or where nothing is; between where
    its pixels are stretched, or where a soft edge covers a part of the pixel."""


def posed_vertices(reconstruction: Reconstruction, mesh: TexturedMesh) -> NDArray[np.float32]:
    """(N,3) head-frame vertices of one mesh with the photo's expression."""
    vertices = mesh.vertices + np.float32(mesh.origin_mm)
    if mesh.expression is not None:
        weights = reconstruction.expression.astype(np.float32)
        vertices = vertices + np.tensordot(weights, mesh.expression.astype(np.float32), 1)
    return vertices


def render_coarse(
    reconstruction: Reconstruction, pose: Pose, camera: Camera | None = None, supersample: int = 2
) -> NDArray[np.uint8]:
    """:func:`render_view` without the account: (H,W,4) uint8 sRGB with straight alpha."""
    return render_view(reconstruction, pose, camera, supersample).colour


def render_view(
    reconstruction: Reconstruction, pose: Pose, camera: Camera | None = None, supersample: int = 2
) -> CoarseRender:
    """Unlit render of the head in a pose, and how well each of its pixels is known.

    Meshes that do not follow the head keep the photo's pose. Each mesh is rasterised on its own
    and the layers are blended by depth, so that soft hair edges show what lies behind them.
    """
    view = camera or reconstruction.camera
    shift = 0.5 / supersample - 0.5
    fine = view.cropped(supersample, shift, shift, view.width * supersample, view.height * supersample)
    placed = []
    for mesh in reconstruction.meshes:
        if mesh.visible:
            standing = pose if mesh.follows_head else reconstruction.pose
            placed.append((mesh, standing.to_camera(posed_vertices(reconstruction, mesh))))
    rows = max(1, BAND_PIXELS // (fine.width * supersample)) * supersample
    bands = []
    for top in range(0, fine.height, rows):
        band = fine.cropped(1.0, 0.0, top, fine.width, min(rows, fine.height - top))
        layers = [
            _layer(mesh, reconstruction.images[mesh.image], at, band, reconstruction.camera)
            for mesh, at in placed
        ]
        blended = _blend(layers, band.height, band.width)
        size = (view.width, band.height // supersample)
        bands.append(cv2.resize(blended, size, interpolation=cv2.INTER_AREA))
    images = reconstruction.images
    return _finished(np.concatenate(bands), images.get("photo"), images.get("plate"))


def _finished(
    blended: Image, photo: NDArray[np.uint8] | None, plate: NDArray[np.uint8] | None
) -> CoarseRender:
    """Premultiplied (H,W,7): colour, place in the photo, known, alpha."""
    alpha = blended[..., 6:]
    straight = blended[..., :5] / alpha.clip(1e-6)
    colour = np.rint(np.dstack([straight[..., :3].clip(0, 255), 255 * alpha.clip(0, 1)])).astype(np.uint8)
    known = np.rint(255 * blended[..., 5].clip(0, 1)).astype(np.uint8)
    if photo is not None:
        colour = with_own_pixels(colour, known, straight[..., 3:], photo, plate)
    return CoarseRender(colour, known)


def _layer(
    mesh: TexturedMesh,
    image: NDArray[np.uint8],
    vertices_cam: NDArray[np.float32],
    camera: Camera,
    photo_camera: Camera,
) -> tuple[NDArray[np.int64], Image, Image]:
    """Flat pixel indices (M,), depth (M,), and colour, place in the photo, known, alpha (M,7)."""
    cut = triangulate(mesh.polygons)
    fragments = rasterize_arrays(vertices_cam, cut.vertices, camera)
    at = np.flatnonzero(fragments.covered)
    face = fragments.face.ravel()[at]
    weights = fragments.barycentric.reshape(-1, 3)[at]
    uv = np.einsum("mk,mkc->mc", weights, cut.of_corners(mesh.uvs)[face])
    rgba = sample_texture(image, uv)
    if not mesh.has_alpha:
        rgba[:, 3] = 1.0
    known, place = np.zeros(len(at), np.float32), np.zeros((len(at), 2), np.float32)
    corners = cut.vertices[face]
    if mesh.known is not None:
        cosine = (weights * facing(vertices_cam, cut.vertices)[corners]).sum(1)
        known = worth((weights * mesh.known[corners]).sum(1), cosine)
    if mesh.seen_at is not None:
        place = photo_camera.project(np.einsum("mk,mkc->mc", weights, mesh.seen_at[corners]))
    return at, fragments.depth.ravel()[at], np.column_stack([rgba[:, :3], place, known, rgba[:, 3]])


def sample_texture(image: NDArray[np.uint8], uv: NDArray[np.floating]) -> Image:
    """Bilinear texture look-up: uv (M,2), v up, to straight RGBA (M,4), colour 0..255, alpha 0..1."""
    if len(uv) == 0:
        return np.zeros((0, 4), np.float32)
    height, width = image.shape[:2]
    at = np.stack([uv[:, 0] * width - 0.5, (1 - uv[:, 1]) * height - 0.5], axis=1).astype(np.float32)
    # cv2.remap limits each side of its result to 32767 entries.
    columns = 4096
    rows = -(-len(at) // columns)
    grid = np.zeros((rows * columns, 2), np.float32)
    grid[: len(at)] = at
    taken = cv2.remap(
        image, grid.reshape(rows, columns, 2), None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    taken = taken.reshape(rows * columns, -1)[: len(at)].astype(np.float32)
    alpha = taken[:, 3:] / 255 if taken.shape[1] == 4 else np.ones((len(at), 1), np.float32)
    return np.concatenate([taken[:, :3], alpha], axis=1)


def _blend(layers: list[tuple[NDArray[np.int64], Image, Image]], height: int, width: int) -> Image:
    """Blend layers of straight values (M,C), alpha last, back to front per pixel: premultiplied (H,W,C)."""
    pixel = np.concatenate([layer[0] for layer in layers])
    depth = np.concatenate([layer[1] for layer in layers])
    values = np.concatenate([layer[2] for layer in layers])
    order = np.lexsort((-depth, pixel))
    pixel, values = pixel[order], values[order]
    result = np.zeros((height * width, values.shape[1]), np.float32)
    first = np.flatnonzero(np.r_[True, pixel[1:] != pixel[:-1]]) if len(pixel) else np.zeros(0, int)
    count = np.diff(np.r_[first, len(pixel)])
    for rank in range(int(count.max(initial=0))):
        take = first[count > rank] + rank
        alpha = values[take, -1:]
        source = np.concatenate([values[take, :-1] * alpha, alpha], axis=1)
        result[pixel[take]] = source + (1 - alpha) * result[pixel[take]]
    return result.reshape(height, width, -1)
