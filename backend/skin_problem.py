"""What a head costs whose skin should look as the photo shows it: shading tells relief.

A vertex should show its albedo in the light that falls on its normal (eq. 2 of Deep 3D Portrait, 2020, over
vertices instead of pixels, with the skin's classes as attention). One of the problems that
:mod:`backend.descent` solves; :mod:`backend.polish` poses it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from .crop import HeadCrop
from .descent import POSE_PARAMETERS, Array, FitState, projected, projection_columns
from .frames import HEAD_TO_CAMERA_AXES
from .harmonics import sh_slopes
from .light import shading
from .morphable import MorphableModel
from .vertex_colours import VertexColours


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
    """What is minimised; light and albedo are given."""

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
        """See :class:`backend.descent.Problem`."""
        squared = (self._seen(state).residual ** 2).sum(axis=1)
        return float((self.weights * squared / (1 + squared / self.robust_scale**2)).sum())

    def normal_equations(self, state: FitState) -> tuple[Array, Array]:
        """See :class:`backend.descent.Problem`."""
        jacobian, residual = self.linearised(state)
        return jacobian.T @ jacobian, jacobian.T @ residual

    def linearised(self, state: FitState) -> tuple[Array, Array]:
        """Jacobian (3V,P) and residual (3V,)."""
        seen = self._seen(state)
        turns = self._normal_columns(state, seen)
        lit = np.einsum("vkd,kc->vcd", sh_slopes(seen.normals), self.light) * self.albedo[:, :, None]
        moves = self.crop.scale * projection_columns(state, seen.cam, self.skin.basis, focal_free=False)
        rows = (lit @ turns - seen.slopes @ moves) / self.error
        scale = np.sqrt(self.weights) / (1 + (seen.residual**2).sum(axis=1) / self.robust_scale**2)
        return (rows * scale[:, None, None]).reshape(-1, rows.shape[2]), (
            seen.residual * scale[:, None]
        ).ravel()

    def colours(self, state: FitState, independent: float) -> VertexColours:
        """What the photo shows of the vertices (V,) as a state has them: the same ones, wherever they move.

        ``independent`` is the share by which :attr:`weights` were reduced.
        """
        seen = self._seen(state)
        values = (seen.colours, self.weights / independent, seen.normals)
        return VertexColours(*(each.astype(np.float32) for each in values))

    def _seen(self, state: FitState) -> _Seen:
        points, normals = self.skin.shape(state.coefficients)
        cam = points @ state.rotation.T + state.translation
        length = np.linalg.norm(normals, axis=1, keepdims=True)
        upright = normals / length @ (HEAD_TO_CAMERA_AXES @ state.rotation).T
        colours, right, down = np.split(bilinear(self.picture, crop_pixels(state, cam, self.crop)), 3, axis=1)
        residual = (self.albedo * shading(upright, self.light) - colours) / self.error
        return _Seen(cam, upright, length, colours, np.stack([right, down], axis=2), residual)

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


def crop_pixels(state: FitState, cam: Array, crop: HeadCrop) -> Array:
    """(V,2) pixels of a crop at which a state's camera sees points (V,3)."""
    return crop.scale * projected(state, cam) + [crop.camera.cx, crop.camera.cy]


def bilinear(picture: NDArray[np.float32], at: Array) -> Array:
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
    colours: Array
    """(V,3) of the picture."""
    slopes: Array
    """(V,3,2) of the colours to the right and down."""
    residual: Array
    """(V,3) expected colour against the picture's, in spreads."""
