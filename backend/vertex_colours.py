"""What linear colour the photo shows at every vertex of the fitted head, and how far to trust it."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from .colour import LINEAR_OF_BYTE
from .frames import HEAD_TO_CAMERA_AXES
from .head_parse import EAR, FACE
from .morphable import MorphableModel
from .normals import vertex_normals
from .raster import triangulate
from .sight import Sight

FACING = (0.15, 0.5)
"""Cosine between normal and view ray from which a vertex is trusted at all and altogether."""
FOOTPRINT_MM = 1.0
"""Spread of the skin that one vertex speaks for: vertices of the face lie 2 to 3 mm apart."""
BLACKEST, WHITEST = 0.004, 0.95
"""Linear values beyond which a camera tells no more."""
EDGE_MM = 3.0
"""Skin this near to another class is mixed with it, or its shadow."""


@dataclass(frozen=True)
class VertexColours:
    """The photo at the vertices of a head."""

    colours: NDArray[np.float32]
    """(N,3) linear, 0 where nothing is known."""
    weights: NDArray[np.float32]
    """(N,) 0 unseen or no skin .. 1 seen from ahead."""
    normals: NDArray[np.float32]
    """(N,3) unit, camera axes turned y-up as in :mod:`backend.harmonics`."""


def vertex_colours(model: MorphableModel, vertices_cam: NDArray[np.floating], sight: Sight) -> VertexColours:
    """Look at the skin of a head (N,3), mm, camera space, where the photo shows it.

    Face and ears only, on pixels of their class: not the neck, which lies in the head's shadow, and neither
    lips' inside nor sockets.
    """
    triangles = triangulate(model.polygons[model.solid]).vertices
    normals = vertex_normals(vertices_cam, triangles)
    seen = sight.see(vertices_cam)
    px_per_mm = sight.camera.fx / float(np.median(vertices_cam[:, 2]))
    linear = cv2.GaussianBlur(LINEAR_OF_BYTE[sight.pixels], (0, 0), max(FOOTPRINT_MM * px_per_mm, 0.3))
    at = seen.photo_px.astype(np.float32)[None]
    colours = cv2.remap(linear, at, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)[0]
    known = _skin(model, seen.labels) & seen.visible & _surely(sight, seen.photo_px, px_per_mm)
    known &= ((colours > BLACKEST) & (colours < WHITEST)).all(axis=1)
    towards = -vertices_cam / np.linalg.norm(vertices_cam, axis=1, keepdims=True)
    facing = ((normals * towards).sum(axis=1) - FACING[0]) / (FACING[1] - FACING[0])
    weights = known * facing.clip(0, 1)
    return VertexColours(
        np.where(weights[:, None] > 0, colours, 0).astype(np.float32),
        weights.astype(np.float32),
        (normals @ HEAD_TO_CAMERA_AXES).astype(np.float32),
    )


def _skin(model: MorphableModel, labels: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """(N,) vertices of face and ears on a pixel of their kind."""
    ears = model.regions["ear_left"] | model.regions["ear_right"]
    return (model.regions["face"] & (labels == FACE)) | (ears & np.isin(labels, (FACE, EAR)))


def _surely(sight: Sight, photo_px: NDArray[np.floating], px_per_mm: float) -> NDArray[np.bool_]:
    """(N,) points of the photo that lie well inside of skin."""
    skin = np.isin(sight.labels, (FACE, EAR)).astype(np.uint8)
    radius = max(round(EDGE_MM * px_per_mm * sight.crop.scale), 1)
    inside = cv2.erode(skin, np.ones((2 * radius + 1,) * 2, np.uint8))
    at = np.rint(sight.crop.to_crop(photo_px)).astype(int)
    within = ((at >= 0) & (at < sight.crop.size)).all(axis=1)
    at = at.clip(0, sight.crop.size - 1)
    return within & (inside[at[:, 1], at[:, 0]] > 0)
