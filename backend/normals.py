"""Vertex normals of triangle meshes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def vertex_normals(vertices: NDArray[np.floating], triangles: NDArray[np.integer]) -> NDArray[np.float32]:
    """(N,3) unit normals of (N,3) vertices and (T,3) triangles, weighted by area.

    They point to the side from which the triangles run counter-clockwise; a vertex without
    triangles has a zero normal.
    """
    a, b, c = (vertices[triangles[:, i]] for i in range(3))
    face = np.cross(b - a, c - a)
    owner = triangles.ravel()
    summed = [np.bincount(owner, np.repeat(face[:, axis], 3), len(vertices)) for axis in range(3)]
    normals = np.stack(summed, axis=1)
    return (normals / np.linalg.norm(normals, axis=1, keepdims=True).clip(1e-12)).astype(np.float32)
