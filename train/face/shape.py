"""A morphable model on the device of the training: coefficients of B faces become vertices and landmarks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from backend.morphable import LandmarkEmbedding, MorphableModel
from backend.raster import triangulate


@dataclass(frozen=True)
class LandmarkPoints:
    """Landmarks as barycentric points."""

    vertices: Tensor
    """(L,3) int64."""
    weights: Tensor
    """(L,3)."""

    def of(self, shapes: Tensor) -> Tensor:
        """(B,L,3) on shapes (B,N,3)."""
        return torch.einsum("lk,blkd->bld", self.weights, shapes[:, self.vertices])


@dataclass(frozen=True)
class ShapeModel:
    """Tensors of a :class:`backend.morphable.MorphableModel`."""

    mean: Tensor
    """(N,3) mm, head frame."""
    identity: Tensor
    """(K,3N) for one standard deviation."""
    expression: Tensor
    """(E,3N) at weight 1."""
    triangles: Tensor
    """(T,3) int64, what hides things: everything but the lashes."""
    face: Tensor
    """(N,) bool: the face's skin."""
    landmarks_478: LandmarkPoints
    landmarks_68: LandmarkPoints

    def vertices(self, identity: Tensor, expression: Tensor) -> Tensor:
        """(B,N,3) for coefficients (B,K) and (B,E)."""
        return self.mean + (identity @ self.identity + expression @ self.expression).unflatten(1, (-1, 3))


def shape_model(model: MorphableModel, device: torch.device) -> ShapeModel:
    """The model's tensors on a device. A model from the user's own files may know fewer landmarks."""

    def tensor(values: np.ndarray) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(values)).to(device)

    def points(embedding: LandmarkEmbedding) -> LandmarkPoints:
        return LandmarkPoints(tensor(embedding.vertices.astype(np.int64)), tensor(embedding.weights))

    return ShapeModel(
        mean=tensor(model.mean),
        identity=tensor(model.identity.reshape(len(model.identity), -1)),
        expression=tensor(model.expression.reshape(len(model.expression), -1)),
        triangles=tensor(triangulate(model.polygons[model.solid]).vertices),
        face=tensor(model.regions["face"]),
        landmarks_478=points(model.landmarks_478),
        landmarks_68=points(model.landmarks_68),
    )
