"""Where the closed back of the head comes out before the surfaces that the photo shows."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from backend.camera import Camera
from backend.frames import Pose
from backend.raster import rasterize_arrays, triangulate
from backend.reconstruction import TexturedMesh
from backend.repose import sample_texture

TURNS_DEG = (-40.0, -20.0, 20.0, 40.0)
"""As far as a head must turn."""
SLACK_MM = 1.0
"""Where front and back are joined they lie on each other."""
STRAY = 1e-3
"""Of the shell's pixels, along edges whose triangles a pixel's centre just misses: 0.1 % is 1 mm of the
outline."""


def seen_from_outside(
    mesh: TexturedMesh, image: NDArray[np.uint8] | None, pose: Pose, camera: Camera
) -> tuple[NDArray[np.floating], NDArray[np.bool_]]:
    """Depth (H,W) of a mesh, infinite where it is not, and where it turns its opaque outside to the view."""
    cut = triangulate(mesh.polygons)
    points = pose.to_camera(mesh.vertices.astype(np.float64))
    fragments = rasterize_arrays(points, cut.vertices, camera)
    a, b, c = (points[cut.vertices[:, corner]] for corner in range(3))
    outside = ((np.cross(b - a, c - a) * a).sum(1) < 0)[fragments.face.clip(0)] & fragments.covered
    if image is not None:
        at = np.flatnonzero(outside)
        weights = fragments.barycentric.reshape(-1, 3)[at]
        uv = np.einsum("mk,mkc->mc", weights, cut.of_corners(mesh.uvs)[fragments.face.ravel()[at]])
        outside.ravel()[at] = sample_texture(image, uv)[:, 3] > 0.5
    return np.where(fragments.covered, fragments.depth, np.inf), outside


def share_poking_through(
    front: TexturedMesh,
    back: TexturedMesh,
    image: NDArray[np.uint8] | None,
    pose: Pose,
    camera: Camera,
    turns_deg: Sequence[float] = TURNS_DEG,
) -> list[float]:
    """For every turn, the share of the front's visible pixels before which the back lies."""
    shares = []
    for yaw in turns_deg:
        turned = pose.turned(yaw_deg=yaw)
        front_mm, shown = seen_from_outside(front, image, turned, camera)
        back_mm, _ = seen_from_outside(back, None, turned, camera)
        shares.append(float((back_mm < front_mm - SLACK_MM)[shown].mean()))
    return shares
