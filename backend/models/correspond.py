"""Where MediaPipe's landmarks lie on a model that knows only 68 points.

The 68 marks of other models lie between MediaPipe's points rather than on them: fitted alone to 20
portraits, they left ICT-FaceKit 2.4 mm off (hm08 with its own points: 1.2 mm) at coefficients larger
than its own spread. So the shipped head, which knows all points, is bent until its 68 points lie on
the model's, and carries the others along: 1.5 mm, with smaller coefficients.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import RBFInterpolator

from ..evaluate.closest import ClosestSurface
from ..head_parse import FACE_OVAL
from ..landmarks import IRIS_BEGINS
from ..morphable import LandmarkEmbedding, MorphableModel

CHIN = 152
"""The one point of the oval that lies on a fixed spot of the skin."""
BETWEEN = (5, 39, 269, 181, 405, 82, 312, 87, 317)
"""Points of nose and lips whose mark among the 68 lies 1.6 to 3 mm beside them (mean of the same 20
portraits)."""
SMOOTHING = 50.0
"""Of the thin-plate spline: the marks of two conventions agree to a few millimetres only."""
ABSENT_MM = 10.0
"""A landmark that comes to lie farther from the surface is at a place that the model lacks."""


def ties(landmarks: LandmarkEmbedding) -> NDArray[np.bool_]:
    """(L,) landmarks that mean the same spot of the skin in every mark-up; the visible outline does not."""
    assert landmarks.rows is not None
    loose = (set(FACE_OVAL) | set(BETWEEN)) - {CHIN}
    return ~np.isin(landmarks.rows, list(loose))


def carried_over(
    known: LandmarkEmbedding,
    mean: NDArray[np.floating],
    triangles: NDArray[np.integer],
    reference: MorphableModel,
) -> LandmarkEmbedding:
    """MediaPipe's landmarks (without irises) on a model.

    Args:
        known: the landmarks that the model itself knows, with ``rows``.
        mean: (N,3) its mean shape in the head frame, mm.
        triangles: (T,3) its open skin.
        reference: the head that knows all landmarks.
    """
    assert known.rows is not None
    use = ties(known)
    source = reference.landmarks_478.of(reference.mean)
    bend = RBFInterpolator(
        source[known.rows[use]], known.of(mean)[use], kernel="thin_plate_spline", smoothing=SMOOTHING
    )
    nearest = ClosestSurface(mean, triangles).nearest(bend(source[:IRIS_BEGINS]))
    rows = np.flatnonzero(nearest.distance < ABSENT_MM)
    corners = triangles[nearest.triangle[rows]]
    weights = _barycentric(mean[corners].astype(np.float64), nearest.points[rows])
    return LandmarkEmbedding(corners.astype(np.int32), weights.astype(np.float32), rows.astype(np.int32))


def _barycentric(corners: NDArray[np.float64], points: NDArray[np.float64]) -> NDArray[np.float64]:
    """(M,3) weights of points (M,3) that lie on triangles (M,3,3)."""
    origin = corners[:, 2:]
    edges = np.swapaxes(corners[:, :2] - origin, 1, 2)
    two = np.einsum("mij,mj->mi", np.linalg.pinv(edges), points - origin[:, 0])
    weights = np.column_stack([two, 1 - two.sum(1)]).clip(0, 1)
    return weights / weights.sum(1, keepdims=True)
