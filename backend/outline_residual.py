"""Cheeks and jaw as wide as the photo shows them: what no coefficient explains of the outline.

A fitted head is a few millimetres too narrow here and too wide there. Left alone, a strip of the photo's
cheek stands beside the fitted one and shows as a patch when the head turns. The displacement that is missing
is read where the model's outline and the photo's can both be seen, and fades smoothly over the skin around.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree
from scipy.spatial.distance import cdist

from .crop import HeadCrop
from .fit import HeadFit
from .frames import Pose
from .morphable import MorphableModel
from .outline_problem import FEWEST_POINTS, model_border, skin_border
from .project import EARS
from .raster import FragmentArrays, Rasterizer, rasterize_arrays, triangulate


@dataclass(frozen=True)
class OutlineReach:
    """How far an outline is believed and followed, mm."""

    farthest_mm: float = 8.0
    """A border that is farther off belongs to something else."""
    reach_mm: float = 8.0
    """Deviation of the weight of an outline's point over the skin around it."""
    fading: float = 3.0
    """So many points' weight of no displacement: far from the outline nothing moves."""
    points: int = 240
    """Used at most."""
    off_ears_mm: float = 15.0
    """Over this distance from an ear the displacement grows to its whole."""
    rounds: int = 2
    """A smooth displacement meets an outline only in part; twice, it is met by half a millimetre."""


def outline_residual(
    model: MorphableModel,
    fit: HeadFit,
    crop: HeadCrop,
    labels: NDArray[np.uint8],
    rasterizer: Rasterizer,
    reach: OutlineReach | None = None,
) -> NDArray[np.float32]:
    """(N,3) mm, head frame: what brings the fitted skin's outline to the photo's; zeros where none is seen.

    Args:
        model: with a skull: a model of the face alone ends where its mesh does.
        fit: the head as it lies in the photo.
        crop, labels: the working crop, and the classes (S,S) of its pixels.
        rasterizer: draws the head.
    """
    reach = reach or OutlineReach()
    head = fit.vertices(model)
    moved = head
    if model.has_skull:
        for _ in range(reach.rounds):
            moved = moved + _missing(model, moved, fit.pose, crop, labels, rasterizer, reach)
    return _off_ears(model, reach)[:, None] * (moved - head)


def _off_ears(model: MorphableModel, reach: OutlineReach) -> NDArray[np.float32]:
    """(N,) 0 on ears, 1 farther away: they stay where they were fitted."""
    ears = np.logical_or.reduce([model.regions[name] for name in EARS])
    if not ears.any():
        return np.ones(len(ears), np.float32)
    distance, _ = cKDTree(model.mean[ears]).query(model.mean)
    return (distance / reach.off_ears_mm).clip(0, 1).astype(np.float32)


def _missing(
    model: MorphableModel,
    head: NDArray[np.float32],
    pose: Pose,
    crop: HeadCrop,
    labels: NDArray[np.uint8],
    rasterizer: Rasterizer,
    reach: OutlineReach,
) -> NDArray[np.float32]:
    """(N,3) mm of one round for vertices (N,3) of the head frame."""
    nothing = np.zeros_like(head)
    triangles = triangulate(model.polygons[model.solid]).vertices
    view = rasterize_arrays(pose.to_camera(head), triangles, crop.camera, rasterizer)
    distance_px, known = skin_border(labels, crop.inside)
    pitch_mm = float(pose.translation_mm[2]) / crop.camera.fx
    near = known & (np.abs(distance_px) * pitch_mm < reach.farthest_mm)
    row, column = np.nonzero(model_border(model, view) & near & _shows_face(model, view))
    if len(row) < FEWEST_POINTS:
        return nothing
    every = -(-len(row) // reach.points)
    row, column = row[::every], column[::every]
    corners, shares = view.triangles[view.face[row, column]], view.barycentric[row, column]
    places = np.einsum("pc,pcd->pd", shares, head[corners])
    down, right = (slope[row, column] for slope in np.gradient(distance_px))
    steep = np.hypot(down, right).clip(1e-6)
    outward = np.stack([right / steep, down / steep, np.zeros_like(down)], axis=1)
    missing = -(distance_px[row, column] * pitch_mm)[:, None] * outward @ pose.rotation
    weight = np.exp(-cdist(head, places, "sqeuclidean") / (2 * reach.reach_mm**2))
    return (weight @ missing / (weight.sum(axis=1, keepdims=True) + reach.fading)).astype(np.float32)


def _shows_face(model: MorphableModel, view: FragmentArrays) -> NDArray[np.bool_]:
    """(S,S) whether the face region is seen: ears have outlines of their own."""
    return view.covered & model.regions["face"][view.triangles].all(axis=1)[view.face.clip(0)]
