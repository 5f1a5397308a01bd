"""Reads Wavefront OBJ files as far as morphable models use them: points, UVs, triangles and quads."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .raw import unusable

REMEDY = "Get the file again from its authors."


@dataclass(frozen=True)
class ObjMesh:
    """One mesh, numbered from 0."""

    vertices: NDArray[np.float64]
    """(N,3)"""
    uvs: NDArray[np.float64]
    """(U,2), empty if the file has none."""
    polygons: NDArray[np.int32]
    """(Q,4) -1 in the last column of a triangle."""
    polygon_uvs: NDArray[np.int32]
    """(Q,4) indices into ``uvs``; -1 where there is none."""


def read_obj(path: Path) -> ObjMesh:
    """Read a whole mesh. Raises ModelUnusable if it is missing, damaged, or has larger polygons."""
    lines = _lines(path)
    try:
        corners = [line.split()[1:] for line in lines if line.startswith(b"f ")]
        if any(not 3 <= len(polygon) <= 4 for polygon in corners):
            raise unusable(path, "has polygons that are neither triangles nor quads", REMEDY)
        numbers = np.full((len(corners), 4, 2), -1, np.int32)
        for row, polygon in zip(numbers, corners, strict=True):
            for place, corner in zip(row, polygon, strict=False):
                parts = corner.split(b"/")
                place[0] = int(parts[0]) - 1
                if len(parts) > 1 and parts[1]:
                    place[1] = int(parts[1]) - 1
        vertices, uvs = _floats(lines, b"v ", 3), _floats(lines, b"vt ", 2)
    except (ValueError, IndexError) as error:
        raise unusable(path, "is damaged", REMEDY) from error
    polygons, polygon_uvs = numbers[..., 0], numbers[..., 1]
    for index, count in ((polygons, len(vertices)), (polygon_uvs, len(uvs))):
        if index.size and (index.max() >= count or index.min() < -1):
            raise unusable(path, "names points that it does not have", REMEDY)
    if not len(vertices) or not len(polygons) or (polygons[:, :3] < 0).any():
        raise unusable(path, "holds no mesh", REMEDY)
    return ObjMesh(vertices, uvs, polygons, polygon_uvs)


def read_obj_vertices(path: Path, count: int) -> NDArray[np.float64]:
    """(count,3) only the points of a mesh; ModelUnusable if there are not just as many."""
    try:
        vertices = _floats(_lines(path), b"v ", 3)
    except ValueError as error:
        raise unusable(path, "is damaged", REMEDY) from error
    if len(vertices) != count:
        raise unusable(path, f"has {len(vertices)} points instead of {count}", REMEDY)
    return vertices


def _lines(path: Path) -> list[bytes]:
    try:
        return path.read_bytes().splitlines()
    except OSError as error:
        raise unusable(
            path, f"cannot be opened ({error.strerror})", "Look whether all files are there."
        ) from error


def _floats(lines: list[bytes], start: bytes, columns: int) -> NDArray[np.float64]:
    """(M,columns) finite numbers of the lines that begin with a word; ValueError if some are not."""
    rows = [line.split()[1 : 1 + columns] for line in lines if line.startswith(start)]
    values = np.array(rows, np.float64).reshape(-1, columns)
    if not np.isfinite(values).all():
        raise ValueError("not finite")
    return values
