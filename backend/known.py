"""How well the photo saw each vertex of the head, and what that is worth in another view.

*Known* is 0 where the photo did not show a vertex, and elsewhere the cosine between its normal and the
line of sight: as many of the photo's pixels lie on a piece of surface, compared with one seen squarely.
Another view wants as many as its own cosine there. What the photo saw at a grazing angle is therefore
worth little from the front, and what it saw at all is worth everything from where it was taken.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .head_parse import BODY, EAR, FACE, GLASSES, HEAD_CLASSES, OTHER_HEAD
from .normals import vertex_normals
from .protocol import GRAZING, UNNOTICED_STRETCH
from .raster import triangulate
from .reconstruction import TexturedMesh
from .sight import Sight

Field = NDArray[np.float32]

SKIN = (FACE, EAR, BODY, OTHER_HEAD, GLASSES)
"""Classes of pixels that skin, eyes and teeth may show. The shell shows the photo itself, whatever it is."""
GUESSED = ("back", "lashes")
"""Parts whose texture shows nothing of the photo."""


def facing(vertices_cam: NDArray[np.floating], triangles: NDArray[np.integer]) -> Field:
    """(N,) cosine between normal and line of sight of vertices (N,3) in camera space; negative if averted."""
    distance = np.linalg.norm(vertices_cam, axis=1).clip(1e-6)
    return -(vertex_normals(vertices_cam, triangles) * vertices_cam).sum(1) / distance.astype(np.float32)


def known_vertices(mesh: TexturedMesh, vertices_cam: NDArray[np.floating], sight: Sight) -> Field:
    """How well the photo saw the vertices of one mesh: (N,) in [0,1].

    Args:
        mesh: one part of the head.
        vertices_cam: (N,3) its vertices at the photo's pose, mm, camera space.
        sight: the photo.
    """
    if mesh.name in GUESSED:
        return np.zeros(len(vertices_cam), np.float32)
    seen = sight.see(vertices_cam)
    if mesh.name == "body":
        shown = ~np.isin(seen.labels, HEAD_CLASSES)
    else:
        shown = seen.visible & ((mesh.name == "hair") | np.isin(seen.labels, SKIN))
    cosine = facing(vertices_cam, triangulate(mesh.polygons).vertices)
    return np.where(shown, cosine.clip(0, 1), 0).astype(np.float32)


def worth(known: NDArray[np.floating], cosine: NDArray[np.floating]) -> Field:
    """In [0,1], what ``known`` is worth where a view sees the surface with ``cosine``; 0 from inside."""
    enough = UNNOTICED_STRETCH * known / np.maximum(cosine, GRAZING)
    return np.where(cosine > 0, enough.clip(0, 1), 0).astype(np.float32)
