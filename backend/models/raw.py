"""What a model's own files say, in millimetres, before it is fitted into Likeness' head frame."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..albedo import AlbedoBasis
from ..errors import ModelUnusable
from ..morphable import LandmarkEmbedding
from ..protocol import STATISTICAL_EXPRESSION

JAW_POINTS = 17
"""The first points of the 68: the outline from ear to ear."""


@dataclass(frozen=True)
class Terms:
    """Whose a model is, and what may be done with it."""

    name: str
    licence: str
    commercial_use: bool
    source: str
    """Where the user gets it."""


@dataclass(frozen=True)
class RawModel:
    """A linear model as its authors made it, only with its units turned into mm."""

    mean: NDArray[np.floating]
    """(N,3) right-handed, y up, z roughly out of the face."""
    identity: NDArray[np.floating]
    """(K,N,3) displacement for one standard deviation."""
    expression: NDArray[np.floating]
    """(E,N,3) displacement at weight 1."""
    expression_names: tuple[str, ...]
    """ARKit's, or those of :func:`statistical`."""
    polygons: NDArray[np.int32]
    """(Q,4) -1 in the last column of a triangle; either winding."""
    landmarks: LandmarkEmbedding
    """With ``rows``."""
    parts: dict[str, NDArray[np.bool_]]
    """(Q,) masks by part name, ``skin`` among them; polygons of no part are left out."""
    uvs: NDArray[np.floating] | None = None
    """(Q,4,2) one unit square a part; None: the skin is unwrapped onto a cylinder."""
    regions: dict[str, NDArray[np.bool_]] = field(default_factory=dict)
    """(N,) vertex masks that the model itself knows (``mouth_inside``, sockets)."""
    albedo: AlbedoBasis | None = None
    """Colours of its vertices, in the convention of :mod:`backend.albedo`."""


@dataclass(frozen=True)
class ModelFormat:
    """One kind of model: how its files are recognised and read."""

    key: str
    """Its word on the command line."""
    terms: Terms
    recognises: Callable[[Path], bool]
    """Whether a file or folder looks like this model, by its content."""
    read: Callable[[Path], RawModel]
    """Reads it; raises ModelUnusable with words of its own."""


def statistical(count: int) -> tuple[str, ...]:
    """Names of expressions whose weights are standard deviations."""
    return tuple(f"{STATISTICAL_EXPRESSION}{number:02d}" for number in range(1, count + 1))


def unusable(path: Path, what: str, remedy: str) -> ModelUnusable:
    """The error for a file of the user's: ``what`` is wrong with it, and what to do."""
    return ModelUnusable(f"{path.name} {what}.", remedy)


def vertices_as_landmarks(vertices: NDArray[np.integer], rows: tuple[int, ...]) -> LandmarkEmbedding:
    """Landmarks that lie on vertices (L,)."""
    count = len(vertices)
    weights = np.zeros((count, 3), np.float32)
    weights[:, 0] = 1.0
    three = np.repeat(np.asarray(vertices, np.int32)[:, None], 3, axis=1)
    return LandmarkEmbedding(three, weights, np.array(rows, np.int32))


def with_triangles(triangles: NDArray[np.integer]) -> NDArray[np.int32]:
    """Triangles (T,3) as polygons (T,4)."""
    return np.column_stack([triangles, np.full(len(triangles), -1)]).astype(np.int32)
