"""Which pixels of one view of a head another view shows, and how well.

Asked from a new pose about the photo, it is what a coarse render knows. Asked from the photo about a new
pose, it is what a render *would* know had the photo been taken there: masks of what is missing, with the
photo itself as the answer.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from backend.camera import Camera
from backend.frames import Pose
from backend.raster import rasterize_arrays, triangulate
from backend.reconstruction import Reconstruction, TexturedMesh
from backend.repose import posed_vertices, sample_texture

Field = NDArray[np.float32]

SOLID = 0.5
"""Alpha from which a layer hides what lies behind it."""
SLACK_MM = 3.0
"""A point so far behind the nearest surface still counts as seen."""
STRETCHED = (0.12, 0.4)
"""Photo pixels for each pixel of the view, from unknown to known altogether."""
FLAT = 1e-6


@dataclass(frozen=True)
class HeadSurface:
    """The nearest solid surface of a posed head in each pixel of a camera."""

    camera: Camera
    pose: Pose
    """Of what follows the head."""
    standing: Pose
    """Of what does not."""
    depth_mm: Field
    """(H,W) along the optical axis, infinite where nothing is."""
    follows: NDArray[np.bool_]
    """(H,W) whether the surface turns with the head."""

    @property
    def points(self) -> Field:
        """(H,W,3) in camera space, mm; 0 where nothing is."""
        rows, columns = np.mgrid[: self.camera.height, : self.camera.width]
        depth = np.where(np.isfinite(self.depth_mm), self.depth_mm, 0.0)
        return self.camera.unproject(np.dstack([columns, rows]).astype(np.float32), depth)


def head_surface(head: Reconstruction, pose: Pose, camera: Camera) -> HeadSurface:
    """Rasterise the solid parts of all visible meshes."""
    depth = np.full((camera.height, camera.width), np.inf, np.float32)
    follows = np.zeros(depth.shape, bool)
    for mesh in head.meshes:
        if mesh.visible:
            placed = (pose if mesh.follows_head else head.pose).to_camera(posed_vertices(head, mesh))
            own = _solid_depth(mesh, head.images[mesh.image], placed, camera)
            follows = np.where(own < depth, mesh.follows_head, follows)
            depth = np.minimum(depth, own)
    return HeadSurface(camera, pose, head.pose, depth, follows)


def _solid_depth(mesh: TexturedMesh, image: NDArray[np.uint8], placed: Field, camera: Camera) -> Field:
    cut = triangulate(mesh.polygons)
    fragments = rasterize_arrays(placed, cut.vertices, camera)
    depth = fragments.depth.copy()
    if mesh.has_alpha:
        covered = fragments.covered
        corners = cut.of_corners(mesh.uvs)[fragments.face[covered]]
        uv = np.einsum("mk,mkc->mc", fragments.barycentric[covered], corners)
        depth[covered] = np.where(sample_texture(image, uv)[:, 3] < SOLID, np.inf, depth[covered])
    return depth


def seen_by(view: HeadSurface, other: HeadSurface) -> Field:
    """How well the pixels of ``view`` are seen by ``other``: (H,W) in [0,1].

    1 where the other camera has at least as many pixels for the surface, 0 where it does not see it at
    all or ``view`` shows nothing. Both views are of one head.
    """
    points = view.points
    there = np.isfinite(view.depth_mm)
    moved = np.where(view.follows[..., None], other.pose.to_camera(view.pose.to_head(points)), points)
    normals = _normals(points)
    turned = normals @ (other.pose.rotation @ view.pose.rotation.T).T.astype(np.float32)
    turned = np.where(view.follows[..., None], turned, normals)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = _density(moved, turned, other.camera) / _density(points, normals, view.camera)
        at = other.camera.project(moved).astype(np.float32)
    low, high = STRETCHED
    share = np.nan_to_num(((ratio - low) / (high - low)).clip(0, 1))
    nearest = cv2.dilate(np.nan_to_num(other.depth_mm, posinf=0.0), np.ones((3, 3)))
    at = np.where(there[..., None], at, -1.0)
    behind = cv2.remap(nearest, at, None, cv2.INTER_NEAREST, borderValue=0.0)
    visible = there & (moved[..., 2] <= behind + SLACK_MM)
    return np.where(visible, share, 0.0).astype(np.float32)


def _normals(points: Field) -> Field:
    """(H,W,3) unit normals of a map of points; those at jumps of depth mean nothing."""
    across = np.gradient(points, axis=1)
    down = np.gradient(points, axis=0)
    normals = np.cross(across, down)
    return normals / np.linalg.norm(normals, axis=2, keepdims=True).clip(FLAT)


def _density(points: Field, normals: Field, camera: Camera) -> Field:
    """(H,W) pixels of the camera for each square mm of a surface, without its constant factor."""
    distance = np.linalg.norm(points, axis=2)
    facing = (normals * points).sum(axis=2) / distance
    return facing.clip(min=0.0) * camera.fx * camera.fy / points[..., 2] ** 2
