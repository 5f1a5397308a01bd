"""Brings a model of the user's into Likeness' head frame, with everything that the engine asks of a head.

Axes, origin, landmarks' meaning and the regions of the skin come from the head that ships with
Likeness: the model is laid onto it by the landmarks that both know, turned and moved but never
scaled, so that its millimetres stay its own.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree
from scipy.spatial.transform import Rotation

from ..albedo import AlbedoBasis
from ..morphable import MorphableModel, load_head_model
from ..raster import triangulate
from .correspond import carried_over, ties
from .raw import RawModel, Terms, unusable
from .unwrap import unwrapped

OPEN_SKIN = ("face", "scalp", "ear_left", "ear_right", "neck")
HIDDEN_SKIN = ("mouth_inside", "socket_left", "socket_right")
EYES_AND_MOUTH = ("eye_left", "eye_right", "teeth", "tongue")
SIZE_LIMITS = (0.75, 1.33)
"""A head beyond these shares of the average one is in other units than its format says."""
REMEDY = "Get the model again from its authors; Likeness reads their files unchanged."


def adopt(raw: RawModel, terms: Terms, path: Path) -> MorphableModel:
    """A raw model as one that the engine works with; ``path`` names it in errors.

    Raises ModelUnusable if its arrays contradict each other or its size is not that of a head.
    """
    _check(raw, path)
    reference = load_head_model()
    rotation, origin, target = _placement(raw, reference, path)
    mean = (raw.mean - origin) @ rotation.T + target
    identity, expression = raw.identity @ rotation.T, raw.expression @ rotation.T
    names = tuple(raw.parts)
    kept = np.any([raw.parts[name] for name in names], axis=0)
    part = np.select([raw.parts[name] for name in names], range(len(names)), 0).astype(np.uint8)[kept]
    polygons = _outward(mean, raw.polygons[kept], part == names.index("skin"))
    uvs = (
        unwrapped(mean, polygons, part) if raw.uvs is None else _turned(raw.uvs, raw.polygons, polygons, kept)
    )
    regions = _regions(raw, mean, polygons, part, names, reference)
    open_skin = np.any([regions[name] for name in OPEN_SKIN], axis=0)
    surface = triangulate(polygons).vertices
    surface = surface[open_skin[surface].all(axis=1)]
    mirror = cKDTree(mean).query(mean * [-1, 1, 1])[1].astype(np.int32)
    return MorphableModel(
        name=terms.name,
        licence=terms.licence,
        commercial_use=terms.commercial_use,
        mean=mean.astype(np.float32),
        identity=identity.astype(np.float32),
        identity_std=np.linalg.norm(identity.reshape(len(identity), -1), axis=1).astype(np.float32),
        expression=expression.astype(np.float32),
        expression_names=raw.expression_names,
        polygons=polygons,
        uvs=uvs.astype(np.float32),
        part_names=names,
        polygon_part=part,
        regions=regions,
        mirror=mirror,
        landmarks_478=carried_over(raw.landmarks, mean, surface, reference),
        landmarks_68=raw.landmarks,
        source_vertex=np.arange(len(mean), dtype=np.int32),
        albedo=raw.albedo and _even(raw.albedo, mirror),
    )


def _even(albedo: AlbedoBasis, mirror: NDArray[np.int32]) -> AlbedoBasis:
    """A basis whose halves are alike: light from one side can only be light (docs/conventions.md)."""
    return AlbedoBasis(
        (albedo.mean + albedo.mean[mirror]) / 2, (albedo.components + albedo.components[:, mirror]) / 2
    )


def _check(raw: RawModel, path: Path) -> None:
    n, q = len(raw.mean), len(raw.polygons)
    sound = (
        raw.mean.shape == (n, 3)
        and raw.identity.ndim == raw.expression.ndim == 3
        and raw.identity.shape[1:] == raw.expression.shape[1:] == (n, 3)
        and len(raw.identity) > 0
        and len(raw.expression) == len(raw.expression_names)
        and all(mask.shape == (q,) for mask in raw.parts.values())
        and bool(raw.polygons[:, :3].min() >= 0 and raw.polygons.max() < n)
        and all(np.isfinite(values).all() for values in (raw.mean, raw.identity, raw.expression))
        and (raw.albedo is None or raw.albedo.fits(n))
    )
    if not sound:
        raise unusable(path, "contradicts itself: its arrays do not fit together", REMEDY)


def _placement(
    raw: RawModel, reference: MorphableModel, path: Path
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Rotation (3,3), and the points (3,) that it takes into each other: raw model to head frame."""
    rows = raw.landmarks.rows
    assert rows is not None
    inner = ties(raw.landmarks)
    mine = raw.landmarks.of(raw.mean)[inner]
    theirs = reference.landmarks_478.of(reference.mean)[rows[inner]]
    origin, target = mine.mean(0), theirs.mean(0)
    size = np.linalg.norm(mine - origin) / np.linalg.norm(theirs - target)
    if not SIZE_LIMITS[0] < size < SIZE_LIMITS[1]:
        raise unusable(path, f"shows a head {size:.3g} times as large as people's", REMEDY)
    rotation, _ = Rotation.align_vectors(theirs - target, mine - origin)
    return rotation.as_matrix(), origin.astype(np.float64), target.astype(np.float64)


def _outward(
    mean: NDArray[np.floating], polygons: NDArray[np.int32], skin: NDArray[np.bool_]
) -> NDArray[np.int32]:
    """Polygons counter-clockwise from outside; all turn together, as their file winds them alike."""
    a, b, c = (mean[polygons[skin, corner]] for corner in range(3))
    if ((np.cross(b - a, c - a) * (a + b + c)).sum(1)).sum() >= 0:
        return polygons
    triangle = polygons[:, 3] < 0
    return np.where(triangle[:, None], polygons[:, [0, 2, 1, 3]], polygons[:, ::-1]).astype(np.int32)


def _turned(
    uvs: NDArray[np.floating],
    before: NDArray[np.int32],
    polygons: NDArray[np.int32],
    kept: NDArray[np.bool_],
) -> NDArray[np.floating]:
    """UVs of the kept polygons, in the order of their corners."""
    uvs, before = uvs[kept], before[kept]
    place = (before[:, None, :] == polygons[:, :, None]).argmax(axis=2)
    return np.take_along_axis(uvs, place[..., None], axis=1)


def _regions(
    raw: RawModel,
    mean: NDArray[np.floating],
    polygons: NDArray[np.int32],
    part: NDArray[np.uint8],
    names: tuple[str, ...],
    reference: MorphableModel,
) -> dict[str, NDArray[np.bool_]]:
    """Vertex masks: parts by their polygons, the open skin by the nearest place of the reference."""
    count = len(mean)
    regions = {name: np.zeros(count, np.bool_) for name in (*HIDDEN_SKIN, *EYES_AND_MOUTH)}
    for number, name in enumerate(names):
        used = polygons[part == number]
        regions[name] = np.isin(np.arange(count), used[used >= 0])
    regions |= {name: mask & regions["skin"] for name, mask in raw.regions.items()}
    hidden = np.any([regions[name] for name in HIDDEN_SKIN], axis=0)
    open_skin = regions["skin"] & ~hidden
    known = np.any([reference.regions[name] for name in OPEN_SKIN], axis=0)
    _, nearest = cKDTree(reference.mean[known]).query(mean)
    for name in OPEN_SKIN:
        regions[name] = open_skin & reference.regions[name][known][nearest]
    return regions
