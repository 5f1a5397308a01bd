"""What a head costs whose skin should look the way the normal network says.

A map of normals is a photo: of white skin in three lights without shadows, red from the right, green from
above and blue from ahead (photometric stereo, Woodham 1980, the other way round). So this is a skin's problem
(:mod:`backend.skin_problem`) whose light and albedo are known.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
import torch
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from .camera import Camera
from .descent import Array, FitState
from .face_normals import NormalMap
from .harmonics import SH_TERMS, sh_basis
from .morphable import MorphableModel
from .normals import vertex_normals
from .photo import Photo
from .raster import Rasterizer, rasterize_arrays, triangulate
from .sight import Sight
from .skin_problem import Skin, SkinProblem, bilinear, crop_pixels


@dataclass(frozen=True)
class NormalSettings:
    """Weights of what the normal network says."""

    vertices: int = 350
    """Of the face, at most; all heads are asked at the same ones."""
    around_mm: float = 5.0
    """What a pixel of the map mixes, and a little more."""
    creased_deg: float = 10.0
    """Between a vertex's normal and the mean of those around it: lids, lips and nostrils fold more, and no
    map is as fine."""
    independent: float = 0.2
    """Neighbouring vertices err together: this share of them counts."""
    facing: tuple[float, float] = (0.25, 0.5)
    """Cosine between normal and view ray from which a vertex counts at all and altogether: beyond, the map's
    pixels are mixed with what is behind."""
    robust_scale: float = 0.35
    """Geman-McClure scale in radians."""
    least_spread: float = 0.05
    """Radians; no normal is known better, whatever the network says."""
    iterations: int = 6
    """Of the descent that follows the one to the landmarks."""


class NormalWitness:
    """Poses the problem for one model; what depends on the model alone is prepared once."""

    def __init__(
        self, model: MorphableModel, rasterizer: Rasterizer, settings: NormalSettings | None = None
    ) -> None:
        self.settings = settings or NormalSettings()
        self._model = model
        self._rasterizer = rasterizer
        self._solid = triangulate(model.polygons[model.solid]).vertices
        smooth = _smooth(model, self._solid, self.settings)
        self._skin = Skin(model, self._solid, smooth[:: -(-len(smooth) // self.settings.vertices)])

    def problem(self, state: FitState, photo: Photo, found: NormalMap) -> SkinProblem:
        """What a head costs near ``state``, which says which vertices are seen."""
        s = self.settings
        camera = Camera.centred(float(np.exp(state.log_focal)), photo.width, photo.height)
        crop, picture = found.crop(camera), found.before(camera)
        shape = self._model.shape(state.identity, state.expression)
        vertices = (shape @ state.rotation.T + state.translation).astype(np.float32)
        at = vertices[self._skin.vertices]
        normals = vertex_normals(vertices, self._solid)[self._skin.vertices]
        view = rasterize_arrays(vertices, self._solid, crop.camera, self._rasterizer)
        labels = np.zeros(view.depth.shape, np.uint8)
        seen = Sight(crop.pixels, camera, crop, view.depth, labels).see(at)
        towards = -at / np.linalg.norm(at, axis=1, keepdims=True)
        facing = ((normals * towards).sum(axis=1) - s.facing[0]) / (s.facing[1] - s.facing[0])
        spread = bilinear(found.spread[..., None], crop_pixels(state, at.astype(float), crop))[:, 0]
        weights = seen.visible * facing.clip(0, 1) / spread.clip(s.least_spread) ** 2
        return SkinProblem(
            skin=self._skin,
            crop=crop,
            picture=np.dstack([picture, np.gradient(picture, axis=1), np.gradient(picture, axis=0)]),
            albedo=np.ones((len(at), 3)),
            light=light_of_axes(),
            weights=s.independent * weights,
            error=1.0,
            robust_scale=s.robust_scale,
        )


def _smooth(
    model: MorphableModel, triangles: NDArray[np.integer], settings: NormalSettings
) -> NDArray[np.intp]:
    """Vertices of the mean face where the skin has no crease."""
    normals = vertex_normals(model.mean, triangles)
    face = np.flatnonzero(model.regions["face"])
    tree = cKDTree(model.mean[face])
    around = tree.sparse_distance_matrix(tree, settings.around_mm).tocsr()
    around.data[:] = 1.0
    usual = (around + sp.identity(len(face))) @ normals[face]
    cosine = (usual * normals[face]).sum(axis=1) / np.linalg.norm(usual, axis=1)
    return face[cosine > np.cos(np.deg2rad(settings.creased_deg))]


def light_of_axes() -> Array:
    """(9,3) harmonics of the light in which white skin shows its own normal."""
    ahead = sh_basis(torch.eye(3, dtype=torch.float64)).numpy()
    light = np.zeros((SH_TERMS, 3))
    for axis, term in enumerate((2, 1, 3)):
        light[term, axis] = 1 / ahead[axis, term]
    return light
