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
from .head_parse import BODY, EAR, FACE, GLASSES, HAIR, HEADWEAR, HeadParse
from .project import ProjectedHead, well_fitted_ears

Mask = NDArray[np.bool_]
Field = NDArray[np.float64]

BEHIND_EAR_MM = 6.0
"""The shell passes this far behind an ear that the model shows itself."""
RIM_PX = 3.0
"""Solve pixels over which the rim rises: rounder than a ball, but steeper would outrun the mesh."""
BLEND_PX = (2.0, 10.0)
"""Crop pixels inside the face's border over which its own depth takes over from the solver's."""
COVER_MM = 1.5
"""Hair lies at least so far before the face that it covers."""
COVER_PX = 8.0
"""Crop pixels from the edge of that hair over which it rises from the face."""
SOLVE_SIZE = 256
"""The paper's depth resolution; finer detail is below what a silhouette can tell."""


@dataclass(frozen=True)
class HeadDepth:
    """Depth maps of the whole head in the crop's camera, mm along the optical axis."""

    front: NDArray[np.float32]
    """(S,S) visible surface of the head region, NaN outside."""
    back: NDArray[np.float32]
    """(S,S) its closed far side, meeting ``front`` at the silhouette, NaN outside and behind the throat."""
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
    core_mm: float = 22.0
    """Pixels this far inside the skull's outline take the skull's own depth under the hair; nearer to
    the outline the skull falls away from the camera and the hair spans it."""
    matte_level: float = 0.5
    """The silhouette is the matte's half-way contour, as in hair_mesh.py."""

    def estimate(self, crop: HeadCrop, parse: HeadParse, head: ProjectedHead, centre_mm: float) -> HeadDepth:
        """See :class:`HeadDepthEstimator`."""
        size = crop.size
        small = _shrunk(parse, head, size, self.matte_level)
        mm_per_px = centre_mm / crop.camera.fx * size / SOLVE_SIZE
        front_height, back_height = self._heights(small, centre_mm, mm_per_px)
        rim = _rim_falloff(parse.matte, self.matte_level, size / SOLVE_SIZE)
        front = centre_mm - _enlarged(front_height, small.region, rim)
        back = centre_mm + _enlarged(back_height, small.region, rim)
        share = face_share(parse, head)
        front = np.where(share > 0, (1 - share) * front + share * np.nan_to_num(head.face_mm), front)
        front = before_face(front, parse, head)
        # A shell has thickness: the far side never comes before the near one.
        back = np.fmax(back, front)
        # Behind jaw and throat there is the neck, not the far side of the head.
        bare = np.isin(parse.labels, (FACE, GLASSES)) & np.isnan(head.back_mm)
        back = np.where(bare, np.nan, back)
        return HeadDepth(front.astype(np.float32), back.astype(np.float32), head.face_mm)

    def _heights(self, small: _Small, centre_mm: float, mm_per_px: float) -> tuple[Field, Field]:
        """Squared heights u = h|h| above (front) and below (back) the silhouette plane; solve grid."""
        thickness = self._hair_thickness(small, mm_per_px)
        skull_depth = _distance(small.skull, mm_per_px)
        core = small.hairy & (skull_depth > self.core_mm)
        from_face = _distance(~small.face_known, mm_per_px)
        cover = thickness * _ramp(from_face, 0.0, 3 * thickness)
        model = centre_mm - small.model_front - np.where(small.ear_shown, BEHIND_EAR_MM, 0.0)
        seen = small.face_known | small.ear_known
        known = seen | (core & np.isfinite(model) & (from_face > 2 * mm_per_px))
        target = _signed_square(np.where(seen, model, model + cover))
        front = _inflate(small, np.where(known, target, 0.0), known, self.fullness, mm_per_px)
        least = np.minimum(cover, self.thickness_mm[0] * _ramp(skull_depth, 0.0, self.core_mm))
        front = _at_least(front, np.where(small.hairy, model + least, np.nan))
        front = np.where(seen, target, _smoothed(front, small.region & ~seen))
        front = np.fmin(front, np.where(small.ear_shown, _signed_square(model), np.nan))
        skull = small.model_back - centre_mm
        skull_core = small.region & np.isfinite(skull) & (skull_depth > self.core_mm)
        behind = _signed_square(skull + thickness)
        back = _inflate(small, np.where(skull_core, behind, 0.0), skull_core, self.fullness, mm_per_px)
        back = _at_least(back, skull)
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
        outside = _distance(~small.skull, mm_per_px)
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
    ear_shown: Mask
    model_front: Field
    model_back: Field


def face_share(parse: HeadParse, head: ProjectedHead) -> NDArray[np.float32]:
    """(S,S) how far the fitted face's own depth counts where it is seen: 1 well inside, 0 outside."""
    on_face = np.isfinite(head.face_mm) & ((parse.labels == FACE) | (parse.labels == GLASSES))
    inward = cv2.distanceTransform(on_face.astype(np.uint8), cv2.DIST_L2, 5)
    # Near its border the face is steep and its edge ragged: the estimate leads smoothly into it.
    return _ramp(inward, *BLEND_PX)


def before_face(front: NDArray, parse: HeadParse, head: ProjectedHead) -> NDArray:
    """(S,S) ``front`` with hair and headwear before the face and scalp that they cover (eq. 9 as a bound).

    Skin on the scalp is no deeper than the model's: its bald forehead would come out through the photo's.
    """
    skin_mm = np.where(head.scalp, head.front_mm, head.face_mm)
    hair = np.isfinite(skin_mm) & np.isin(parse.labels, (HAIR, HEADWEAR))
    inward = cv2.distanceTransform(hair.astype(np.uint8), cv2.DIST_L2, 5)
    nearest = skin_mm - COVER_MM * _ramp(inward, 0.0, COVER_PX)
    return np.where(hair | (head.scalp & (parse.labels == FACE)), np.minimum(front, nearest), front)


def _shrunk(parse: HeadParse, head: ProjectedHead, size: int, matte_level: float) -> _Small:
    step = size // SOLVE_SIZE
    labels = parse.labels[::step, ::step]
    matte = cv2.resize(parse.matte, (SOLVE_SIZE, SOLVE_SIZE), interpolation=cv2.INTER_AREA)
    region = matte > matte_level
    front = head.front_mm[::step, ::step].astype(np.float64)
    # Cheek and jaw go on beyond the face region: what shows skin there is the fitted head, too.
    skin = head.face | (np.isfinite(head.front_mm) & ~head.ears)
    face = skin[::step, ::step] & ((labels == FACE) | (labels == GLASSES))
    face = cv2.erode(face.astype(np.uint8), np.ones((3, 3), np.uint8)).astype(bool)
    region |= face
    known_ears, shown_ears = _known_ears(head, parse.labels)
    return _Small(
        region=region,
        body_below=(labels == BODY) & ~region,
        hairy=region & (labels != FACE) & (labels != EAR) & (labels != GLASSES),
        skull=head.skull[::step, ::step],
        face_known=face & np.isfinite(front),
        ear_known=known_ears[::step, ::step] & region,
        ear_shown=shown_ears[::step, ::step],
        model_front=front,
        model_back=head.back_mm[::step, ::step].astype(np.float64),
    )


def _known_ears(head: ProjectedHead, labels: NDArray[np.uint8]) -> tuple[Mask, Mask]:
    """(S,S) seen ears whose depth the model gives, and the ears that the model shows itself."""
    seen = labels == EAR
    # A ring is left to the solver, which leads smoothly from cheek to ear.
    known = cv2.erode((seen & (head.ears | head.scalp)).astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    shown = np.zeros_like(seen)
    for name in well_fitted_ears(head, labels):
        shown |= getattr(head, name)
    return known, shown


def _inflate(small: _Small, target: Field, known: Mask, fullness: float, mm_per_px: float) -> Field:
    """Solve  laplacian(u) = -fullness  for the signed squared height u = h|h| on the region.

    ``known`` pixels keep ``target``; background neighbours are the silhouette (u = 0); body
    neighbours are no silhouette, so the surface leaves them freely (Neumann).
    """
    region = small.region & ~known
    index = np.full(region.shape, -1)
    index[region] = np.arange(region.sum())
    count = int(region.sum())
    if count == 0:
        return np.where(known, target, 0.0)
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
        right += np.where(fixed, _shifted(target, dy, dx, 0.0)[region], 0.0)
    row, column = np.concatenate(rows), np.concatenate(columns)
    # The tiny pull keeps islands that touch nothing but the picture's edge solvable.
    diagonal += 1e-6
    matrix = sp.diags(diagonal) - sp.coo_matrix((np.ones(len(row)), (row, column)), (count, count))
    solution = spl.spsolve(matrix.tocsc(), right, permc_spec="MMD_AT_PLUS_A")
    result = np.where(known, target, 0.0)
    result[region] = solution
    return result


def _shifted(values: NDArray, dy: int, dx: int, fill: object) -> NDArray:
    """Value of the neighbour at (y+dy, x+dx); ``fill`` beyond the picture's edge."""
    result = np.full_like(values, fill)
    height, width = values.shape
    ys, xs = slice(max(dy, 0), height + min(dy, 0)), slice(max(dx, 0), width + min(dx, 0))
    yd, xd = slice(max(-dy, 0), height + min(-dy, 0)), slice(max(-dx, 0), width + min(-dx, 0))
    result[yd, xd] = values[ys, xs]
    return result


def _signed_square(height: Field) -> Field:
    return height * np.abs(height)


def _distance(inside: Mask, mm_per_px: float) -> Field:
    """Distance of every pixel in the mask to its border, mm."""
    # Without a border OpenCV answers with the largest float32.
    return cv2.distanceTransform(inside.astype(np.uint8), cv2.DIST_L2, 5).astype(np.float64) * mm_per_px


def _ramp(values: Field, low: float, high: float) -> Field:
    """0 at ``low``, 1 at ``high``, smooth between."""
    t = ((values - low) / (high - low)).clip(0, 1)
    return t * t * (3 - 2 * t)


def _at_least(squared: Field, height: Field) -> Field:
    """Raise squared heights to those of ``height`` where that is finite."""
    return np.fmax(squared, _signed_square(height))


def _smoothed(values: Field, where: Mask, sigma_px: float = 1.5) -> Field:
    """Gaussian blur that mixes values of ``where`` only."""
    weight = where.astype(np.float64)
    total = cv2.GaussianBlur(values * weight, (0, 0), sigma_px)
    norm = cv2.GaussianBlur(weight, (0, 0), sigma_px)
    return np.where(where, total / np.maximum(norm, 1e-9), values)


def _rim_falloff(matte: NDArray[np.float32], level: float, step: float) -> NDArray[np.float32]:
    """(S,S) 0 on the matte's contour, rising to 1 within a few solve pixels: moves the solver's coarse
    silhouette onto the contour, where squared heights vanish linearly."""
    soft = cv2.GaussianBlur(matte, (0, 0), step)
    inside = (soft > level).astype(np.uint8)
    return (cv2.distanceTransform(inside, cv2.DIST_L2, 5) / (RIM_PX * step)).clip(0, 1).astype(np.float32)


def _enlarged(squared: Field, region: Mask, rim: NDArray[np.float32]) -> NDArray[np.float32]:
    """Squared heights of the solve grid as heights of the crop, NaN beyond the region's soft edge."""
    grown = cv2.dilate(region.astype(np.uint8), np.ones((5, 5), np.uint8)).astype(bool)
    size = (rim.shape[1], rim.shape[0])
    large = cv2.resize(
        np.where(region, squared, 0.0).astype(np.float32), size, interpolation=cv2.INTER_LINEAR
    )
    keep = cv2.resize(grown.astype(np.float32), size, interpolation=cv2.INTER_LINEAR) > 0.5
    large *= rim
    return np.where(keep, np.sign(large) * np.sqrt(np.abs(large)), np.nan).astype(np.float32)
