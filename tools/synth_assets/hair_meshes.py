"""Reads MakeHuman hair meshes, seats them on the average adult and ties them to the head."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from tools.head_model.source import MM_PER_UNIT

Array = NDArray[np.floating]

HOLDERS = 12
"""Head vertices that carry one hair vertex: enough that neighbours of long hair move alike."""

SOFTNESS_MM = 15.0
"""Keeps a hair vertex on the skin from hanging on a single head vertex."""


@dataclass(frozen=True)
class HairMesh:
    """One hair mesh over the mean head."""

    vertices: NDArray[np.float32]
    """(V,3) mm, head frame."""
    polygons: NDArray[np.int32]
    """(Q,4), -1 in the last column of a triangle."""
    uvs: NDArray[np.float32]
    """(Q,4,2)."""
    holders: NDArray[np.int32]
    """(V,12) head vertices whose displacement it takes on."""
    weights: NDArray[np.float32]
    """(V,12), rows sum to 1."""


def read_hair(folder: Path, body: Array, head: Array, on_head: NDArray[np.integer]) -> HairMesh:
    """Hair mesh ``<folder>/<folder>.mhclo`` worn by ``body`` (19158,3), tied to vertices ``on_head`` of
    ``head`` (N,3); both in the head frame."""
    vertices = _seated(folder / f"{folder.name}.mhclo", body)
    polygons, uvs = _read_obj(folder / f"{folder.name}.obj")
    distance, nearest = cKDTree(head[on_head]).query(vertices, k=HOLDERS)
    weights = 1.0 / (distance + SOFTNESS_MM) ** 2
    weights /= weights.sum(axis=1, keepdims=True)
    return HairMesh(
        vertices.astype(np.float32),
        polygons,
        uvs.astype(np.float32),
        on_head[nearest].astype(np.int32),
        weights.astype(np.float32),
    )


def _seated(file: Path, body: Array) -> Array:
    """(V,3) places of the mesh's vertices on a body: three body vertices and a scaled offset each."""
    scale, rows, listing = np.ones(3), [], False
    for line in file.read_text().splitlines():
        words = line.split()
        if not words:
            continue
        if words[0] in ("x_scale", "y_scale", "z_scale"):
            axis = "xyz".index(words[0][0])
            first, second, rest = int(words[1]), int(words[2]), float(words[3])
            scale[axis] = abs(body[first, axis] - body[second, axis]) / (rest * MM_PER_UNIT)
        elif words[0] == "verts":
            listing = True
        elif listing and words[0].isdigit():
            rows.append([float(w) for w in words])
        elif listing and rows:
            break
    places = []
    for row in rows:
        if len(row) == 1:
            places.append(body[int(row[0])])
        else:
            corners = body[np.array(row[:3], int)]
            places.append(np.array(row[3:6]) @ corners + np.array(row[6:9]) * scale * MM_PER_UNIT)
    return np.array(places)


def _read_obj(file: Path) -> tuple[NDArray[np.int32], Array]:
    """Polygons (Q,4) and their UVs (Q,4,2)."""
    texture, corners = [], []
    for line in file.read_text().splitlines():
        kind, _, rest = line.partition(" ")
        if kind == "vt":
            texture.append([float(x) for x in rest.split()[:2]])
        elif kind == "f":
            face = [[int(i) - 1 for i in corner.split("/")[:2]] for corner in rest.split()]
            corners.append(face if len(face) == 4 else [*face, [-1, face[0][1]]])
    table = np.array(corners, np.int32)
    return table[..., 0], np.array(texture)[table[..., 1]]
