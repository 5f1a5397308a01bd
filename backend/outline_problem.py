"""What a head costs whose outline should lie where the photo's skin ends: cheeks, jaw and ears.

The parsing network says where face and ears end against background, neck and clothes; the model's own border
against the same, pixel for pixel on its surface, should lie there. Where hair, a hat or the picture's edge
ends the skin, nobody knows how wide the head is, so nothing is asked. One of the problems that
:mod:`backend.descent` solves; :mod:`backend.polish` poses it.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from .crop import HeadCrop
from .descent import Array, FitState, projection_columns
from .head_parse import BACKGROUND, BODY, EAR, FACE
from .morphable import MorphableModel
from .raster import FragmentArrays
from .skin_problem import bilinear, crop_pixels

Mask = NDArray[np.bool_]

FEWEST_POINTS = 30
"""Of an outline that is worth asking about."""
FAR_MM = 12.0
"""From the skin's border: a point of the outline that far off belongs to something else."""
CLEAR_PX = 5
"""Side of the square around a border's pixel in which nothing may cover the skin."""


@dataclass(frozen=True)
class OutlineSettings:
    """Weight of the outline; the working crop has about a pixel a millimetre."""

    sigma_mm: float = 2.0
    """Spread of a border of the parsing network about the true one."""
    robust_scale: float = 2.0
    """Geman-McClure scale in such spreads: collars and stray hair lose their vote."""
    independent: float = 0.1
    """Neighbouring pixels of a border err together: this share of them counts."""
    points: int = 240
    """Used at most."""


@dataclass(frozen=True)
class OutlineProblem:
    """What is minimised; the points stay on the same places of the surface."""

    mean: Array
    """(V,3) points on the mean head, head frame."""
    basis: Array
    """(V,3,K+E) their displacements."""
    crop: HeadCrop
    border: NDArray[np.float32]
    """(S,S,3) signed distance from the skin's border, pixels, and its slopes to the right and down."""
    weight: float
    """Of one point."""
    sigma_px: float
    robust_scale: float

    def cost(self, state: FitState) -> float:
        """See :class:`backend.descent.Problem`."""
        squared = self._seen(state)[1][:, 0] ** 2 / self.sigma_px**2
        return float(self.weight * (squared / (1 + squared / self.robust_scale**2)).sum())

    def normal_equations(self, state: FitState) -> tuple[Array, Array]:
        """See :class:`backend.descent.Problem`."""
        jacobian, residual = self.linearised(state)
        return jacobian.T @ jacobian, jacobian.T @ residual

    def linearised(self, state: FitState) -> tuple[Array, Array]:
        """Jacobian (V,P) and residual (V,)."""
        cam, seen = self._seen(state)
        moves = self.crop.scale * projection_columns(state, cam, self.basis, focal_free=False)
        residual = seen[:, 0] / self.sigma_px
        scale = np.sqrt(self.weight) / (1 + residual**2 / self.robust_scale**2)
        rows = np.einsum("vd,vdp->vp", seen[:, 1:] / self.sigma_px, moves)
        return rows * scale[:, None], residual * scale

    def _seen(self, state: FitState) -> tuple[Array, Array]:
        """Camera points (V,3), and (V,3) distance and slopes at their pixels."""
        cam = (self.mean + self.basis @ state.coefficients) @ state.rotation.T + state.translation
        return cam, bilinear(self.border, crop_pixels(state, cam, self.crop))


def outline_problem(
    model: MorphableModel,
    view: FragmentArrays,
    crop: HeadCrop,
    labels: NDArray[np.uint8],
    px_per_mm: float,
    settings: OutlineSettings | None = None,
) -> OutlineProblem | None:
    """The problem of a head as it lies in a crop now; None where no border is to be seen.

    Args:
        model: with a skull: a model of the face alone ends where its mesh does.
        view: its solid triangles in the crop's camera.
        crop, labels: the photo's, and the classes (S,S) of its pixels.
        px_per_mm: of the crop, at the head.
    """
    s = settings or OutlineSettings()
    if not model.has_skull:
        return None
    distance, known = skin_border(labels, crop.inside)
    near = known & (np.abs(distance) < FAR_MM * px_per_mm)
    row, column = np.nonzero(model_border(model, view) & near)
    if len(row) < FEWEST_POINTS:
        return None
    total, every = len(row), -(-len(row) // s.points)
    row, column = row[::every], column[::every]
    corners = view.triangles[view.face[row, column]]
    shares = view.barycentric[row, column].astype(np.float64)

    def on_surface(values: NDArray[np.floating]) -> Array:
        return np.einsum("vc,...vcd->...vd", shares, values[..., corners, :].astype(np.float64))

    basis = np.concatenate([on_surface(model.identity), on_surface(model.expression)])
    down, right = np.gradient(distance)
    return OutlineProblem(
        on_surface(model.mean),
        np.moveaxis(basis, 0, -1).copy(),
        crop,
        np.dstack([distance, right, down]).astype(np.float32),
        s.independent * total / len(row),
        s.sigma_mm * px_per_mm,
        s.robust_scale,
    )


def skin_border(labels: NDArray[np.uint8], inside: Mask) -> tuple[NDArray[np.float32], Mask]:
    """Where face and ears end in a picture.

    Args:
        labels: (S,S) classes.
        inside: (S,S) what of the crop the photo shows.

    Returns:
        (S,S) pixels from the skin's outermost pixels, negative within; (S,S) whether the nearest of them ends
        against background, neck or clothes: elsewhere the skin may go on under what covers it.
    """
    skin = np.isin(labels, (FACE, EAR)) & inside
    ends = np.isin(labels, (BACKGROUND, BODY)) & inside
    return _distance(skin, ~skin, ~(skin | ends))


def model_border(model: MorphableModel, view: FragmentArrays) -> Mask:
    """(S,S) outermost pixels of a model's face and ears, where they end against nothing or the neck."""

    def where(name: str) -> Mask:
        return view.covered & (model.regions[name][view.triangles].sum(axis=1) >= 2)[view.face.clip(0)]

    scalp, neck = where("scalp"), where("neck")
    skin = view.covered & ~scalp & ~neck
    return skin & _grown(~view.covered | neck, 3) & ~_grown(scalp, CLEAR_PX)


def _distance(skin: Mask, beyond: Mask, covered: Mask) -> tuple[NDArray[np.float32], Mask]:
    """See :func:`skin_border`; what is ``covered`` is no end."""
    border = skin & _grown(beyond, 3)
    free = border & ~_grown(covered, CLEAR_PX)
    if not free.any():
        return np.zeros(skin.shape, np.float32), np.zeros(skin.shape, np.bool_)
    away, nearest = cv2.distanceTransformWithLabels(
        (~border).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_5, labelType=cv2.DIST_LABEL_PIXEL
    )
    is_free = np.zeros(int(nearest.max()) + 1, np.bool_)
    is_free[nearest[free]] = True
    return np.where(skin, -away, away), is_free[nearest]


def _grown(mask: Mask, side: int) -> Mask:
    return cv2.dilate(mask.astype(np.uint8), np.ones((side, side), np.uint8)) > 0
