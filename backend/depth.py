"""Depth of hair, ears and skull from a parsed crop (section 4.2 of Deep 3D Portrait, 2020).

:class:`GeometricPrior` is the interim estimator and the baseline that a network has to beat: it
inflates the head's silhouette around the fitted skull. The square of the height above the
silhouette's plane solves a Poisson equation, which gives round rims and meets the face depth
where hair and face touch (the square-root trick: Prasad and Fitzgibbon, CVPR 2006, section 4).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import cv2
import numpy as np
import scipy.sparse as sp
import scipy.sparse.linalg as spl
from numpy.typing import NDArray

from .crop import HeadCrop
from .parse import BODY, EAR, FACE, GLASSES, HeadParse
from .project import ProjectedHead

Mask = NDArray[np.bool_]
Field = NDArray[np.float64]

SOLVE_SIZE = 256
"""The paper's depth resolution; finer detail is below what a silhouette can tell."""


@dataclass(frozen=True)
class HeadDepth:
    """Depth maps of the whole head in the crop's camera, mm along the optical axis."""

    front: NDArray[np.float32]
    """(S,S) visible surface of the head region, NaN outside."""
    back: NDArray[np.float32]
    """(S,S) its closed far side, meeting ``front`` at the silhouette, NaN outside."""
    face: NDArray[np.float32]
    """(S,S) d_f, the face alone, NaN outside."""


class HeadDepthEstimator(Protocol):
    """Whatever turns a parsed crop into head depth."""

    name: str
    interim: bool

    def estimate(self, crop: HeadCrop, parse: HeadParse, head: ProjectedHead, centre_mm: float) -> HeadDepth:
        """Depth for a crop whose fitted head centre lies ``centre_mm`` before the camera."""
        ...


@dataclass(frozen=True)
class GeometricPrior:
    """Skull, ears and silhouette swollen to a plausible volume of hair. Interim."""

    name: str = "geometric prior"
    interim: bool = True
    fullness: float = 2.6
    """Right-hand side of the Poisson equation: 2 rounds a strip to a cylinder, 4 a disc to a ball."""
    thickness_mm: tuple[float, float] = (3.0, 28.0)
    """Least and greatest depth of hair over the scalp."""
    matte_level: float = 0.12
    """Matte above which a pixel takes part: fine strands count, haze does not."""

    def estimate(self, crop: HeadCrop, parse: HeadParse, head: ProjectedHead, centre_mm: float) -> HeadDepth:
        """See :class:`HeadDepthEstimator`."""
        size = crop.pixels.shape[0]
        small = _shrunk(parse, head, size)
        mm_per_px = centre_mm / crop.camera.fx * size / SOLVE_SIZE
        front_height, back_height = self._heights(small, centre_mm, mm_per_px)
        front = _enlarged(centre_mm - front_height, small.region, size)
        back = _enlarged(centre_mm + back_height, small.region, size)
        on_face = np.isfinite(head.face_mm) & (parse.labels == FACE)
        inner = cv2.erode(on_face.astype(np.uint8), np.ones((3, 3), np.uint8)).astype(bool)
        front = np.where(inner, head.face_mm, front)
        # A shell has thickness: the far side never comes before the near one.
        back = np.fmax(back, front)
        return HeadDepth(front.astype(np.float32), back.astype(np.float32), head.face_mm)

    def _heights(self, small: _Small, centre_mm: float, mm_per_px: float) -> tuple[Field, Field]:
        """Heights above (front) and below (back) the silhouette plane, mm; solve grid."""
        model = centre_mm - small.model_front
        hair_thickness = self._hair_thickness(small, mm_per_px)
        known = small.face_known | small.ear_known
        front = _inflate(small, np.where(known, model, 0.0), known, self.fullness, mm_per_px)
        inside = cv2.distanceTransform(small.region.astype(np.uint8), cv2.DIST_L2, 3) * mm_per_px
        to_face = cv2.distanceTransform((~small.face_known).astype(np.uint8), cv2.DIST_L2, 3) * mm_per_px
        cover = np.minimum(hair_thickness, 0.5 * np.minimum(inside, to_face))
        obstacle = np.where(np.isfinite(model) & small.hairy, model + cover, -np.inf)
        front = _smooth_maximum(front, obstacle)
        front = _smoothed(front, small.region & ~known)
        front = np.where(known, model, front)
        none = np.zeros_like(known)
        back = _inflate(small, np.zeros_like(front), none, self.fullness, mm_per_px)
        skull = small.model_back - centre_mm
        back = _smooth_maximum(
            back, np.where(np.isfinite(skull), skull + np.minimum(hair_thickness, inside), -np.inf)
        )
        return front, _smoothed(back, small.region)

    def _hair_thickness(self, small: _Small, mm_per_px: float) -> float:
        """How far hair stands off the skull, measured where the silhouette shows it: above the face."""
        rows, columns = np.nonzero(small.skull)
        if len(rows) == 0:
            return self.thickness_mm[0]
        top = rows < np.percentile(rows, 35)
        seen = np.zeros_like(small.skull)
        seen[: rows[top].max() + 1, columns.min() : columns.max() + 1] = True
        contour = small.region & ~cv2.erode(small.region.astype(np.uint8), np.ones((3, 3))).astype(bool)
        outside = cv2.distanceTransform((~small.skull).astype(np.uint8), cv2.DIST_L2, 3) * mm_per_px
        standoff = outside[contour & seen]
        measured = float(np.median(standoff)) if len(standoff) else 0.0
        return float(np.clip(0.7 * measured, *self.thickness_mm))


@dataclass(frozen=True)
class _Small:
    """Everything the prior needs, at the solve grid."""

    region: Mask
    body_below: Mask
    hairy: Mask
    skull: Mask
    face_known: Mask
    ear_known: Mask
    model_front: Field
    model_back: Field


def _shrunk(parse: HeadParse, head: ProjectedHead, size: int) -> _Small:
    step = size // SOLVE_SIZE
    labels = parse.labels[::step, ::step]
    matte = cv2.resize(parse.matte, (SOLVE_SIZE, SOLVE_SIZE), interpolation=cv2.INTER_AREA)
    region = matte > GeometricPrior.matte_level
    front = head.front_mm[::step, ::step].astype(np.float64)
    face = head.face[::step, ::step] & ((labels == FACE) | (labels == GLASSES))
    face = cv2.erode(face.astype(np.uint8), np.ones((3, 3), np.uint8)).astype(bool)
    region |= face
    return _Small(
        region=region,
        body_below=(labels == BODY) & ~region,
        hairy=region & (labels != FACE) & (labels != EAR) & (labels != GLASSES),
        skull=head.skull[::step, ::step],
        face_known=face & np.isfinite(front),
        ear_known=head.ears[::step, ::step] & (labels == EAR) & np.isfinite(front) & region,
        model_front=front,
        model_back=head.back_mm[::step, ::step].astype(np.float64),
    )


def _inflate(small: _Small, height: Field, known: Mask, fullness: float, mm_per_px: float) -> Field:
    """Solve  laplacian(u) = -fullness,  u = h|h|,  on the region; return h.

    ``known`` pixels keep ``height``; background neighbours are the silhouette (u = 0); body
    neighbours are no silhouette, so the surface leaves them freely (Neumann).
    """
    region = small.region & ~known
    index = np.full(region.shape, -1)
    index[region] = np.arange(region.sum())
    count = int(region.sum())
    if count == 0:
        return np.where(known, height, 0.0)
    squared = height * np.abs(height)
    right = np.full(count, fullness * mm_per_px**2)
    diagonal = np.zeros(count)
    rows, columns = [], []
    for dy, dx in ((0, 1), (0, -1), (1, 0), (-1, 0)):
        neighbour = _shifted(index, dy, dx, -1)[region]
        fixed = _shifted(known, dy, dx, False)[region]
        free = _shifted(small.body_below, dy, dx, True)[region]
        linked = neighbour >= 0
        rows.append(np.arange(count)[linked])
        columns.append(neighbour[linked])
        diagonal += linked | fixed | ~(linked | fixed | free)
        right += np.where(fixed, _shifted(squared, dy, dx, 0.0)[region], 0.0)
    row, column = np.concatenate(rows), np.concatenate(columns)
    # The tiny pull keeps islands that touch nothing but the picture's edge solvable.
    diagonal += 1e-6
    matrix = sp.diags(diagonal) - sp.coo_matrix((np.ones(len(row)), (row, column)), (count, count))
    solution = spl.spsolve(matrix.tocsc(), right, permc_spec="MMD_AT_PLUS_A")
    result = np.where(known, height, 0.0)
    result[region] = np.sign(solution) * np.sqrt(np.abs(solution))
    return result


def _shifted(values: NDArray, dy: int, dx: int, fill: object) -> NDArray:
    """Value of the neighbour at (y+dy, x+dx); ``fill`` beyond the picture's edge."""
    result = np.full_like(values, fill)
    height, width = values.shape
    ys, xs = slice(max(dy, 0), height + min(dy, 0)), slice(max(dx, 0), width + min(dx, 0))
    yd, xd = slice(max(-dy, 0), height + min(-dy, 0)), slice(max(-dx, 0), width + min(-dx, 0))
    result[yd, xd] = values[ys, xs]
    return result


def _smooth_maximum(a: Field, b: Field, softness_mm: float = 3.0) -> Field:
    """Maximum whose crease is rounded over some ``softness_mm``."""
    low = np.where(np.isfinite(b), b, a - 1e6)
    return np.maximum(a, low) + softness_mm * 0.5 * np.exp(-np.abs(a - low) / softness_mm)


def _smoothed(values: Field, where: Mask, sigma_px: float = 1.5) -> Field:
    """Gaussian blur that mixes values of ``where`` only."""
    weight = where.astype(np.float64)
    total = cv2.GaussianBlur(values * weight, (0, 0), sigma_px)
    norm = cv2.GaussianBlur(weight, (0, 0), sigma_px)
    return np.where(where, total / np.maximum(norm, 1e-9), values)


def _enlarged(values: Field, region: Mask, size: int) -> NDArray[np.float32]:
    """Solve grid to crop, extended by one solve pixel so that soft edges keep a surface."""
    grown = cv2.dilate(region.astype(np.uint8), np.ones((3, 3), np.uint8)).astype(bool)
    weight = region.astype(np.float32)
    blurred = cv2.blur(values.astype(np.float32) * weight, (3, 3))
    norm = cv2.blur(weight, (3, 3))
    filled = np.where(region, values, blurred / np.maximum(norm, 1e-9)).astype(np.float32)
    filled = np.where(grown, filled, np.float32(values[region].mean() if region.any() else 0.0))
    large = cv2.resize(filled, (size, size), interpolation=cv2.INTER_LINEAR)
    keep = cv2.resize(grown.astype(np.float32), (size, size), interpolation=cv2.INTER_LINEAR) > 0.5
    return np.where(keep, large, np.nan).astype(np.float32)
