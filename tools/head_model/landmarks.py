"""Ties MediaPipe's 478 points and the common 68 to the mesh, from what it saw on rendered heads."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment
from scipy.spatial import cKDTree
from trimesh.triangles import closest_point, points_to_barycentric

from backend.morphable import LandmarkEmbedding
from backend.raster import triangulate

from .sightings import (
    IRIS_CENTRES,
    IRIS_RADIUS_MM,
    VIEW_FIELD_MM,
    VIEW_SIZE,
    Head,
    Sighting,
    iris_pole,
)
from .topology import edges_of

Array = NDArray[np.floating]
Edges = NDArray[np.int32]

LID_RING, UPPER_LIP_RING, LOWER_LIP_RING = 2, 3, 2
"""Edge rings outside hm08's seams (see ``regions.margin_loop``) that MediaPipe takes for the lid margin, and
those on which the lips part: the median ring of its unsnapped points, open mouths included."""

NEAREST_TRIANGLES = 48
"""Candidates for the nearest point: enough for triangles of very different size."""

MIN_FACING = 0.15
"""Views that see a spot more obliquely than this say nothing about where it is."""

FAR_SIDE_DEG_MM = 12.0 * 20.0 - 1.0
"""A view that turns a landmark away by more (degrees times its distance from the middle) is not asked."""


UPPER_INNER_LIP = (191, 80, 81, 82, 13, 312, 311, 310, 415)
LOWER_INNER_LIP = (95, 88, 178, 87, 14, 317, 402, 318, 324)
MOUTH_CORNERS = (78, 308)
UPPER_LID = {"left": (398, 384, 385, 386, 387, 388, 466), "right": (173, 157, 158, 159, 160, 161, 246)}
LOWER_LID = {"left": (382, 381, 380, 374, 373, 390, 249), "right": (155, 154, 153, 145, 144, 163, 7)}
LID_CORNERS = {"left": (362, 263), "right": (133, 33)}
"""MediaPipe's points on the lid margins (from the nose outwards) and on the line between the lips."""


def robust_mean(sightings: list[Sighting], sideways_mm: Array) -> Array:
    """(478,3) mean of what lies near the median, weighted by how squarely each view saw the spot.

    ``sideways_mm`` (478,) says how far to the subject's left each landmark lies: on the far side of a
    turned head MediaPipe puts the face's outline onto the silhouette, wherever that may run.
    """
    points = np.stack([s.points for s in sightings])
    far = np.stack([s.yaw_deg * sideways_mm > FAR_SIDE_DEG_MM for s in sightings])
    points = np.where(far[..., None], np.nan, points)
    weights = np.stack([np.clip(np.nan_to_num(s.facing) - MIN_FACING, 0.0, 1.0) for s in sightings])
    squarely = np.where((weights > 0)[..., None], points, np.nan)
    squarely = np.where(np.isnan(squarely).all(axis=0), points, squarely)
    centre = np.nanmedian(squarely, axis=0)
    distance = np.linalg.norm(squarely - centre, axis=2)
    limit = 2.0 * np.nanmedian(distance, axis=0) + 0.5
    weights = np.where(distance <= limit, weights + 1e-6, 0.0)[..., None]
    return (weights * np.nan_to_num(squarely)).sum(axis=0) / weights.sum(axis=0)


def sideways(sightings: list[Sighting]) -> Array:
    """(478,) how far to the subject's left (the picture's right) the frontal views see each landmark, mm."""
    columns = np.stack([s.pixels[:, 0] for s in sightings if s.yaw_deg == 0.0])
    return (np.median(columns, axis=0) - (VIEW_SIZE - 1) / 2) * VIEW_FIELD_MM / VIEW_SIZE


def landmark_mirror(sightings: list[Sighting]) -> NDArray[np.int64]:
    """(478,) which landmark is the mirror image of which, from the frontal views of symmetric faces.

    Open mouths keep the upper and the lower lip apart. Raises ValueError if the pairing is not mutual.
    """
    frontal = [s.pixels - [(VIEW_SIZE - 1) / 2, 0.0] for s in sightings if s.yaw_deg == 0.0]
    seen = np.concatenate(frontal, axis=1)
    flipped = np.concatenate([view * [-1.0, 1.0] for view in frontal], axis=1)
    cost = np.linalg.norm(seen[:, None] - flipped[None], axis=2)
    twin = linear_sum_assignment(cost + cost.T)[1]
    if not np.array_equal(twin[twin], np.arange(len(twin))):
        strangers = np.flatnonzero(twin[twin] != np.arange(len(twin)))
        raise ValueError(f"landmarks {strangers.tolist()} have no twin")
    return twin


def symmetrise(points: Array, twin: NDArray[np.int64]) -> Array:
    """Average every landmark with its twin's mirror image."""
    return (points + points[twin] * np.array([-1.0, 1.0, 1.0])) / 2


def closest_on_mesh(points: Array, vertices: Array, triangles: NDArray[np.int64]) -> LandmarkEmbedding:
    """The nearest points of a surface to (L,3) points, as barycentrics."""
    corners = vertices[triangles].astype(np.float64)
    _, near = cKDTree(corners.mean(axis=1)).query(points, k=NEAREST_TRIANGLES)
    owner = np.repeat(np.arange(len(points)), NEAREST_TRIANGLES)
    nearest = closest_point(corners[near.ravel()], points[owner])
    distance = np.linalg.norm(nearest - points[owner], axis=1).reshape(near.shape)
    best = np.arange(len(points)), distance.argmin(axis=1)
    chosen, place = near[best], nearest.reshape(*near.shape, 3)[best]
    weights = points_to_barycentric(corners[chosen], place)
    return _embedding(triangles[chosen], np.clip(weights, 0, 1))


def _embedding(vertices: NDArray[np.integer], weights: Array) -> LandmarkEmbedding:
    weights = weights / weights.sum(axis=1, keepdims=True)
    return LandmarkEmbedding(vertices.astype(np.int32), weights.astype(np.float32))


def pick(embedding: LandmarkEmbedding, rows: tuple[int, ...]) -> LandmarkEmbedding:
    """A selection of landmarks."""
    chosen = list(rows)
    return LandmarkEmbedding(embedding.vertices[chosen], embedding.weights[chosen])


def embed(
    sightings: list[Sighting], symmetric: list[Sighting], mean: Array, head: Head, rims: dict[str, Edges]
) -> LandmarkEmbedding:
    """All 478 points: averaged over the views, made symmetric, lids and lips set onto their rims.

    ``symmetric`` are the views of shapes without asymmetry; ``rims`` come from :func:`rims_of`.
    """
    twin = landmark_mirror(symmetric)
    points = symmetrise(robust_mean([s for s in sightings if not s.mouth_open], sideways(symmetric)), twin)
    skin = triangulate(head.polygons[head.regions["skin"][head.polygons[:, 0]]]).vertices
    embedding = closest_on_mesh(points, mean, skin)
    groups = {"upper_lip": UPPER_INNER_LIP, "lower_lip": LOWER_INNER_LIP}
    for side in ("left", "right"):
        groups |= {f"upper_lid_{side}": UPPER_LID[side], f"lower_lid_{side}": LOWER_LID[side]}
    for name, rows in groups.items():
        embedding = _replaced(embedding, rows, closest_on_edges(points[list(rows)], mean, rims[name]))
    for name, centre in IRIS_CENTRES.items():
        rows = tuple(range(centre, centre + 5))
        eye = triangulate(head.polygons[head.regions[name][head.polygons[:, 0]]]).vertices
        rim = _iris_points(mean, head.regions[name], points[list(rows)])
        embedding = _replaced(embedding, rows, closest_on_mesh(rim, mean, eye))
    return embedding


def _iris_points(mean: Array, eye: NDArray[np.bool_], seen: Array) -> Array:
    """(5,3) pole and rim of the iris; MediaPipe tells only which rim point lies in which direction."""
    pole = iris_pole(mean, eye)
    radius = np.ptp(mean[eye, 2]) / 2
    across = seen[1:] - seen[:1]
    sideways = np.abs(across[:, 0]) > np.abs(across[:, 1])
    step = np.where(sideways[:, None], np.sign(across) * [1, 0, 0], np.sign(across) * [0, 1, 0])
    back = np.array([0.0, 0.0, radius - np.sqrt(radius**2 - IRIS_RADIUS_MM**2)])
    return np.concatenate([pole[None], pole + IRIS_RADIUS_MM * step - back])


def rims_of(
    polygons: NDArray[np.int32], rings: dict[str, NDArray[np.int32]], drop: dict[str, NDArray[np.bool_]]
) -> dict[str, Edges]:
    """Edges (E,2) of the lid margins and of the lips' inner rims.

    ``rings`` (N,) ring distance from each seam, ``drop`` masks (N,) of what belongs to the lower half.
    """
    edges = np.unique(np.sort(edges_of(polygons), axis=1), axis=0)
    wanted = {"upper_lip": ("mouth", UPPER_LIP_RING), "lower_lip": ("mouth", LOWER_LIP_RING)}
    for side in ("left", "right"):
        wanted |= {f"{half}_lid_{side}": (f"socket_{side}", LID_RING) for half in ("upper", "lower")}
    rims = {}
    for name, (seam, ring) in wanted.items():
        half = drop[seam] if name.startswith("lower") else ~drop[seam]
        on_rim = (rings[seam] == ring) & half
        rims[name] = edges[on_rim[edges].all(axis=1)]
    return rims


def closest_on_edges(points: Array, vertices: Array, edges: Edges) -> LandmarkEmbedding:
    """The nearest points of mesh edges (E,2) to (L,3) points."""
    a, b = vertices[edges[:, 0]].astype(np.float64), vertices[edges[:, 1]].astype(np.float64)
    along = ((points[:, None] - a) * (b - a)).sum(axis=2) / ((b - a) ** 2).sum(axis=1)
    along = np.clip(along, 0.0, 1.0)
    nearest = a + along[..., None] * (b - a)
    best = np.linalg.norm(nearest - points[:, None], axis=2).argmin(axis=1)
    share = along[np.arange(len(points)), best]
    ends = edges[best]
    return _embedding(ends[:, [0, 1, 1]], np.stack([1 - share, share, 0 * share], axis=1))


def _replaced(old: LandmarkEmbedding, rows: tuple[int, ...], new: LandmarkEmbedding) -> LandmarkEmbedding:
    vertices, weights = old.vertices.copy(), old.weights.copy()
    vertices[list(rows)], weights[list(rows)] = new.vertices, new.weights
    return LandmarkEmbedding(vertices, weights)


def lower_halves(
    mean: Array, seams: dict[str, NDArray[np.int32]], expressions: Array, names: tuple[str, ...]
) -> dict[str, NDArray[np.bool_]]:
    """Masks (N,) of the lower lip (it falls when the jaw opens) and of the lower lids (below the corners)."""
    fall = -expressions[names.index("jawOpen"), :, 1]
    halves = {"mouth": fall > fall[seams["mouth"]].max() / 2}
    for side in ("left", "right"):
        margin = mean[seams[f"socket_{side}"]]
        inner, outer = margin[np.abs(margin[:, 0]).argmin()], margin[np.abs(margin[:, 0]).argmax()]
        level = np.interp(np.abs(mean[:, 0]), np.abs([inner[0], outer[0]]), [inner[1], outer[1]])
        halves[f"socket_{side}"] = mean[:, 1] < level
    return halves
