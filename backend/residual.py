"""Spreads what the linear model lacks at the landmarks smoothly over the whole mesh (Sorkine 2004)."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp
import scipy.sparse.linalg as spl
from numpy.typing import NDArray

from .morphable import MorphableModel

Array = NDArray[np.float64]


class ResidualSmoother:
    """Spreads displacements known at landmarks over the mesh: the d with least
    s |L d|^2 + c |d(landmarks) - r|^2 + a |d|^2."""

    def __init__(self, model: MorphableModel, confidence: Array, stiffness: float, anchor: float) -> None:
        """``confidence`` (L,) at least 0 for each of the model's landmarks; ``anchor`` lets the displacement
        fade where no landmark is (ears, neck, teeth)."""
        count, known = len(model.mean), model.landmarks_478
        self._used = confidence > 0
        take, weights = known.vertices[self._used], known.weights[self._used].astype(np.float64)
        rows = np.repeat(np.arange(len(take)), 3)
        embed = sp.csr_matrix((weights.ravel(), (rows, take.ravel())), (len(take), count))
        self._towards = (sp.diags(confidence[self._used]) @ embed).T.tocsr()
        laplacian = graph_laplacian(model.polygons, count)
        system = stiffness * laplacian.T @ laplacian + self._towards @ embed + anchor * sp.identity(count)
        self._solve = spl.factorized(sp.csc_matrix(system))

    def spread(self, displacement: Array) -> Array:
        """(L,3) mm at the landmarks to (N,3) mm at the vertices."""
        target = self._towards @ displacement[self._used]
        return np.stack([self._solve(target[:, axis]) for axis in range(3)], axis=1)


def graph_laplacian(polygons: NDArray[np.int32], count: int) -> sp.csr_matrix:
    """Uniform graph Laplacian (N,N) of the polygon edges, rows scaled to sum of neighbours 1."""
    following = np.roll(polygons, -1, axis=1)
    last = polygons[:, 3] < 0
    following[last, 2] = polygons[last, 0]
    valid = (polygons >= 0) & (following >= 0)
    a, b = polygons[valid], following[valid]
    adjacency = sp.coo_matrix((np.ones(len(a)), (a, b)), (count, count)).tocsr()
    adjacency = ((adjacency + adjacency.T) > 0).astype(np.float64)
    degree = np.asarray(adjacency.sum(1)).ravel().clip(1)
    return sp.identity(count, format="csr") - sp.diags(1 / degree) @ adjacency
