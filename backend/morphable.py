"""A morphable head: shape = mean + identity + expression (eq. 1 of Deep 3D Portrait, 2020)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class LandmarkEmbedding:
    """Landmarks as barycentric points of the mesh."""

    vertices: NDArray[np.int32]
    """(L,3) vertex indices of the triangle that carries each landmark."""
    weights: NDArray[np.float32]
    """(L,3) barycentric weights, rows sum to 1."""

    def of(self, shape: NDArray[np.floating]) -> NDArray[np.floating]:
        """Landmark positions (L,3) on a shape (N,3)."""
        return np.einsum("lk,lkd->ld", self.weights, shape[self.vertices])


@dataclass(frozen=True)
class MorphableModel:
    """Arrays of a linear head model in the head frame (mm, y up, z out of the face)."""

    name: str
    licence: str
    commercial_use: bool
    mean: NDArray[np.float32]
    """(N,3) mean shape."""
    identity: NDArray[np.float32]
    """(K,N,3) displacement for one standard deviation of each component."""
    identity_std: NDArray[np.float32]
    """(K,) standard deviation of each component's orthonormal coefficient, mm (largest first)."""
    expression: NDArray[np.float32]
    """(E,N,3) displacement at weight 1."""
    expression_names: tuple[str, ...]
    polygons: NDArray[np.int32]
    """(Q,4) quads, counter-clockwise from outside; -1 in the last column of a triangle."""
    uvs: NDArray[np.float32]
    """(Q,4,2) per corner, v up; every part has its own unit square (see ``polygon_part``)."""
    part_names: tuple[str, ...]
    """``skin``, ``eye_left``, ``eye_right``, ``teeth``, ``tongue``, ``lashes``."""
    polygon_part: NDArray[np.uint8]
    """(Q,) index into ``part_names``."""
    regions: dict[str, NDArray[np.bool_]]
    """Vertex masks (N,): face, scalp, ear_left, ear_right, neck, lips, eyelids, nose, brows, mouth_inside..."""
    mirror: NDArray[np.int32]
    """(N,) index of the vertex on the other side."""
    landmarks_478: LandmarkEmbedding
    landmarks_68: LandmarkEmbedding
    source_vertex: NDArray[np.int32]
    """(N,) vertex of the full source mesh (hm08 for the default model)."""

    def shape(
        self, identity: NDArray[np.floating], expression: NDArray[np.floating]
    ) -> NDArray[np.float32]:
        """Vertices (N,3) for coefficients (K,) in standard deviations and (E,) weights."""
        displacement = np.tensordot(identity.astype(np.float32), self.identity, 1)
        displacement += np.tensordot(expression.astype(np.float32), self.expression, 1)
        return self.mean + displacement
