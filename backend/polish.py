"""Lets the pixels of the skin have their say in a head that landmarks and network have found.

Shading tells relief: a vertex should show its albedo in the light that falls on its normal (eq. 2 of
Deep 3D Portrait, 2020, over vertices instead of pixels, with the skin's classes as attention). Light and
albedo are solved for with the shape held still (:mod:`backend.light`), then the shape with light and albedo
held still, in turns; landmarks and priors of :mod:`backend.fit_problem` stay part of what is minimised.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from .colour import LINEAR_OF_BYTE
from .crop import HeadCrop
from .fit_problem import (
    POSE_PARAMETERS,
    Array,
    FitState,
    LandmarkProblem,
    descend,
    projection_columns,
)
from .frames import HEAD_TO_CAMERA_AXES
from .harmonics import sh_slopes
from .head_parse import HeadParse
from .light import estimate_light, shading
from .morphable import MorphableModel
from .raster import Rasterizer, rasterize_arrays, triangulate
from .sight import Sight
from .vertex_colours import VertexColours, vertex_colours


@dataclass(frozen=True)
class PolishSettings:
    """Weights of the pixels' share."""

    error: float = 0.12
    """Spread of what neither light nor albedo explains, over the face's usual brightness (as in
    :mod:`backend.light`)."""
    robust_scale: float = 2.5
    """Geman-McClure scale in such spreads: shadows, highlights and beards lose their vote."""
    independent: float = 0.1
    """Neighbouring vertices err together: this share of them counts."""
    vertices: int = 700
    """Used at most."""
    fewest: int = 150
    """Needed: with less skin in sight the pixels are not asked."""
    rounds: int = 3
    """Turns of light and shape."""
    steps: int = 3
    """Of the shape in one turn."""
    blur_px: float = 1.5
    """Of the working crop, where a pixel is a millimetre: vertices lie 2 to 3 mm apart."""


class Polisher:
    """Polishes fits of one model; what depends on the model alone is prepared once."""

    def __init__(
        self, model: MorphableModel, rasterizer: Rasterizer, settings: PolishSettings | None = None
    ) -> None:
        self._model = model
        self._settings = settings or PolishSettings()
        self._rasterizer = rasterizer
        self._solid = triangulate(model.polygons[model.solid]).vertices

    def polish(self, problem: LandmarkProblem, state: FitState, crop: HeadCrop, parse: HeadParse) -> FitState:
        """A state that explains landmarks, priors and skin no worse than ``state`` does, by its own cost.

        Args:
            problem, state: of the fit, as it ended.
            crop: the working crop of that fit.
            parse: its classes.
        """
        if self._model.albedo is None:
            return state
        sight = self._sight(state, crop, parse)
        first = last = self._look(problem, state, crop, sight)
        if first is None:
            return state
        found = state
        for _ in range(self._settings.rounds):
            found = descend(last, found, self._model.expression_bounds, self._settings.steps)
            last = self._look(problem, found, crop, sight, first)
        # Each turn lowers its own cost; only the same vertices under the best light compare all of them.
        return found if last.cost(found) < first.cost(state) else state

    def _sight(self, state: FitState, crop: HeadCrop, parse: HeadParse) -> Sight:
        """The crop as a photo of its own: what is coarser than its pixels is all that counts here."""
        vertices = self._vertices_cam(state)
        nearest = rasterize_arrays(vertices, self._solid, crop.camera, self._rasterizer).depth
        alone = replace(crop, scale=1.0, offset_x=0.0, offset_y=0.0)
        return Sight(crop.pixels, crop.camera, alone, nearest, parse.labels)

    def _vertices_cam(self, state: FitState) -> NDArray[np.float32]:
        shape = self._model.shape(state.identity, state.expression)
        return (shape @ state.rotation.T + state.translation).astype(np.float32)

    def _look(
        self,
        problem: LandmarkProblem,
        state: FitState,
        crop: HeadCrop,
        sight: Sight,
        before: SkinProblem | None = None,
    ) -> SkinProblem | None:
        """The problem with light and albedo as they are best for a state; None where too little is seen."""
        s, basis = self._settings, self._model.albedo
        seen = vertex_colours(self._model, self._vertices_cam(state), sight)
        estimate = estimate_light(basis, seen)
        albedo = basis.of(estimate.albedo)
        if before is not None:
            return replace(before, albedo=albedo[before.skin.vertices], light=estimate.light.astype(float))
        at = np.flatnonzero(seen.weights > 0)
        if len(at) < s.fewest:
            return None
        total, at = float(seen.weights[at].sum()), at[:: -(-len(at) // s.vertices)]
        weights = seen.weights[at].astype(float)
        linear = cv2.GaussianBlur(LINEAR_OF_BYTE[crop.pixels].astype(np.float32), (0, 0), s.blur_px)
        return SkinProblem(
            problem,
            Skin(self._model, self._solid, at),
            crop,
            np.dstack([linear, np.gradient(linear, axis=1), np.gradient(linear, axis=0)]),
            albedo[at].astype(float),
            estimate.light.astype(float),
            weights * (s.independent * total / weights.sum()),
            s.error * usual_brightness(seen),
            s.robust_scale,
        )


def usual_brightness(seen: VertexColours) -> float:
    """Median of the colours that are seen, linear."""
    return float(np.median(seen.colours[seen.weights > 0].mean(axis=1)))


class Skin:
    """Some vertices of a model with the triangles around them."""

    def __init__(self, model: MorphableModel, triangles: NDArray[np.integer], vertices: Array) -> None:
        self.vertices = vertices
        """(V,) of the model."""
        touching = triangles[np.isin(triangles, vertices).any(axis=1)]
        used, corners = np.unique(touching, return_inverse=True)
        self._corners = corners.reshape(-1, 3)
        self._at = np.searchsorted(used, vertices)
        place = np.full(len(used), -1)
        place[self._at] = np.arange(len(vertices))
        owner = place[self._corners]
        face = np.broadcast_to(np.arange(len(owner))[:, None], owner.shape)[owner >= 0]
        self._around = sp.csr_matrix(
            (np.ones(len(face)), (owner[owner >= 0], face)), (len(vertices), len(owner))
        )
        self._mean = model.mean[used].astype(np.float64)
        basis = np.concatenate([model.identity[:, used], model.expression[:, used]])
        self._basis = np.moveaxis(basis, 0, -1).copy()

    @property
    def basis(self) -> Array:
        """(V,3,K+E) displacements."""
        return self._basis[self._at].astype(np.float64)

    def shape(self, coefficients: Array) -> tuple[Array, Array]:
        """Vertices (V,3) and their outward normals (V,3), not of unit length, for coefficients (K+E,)."""
        points = self._mean + self._basis @ coefficients
        one, other = self._edges(points)
        return points[self._at], self._around @ np.cross(one, other)

    def normal_columns(self, coefficients: Array) -> Array:
        """(V,3,K+E) change of :meth:`shape`'s normals with the coefficients."""
        one, other = (
            edge.astype(np.float32) for edge in self._edges(self._mean + self._basis @ coefficients)
        )
        d_one, d_other = self._edges(self._basis)
        turned = _cross(d_one, other[..., None]) + _cross(one[..., None], d_other)
        return (self._around @ turned.reshape(len(turned), -1)).reshape(len(self._at), 3, -1)

    def _edges(self, values: Array) -> tuple[Array, Array]:
        a, b, c = (values[self._corners[:, k]] for k in range(3))
        return b - a, c - a


def _cross(a: Array, b: Array) -> Array:
    """Cross product over axis 1."""
    return np.stack([a[:, i] * b[:, j] - a[:, j] * b[:, i] for i, j in ((1, 2), (2, 0), (0, 1))], axis=1)


@dataclass(frozen=True)
class SkinProblem:
    """A landmark problem with the skin's colours beside it; light and albedo are given."""

    landmarks: LandmarkProblem
    skin: Skin
    crop: HeadCrop
    picture: NDArray[np.float32]
    """(S,S,9) the crop, linear, and its slopes to the right and down."""
    albedo: Array
    """(V,3)."""
    light: Array
    """(9,3)."""
    weights: Array
    """(V,)."""
    error: float
    robust_scale: float

    def cost(self, state: FitState) -> float:
        """See :class:`backend.fit_problem.Problem`."""
        given = self.landmarks.cost(state)
        if not np.isfinite(given):
            return given
        squared = (self._seen(state).residual ** 2).sum(axis=1)
        return given + float((self.weights * squared / (1 + squared / self.robust_scale**2)).sum())

    def normal_equations(self, state: FitState) -> tuple[Array, Array]:
        """See :class:`backend.fit_problem.Problem`."""
        normal, gradient = self.landmarks.normal_equations(state)
        jacobian, residual = self.linearised(state)
        return normal + jacobian.T @ jacobian, gradient + jacobian.T @ residual

    def linearised(self, state: FitState) -> tuple[Array, Array]:
        """Jacobian (3V,P) and residual (3V,) of the skin alone."""
        seen = self._seen(state)
        turns = self._normal_columns(state, seen)
        lit = np.einsum("vkd,kc->vcd", sh_slopes(seen.normals), self.light) * self.albedo[:, :, None]
        focal_free = self.landmarks.known.focal_px is None
        moves = self.crop.scale * projection_columns(state, seen.cam, self.skin.basis, focal_free)
        rows = (lit @ turns - seen.slopes @ moves) / self.error
        scale = np.sqrt(self.weights) / (1 + (seen.residual**2).sum(axis=1) / self.robust_scale**2)
        return (rows * scale[:, None, None]).reshape(-1, rows.shape[2]), (
            seen.residual * scale[:, None]
        ).ravel()

    def _seen(self, state: FitState) -> _Seen:
        points, normals = self.skin.shape(state.coefficients)
        cam = points @ state.rotation.T + state.translation
        length = np.linalg.norm(normals, axis=1, keepdims=True)
        upright = normals / length @ (HEAD_TO_CAMERA_AXES @ state.rotation).T
        focal = np.exp(state.log_focal) * self.crop.scale
        pixels = focal * cam[:, :2] / cam[:, 2:] + [self.crop.camera.cx, self.crop.camera.cy]
        colours, right, down = np.split(_bilinear(self.picture, pixels), 3, axis=1)
        residual = (self.albedo * shading(upright, self.light) - colours) / self.error
        return _Seen(cam, upright, length, np.stack([right, down], axis=2), residual)

    def _normal_columns(self, state: FitState, seen: _Seen) -> Array:
        """(V,3,P) change of the unit normals, axes y-up, with a step."""
        to_view = HEAD_TO_CAMERA_AXES @ state.rotation
        of_shape = (to_view @ self.skin.normal_columns(state.coefficients)) / seen.length[..., None]
        along = np.einsum("vd,vdp->vp", seen.normals, of_shape)
        columns = np.zeros((len(seen.cam), 3, POSE_PARAMETERS + of_shape.shape[2]))
        columns[:, :, POSE_PARAMETERS:] = of_shape - seen.normals[..., None] * along[:, None]
        in_camera = seen.normals @ HEAD_TO_CAMERA_AXES
        for axis, turn in enumerate(np.eye(3)):
            columns[:, :, axis] = np.cross(turn, in_camera) @ HEAD_TO_CAMERA_AXES
        return columns


def _bilinear(picture: NDArray[np.float32], at: Array) -> Array:
    """(V,C) values of a picture (S,S,C) at pixels (V,2), kept within; OpenCV's would jump by 1/32 pixel."""
    at = at.clip(0, picture.shape[0] - 1.001)
    x, y = at.astype(int).T
    right, down = (at - np.floor(at)).T[:, :, None]
    above = picture[y, x] * (1 - right) + picture[y, x + 1] * right
    below = picture[y + 1, x] * (1 - right) + picture[y + 1, x + 1] * right
    return above * (1 - down) + below * down


@dataclass(frozen=True)
class _Seen:
    cam: Array
    """(V,3) mm, camera space."""
    normals: Array
    """(V,3) unit, camera axes turned y-up."""
    length: Array
    """(V,1) of the normals before they were made unit ones."""
    slopes: Array
    """(V,3,2) of the colours to the right and down."""
    residual: Array
    """(V,3) expected colour against the picture's, in spreads."""
