"""Strands along the cards of hair meshes: the CC0 hairdos of MakeHuman as guides."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from torch import Tensor

from backend.raster import triangulate

from ..assets import HairMesh, load_assets
from ..blend import blend_all
from ..head import HeadShape
from .grow import STEPS
from .roots import find_locks

MAP = 384
"""Pixels along each side of the picture in which an island of the texture is traced."""
SHORTEST_PX = 6
SPARE = 4
"""How many times more lines are tried than are picked: many start at the ends of cards and are too short."""


@dataclass(frozen=True)
class MeshGuides:
    """Guides on one hair mesh."""

    corners: Tensor
    """(G,12,3) int64 vertices of the mesh."""
    weights: Tensor
    """(G,12,3)."""
    locks: Tensor
    """(3,G) int64."""

    def on(self, mesh: HairMesh, head: HeadShape, person: int, mirrored: bool) -> Tensor:
        """(G,12,3) mm on one of the heads, from root to tip."""
        moved = head.moved[person : person + 1]
        flip = moved.new_tensor([-1.0 if mirrored else 1.0, 1.0, 1.0])
        if mirrored:
            moved = moved[:, torch.from_numpy(head.assets.model.mirror).long().to(moved.device)] * flip
        vertices = mesh.on(moved)[0] * flip
        return blend_all(vertices[None], self.corners, self.weights)[0]


@cache
def trace(device: str, name: str, count: int) -> MeshGuides:
    """``count`` guides on a mesh, from the top of its texture (the roots) down its cards.

    Cards are picked by their area, places on them at random (always the same).
    """
    mesh = load_assets(device).hair[name]
    vertices, polygons = mesh.vertices.cpu().numpy(), mesh.polygons.cpu().numpy()
    triangulated = triangulate(polygons)
    triangles = triangulated.vertices.astype(np.int64)
    uvs = triangulated.of_corners(mesh.uvs.cpu().numpy())
    rng = np.random.default_rng(len(vertices))
    edges = vertices[triangles]
    area = np.linalg.norm(np.cross(edges[:, 1] - edges[:, 0], edges[:, 2] - edges[:, 0]), axis=1)
    island = _islands(triangles, uvs)
    corners, weights = [], []
    for one in np.unique(island):
        mine = np.flatnonzero(island == one)
        share = round(SPARE * count * float(area[mine].sum() / area.sum()))
        if share == 0:
            continue
        chosen, inside = _trace_island(uvs[mine], area[mine], share, rng)
        corners.append(triangles[mine[chosen]])
        weights.append(inside)
    corner, weight = np.concatenate(corners), np.concatenate(weights).astype(np.float32)
    picked = rng.choice(len(corner), count, replace=len(corner) < count)
    corner, weight = corner[picked], weight[picked]
    middles = np.einsum("gc,gcd->gd", weight[:, STEPS // 3], vertices[corner[:, STEPS // 3]])
    order = np.argsort(_along_a_curve(middles), kind="stable")
    corner, weight = torch.from_numpy(corner[order]).to(device), torch.from_numpy(weight[order]).to(device)
    return MeshGuides(corner, weight, find_locks(torch.from_numpy(middles[order]).to(device)))


def _along_a_curve(points: NDArray[np.floating]) -> NDArray[np.int64]:
    """Cells of 20 mm in layers, so that neighbours in the list are neighbours in space."""
    cells = ((points - points.min(axis=0)) / 20.0).astype(np.int64)
    return (cells[:, 1] * 1000 + cells[:, 2]) * 1000 + cells[:, 0]


def _islands(triangles: NDArray[np.int64], uvs: NDArray[np.floating]) -> NDArray[np.int64]:
    """(T,) which connected piece of the texture each triangle belongs to."""
    keys = np.concatenate([triangles.reshape(-1, 1), np.round(uvs.reshape(-1, 2) * 8192)], axis=1)
    node = np.unique(keys, axis=0, return_inverse=True)[1].reshape(-1, 3)
    pairs = np.concatenate([node[:, [0, 1]], node[:, [1, 2]]])
    graph = coo_array((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=(node.max() + 1,) * 2)
    return connected_components(graph, directed=False)[1][node[:, 0]]


def _trace_island(
    uvs: NDArray[np.floating], area: NDArray[np.floating], count: int, rng: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.floating]]:
    """Up to ``count`` lines down the columns of one island: triangles (n,12) and weights (n,12,3)."""
    low, span = uvs.reshape(-1, 2).min(axis=0), np.ptp(uvs.reshape(-1, 2), axis=0).clip(1e-6)
    pixels = (uvs - low) / span * (MAP - 1)
    picture = np.full((MAP, MAP), -1, np.int32)
    for number, corner in enumerate(np.rint(pixels).astype(np.int32)):
        cv2.fillConvexPoly(picture, corner, number)
    start = rng.choice(len(area), count, p=area / area.sum())
    at = np.einsum("ik,ikj->ij", rng.dirichlet(np.ones(3), count), pixels[start]).astype(np.int64)
    first, last = (ends[at[:, 1], at[:, 0]] for ends in _runs(picture >= 0))
    long = last - first >= SHORTEST_PX - 1
    column, first, last = at[long, :1], first[long, None], last[long, None]
    rows = (last + (first - last) * np.linspace(0, 1, STEPS)).astype(np.int64)
    chosen = picture[rows, column]
    places = np.stack([np.broadcast_to(column, rows.shape), rows], axis=-1)
    weights = _barycentric(pixels[chosen].reshape(-1, 3, 2), places.reshape(-1, 2))
    return chosen, weights.reshape(-1, STEPS, 3)


def _runs(inside: NDArray[np.bool_]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """First and last row (h,w) of the run of True around every place of its column; crossed where False."""
    row = np.broadcast_to(np.arange(len(inside))[:, None], inside.shape)
    first = np.maximum.accumulate(np.where(inside, -1, row), axis=0) + 1
    last = np.minimum.accumulate(np.where(inside, len(inside), row)[::-1], axis=0)[::-1] - 1
    return first, last


def _barycentric(triangles: NDArray[np.floating], points: NDArray[np.floating]) -> NDArray[np.floating]:
    """(n,3) weights of points (n,2) in triangles (n,3,2), brought inside."""
    a, b, c = triangles[:, 0], triangles[:, 1], triangles[:, 2]
    p, q, r = b - a, c - a, points - a
    area = p[:, 0] * q[:, 1] - p[:, 1] * q[:, 0]
    area = np.where(np.abs(area) < 1e-9, 1e-9, area)
    v = (r[:, 0] * q[:, 1] - r[:, 1] * q[:, 0]) / area
    w = (p[:, 0] * r[:, 1] - p[:, 1] * r[:, 0]) / area
    weights = np.stack([1 - v - w, v, w], axis=1).clip(0, 1)
    return weights / weights.sum(axis=1, keepdims=True).clip(1e-9)
