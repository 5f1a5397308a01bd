"""What the product must beat: the fit to landmarks alone, the mean head in that fit's pose, and hair whose
depth is the face's, continued."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import cv2
import numpy as np
import scipy.sparse as sp
import scipy.sparse.linalg as spl
from numpy.typing import NDArray
from scipy import ndimage

from ..crop import HeadCrop
from ..depth import SOLVE_SIZE, GeometricPrior, HeadDepth
from ..fit import HeadFit, HeadFitter
from ..head_parse import FACE, GLASSES, HeadParse
from ..landmarks import Detector, MediaPipeDetector
from ..morphable import MorphableModel, load_head_model
from ..photo import Photo
from ..photo_checks import check_face, choose_face
from ..project import ProjectedHead
from ..raster import triangulate
from .dataset import EvaluationItem
from .predict import CameraMesh, FittedHead, photo_of, scaled, seen_by

SCORED_PARTS = ("skin", "eye_left", "eye_right")
"""As far as a model has them; what the photo shows of a head without hair."""

LEVELLING_MM = 40.0
"""The face's slope levels off over this length beyond its border: of 1, 10, 20 and 40 mm the best on four
synthetic heads."""
LOOSE = 1e-9
"""Pull on what touches no known value: too weak to be seen, but then there is one answer."""


class LandmarkPredictor:
    """The landmark fit alone; never asks a face network, whatever the product does."""

    def __init__(self, model: MorphableModel | None = None, detector: Detector | None = None) -> None:
        self._fitter = HeadFitter(model or load_head_model())
        self._detector = detector or MediaPipeDetector()
        self._last: tuple[EvaluationItem, FittedHead] | None = None

    @property
    def model(self) -> MorphableModel:
        """The head that is fitted."""
        return self._fitter.model

    def fitted(self, item: EvaluationItem) -> FittedHead:
        """The fit to one photo; the last one is kept, for several measures ask for it.

        Raises NoFaceFound or FaceUnusable.
        """
        if self._last is None or self._last[0] != item:
            self._last = item, self._fit(photo_of(item))
        return self._last[1]

    def mesh(self, item: EvaluationItem) -> CameraMesh:
        """Skin and eyes."""
        return seen_mesh(self.fitted(item), item)

    def pose_deg(self, item: EvaluationItem) -> Mapping[str, float]:
        """Angles of the fit."""
        return self.fitted(item).fit.pose.angles_deg

    def _fit(self, photo: Photo) -> FittedHead:
        faces = self._detector.detect(photo.pixels)
        face = choose_face(faces, None)
        check_face(photo, face, faces)
        fit = self._fitter.fit(face, photo)
        return FittedHead(photo, face, fit, self.model, self._shape(fit))

    def _shape(self, fit: HeadFit) -> NDArray[np.float32]:
        return fit.vertices(self.model)


class MeanPredictor(LandmarkPredictor):
    """The mean head, without expression, in the pose of the landmark fit."""

    def _shape(self, fit: HeadFit) -> NDArray[np.float32]:
        return self.model.mean


def seen_mesh(head: FittedHead, item: EvaluationItem) -> CameraMesh:
    """Skin and eyes of a fitted head in the camera space of ``item``."""
    names = [name for name in SCORED_PARTS if name in head.model.part_names]
    polygons = head.model.polygons[np.any([head.model.part(name) for name in names], axis=0)]
    used, corner = np.unique(triangulate(polygons).vertices, return_inverse=True)
    vertices = head.fit.pose.to_camera(head.vertices[used].astype(np.float64))
    if item.camera is not None:
        vertices = seen_by(vertices, head.fit.camera, scaled(item.camera, head.photo.scale))
    return CameraMesh(vertices, corner.reshape(-1, 3))


@dataclass(frozen=True)
class ExtendedFace:
    """Head depth that knows the face alone: beyond its border, depth and slope go on smoothly.

    Stands for the heuristic surroundings of the face with which the paper's Table 1 compares (Zhu et al.,
    CVPR 2016, after the meshing with anchors of Zhu et al., CVPR 2015). Their anchors are not published: here
    the head's pixels minimise, against the face's fixed ones, squared slope plus squared bending.
    """

    name: str = "extended face"
    interim: bool = True
    levelling_mm: float = LEVELLING_MM

    def estimate(self, crop: HeadCrop, parse: HeadParse, head: ProjectedHead, centre_mm: float) -> HeadDepth:
        """See :class:`backend.depth.HeadDepthEstimator`; silhouette and far side are the prior's."""
        prior = GeometricPrior().estimate(crop, parse, head, centre_mm)
        step = crop.size // SOLVE_SIZE
        pixel_mm = centre_mm / crop.camera.fx * step
        inside = np.isfinite(prior.front)[::step, ::step]
        seen = np.isin(parse.labels, (FACE, GLASSES))[::step, ::step]
        face = np.where(seen, head.face_mm[::step, ::step], np.nan).astype(np.float64)
        small = continued(face, inside, self.levelling_mm / pixel_mm, centre_mm)
        front = np.where(np.isfinite(prior.front), _enlarged(small, crop.size), np.nan)
        return replace(prior, front=front.astype(np.float32), back=np.maximum(prior.back, front))


def continued(
    known: NDArray[np.float64], inside: NDArray[np.bool_], levelling_px: float, otherwise: float
) -> NDArray[np.float64]:
    """Values (H,W) finite in ``known``, continued over ``inside`` by the least slope and bending.

    Minimises the sum of squared differences between neighbours plus ``levelling_px``^2 times the sum of
    squared Laplacians, free at the outline. What no known value reaches becomes
    ``otherwise``; outside it is NaN.
    """
    known = np.where(inside, known, np.nan)
    index = np.full(inside.shape, -1)
    index[inside] = np.arange(inside.sum())
    pairs = [(index[:, :-1], index[:, 1:]), (index[:-1], index[1:])]
    slopes = [_combination((a, b), (-1.0, 1.0), int(inside.sum())) for a, b in pairs]
    cross = (index[1:-1, 1:-1], index[:-2, 1:-1], index[2:, 1:-1], index[1:-1, :-2], index[1:-1, 2:])
    bends = _combination(cross, (-4.0, 1.0, 1.0, 1.0, 1.0), int(inside.sum()))
    rows = sp.vstack([*slopes, levelling_px * bends]).tocsc()
    fixed = np.isfinite(known[inside])
    energy = rows.T @ rows + LOOSE * sp.eye(int(inside.sum()))
    values = np.where(fixed, known[inside] - otherwise, 0.0)
    free = np.flatnonzero(~fixed)
    right = -(energy[free] @ values)
    values[free] = spl.spsolve(energy[free][:, free].tocsc(), right, permc_spec="MMD_AT_PLUS_A")
    result = np.full(inside.shape, np.nan)
    result[inside] = values + otherwise
    return result


def _combination(
    members: tuple[NDArray[np.int64], ...], weights: tuple[float, ...], count: int
) -> sp.csr_matrix:
    """A row for each place where all ``members`` (arrays of unknowns, -1 for none) exist."""
    stacked = np.stack([m.ravel() for m in members], axis=1)
    stacked = stacked[(stacked >= 0).all(1)]
    row = np.repeat(np.arange(len(stacked)), len(weights))
    return sp.csr_matrix((np.tile(weights, len(stacked)), (row, stacked.ravel())), (len(stacked), count))


def _enlarged(values: NDArray[np.float64], size: int) -> NDArray[np.float32]:
    """Bilinear enlargement of (s,s) with gaps to (size,size), the nearest value beyond its region."""
    gap = ~np.isfinite(values)
    nearest = ndimage.distance_transform_edt(gap, return_distances=False, return_indices=True)
    filled = values[tuple(nearest)].astype(np.float32)
    return cv2.resize(filled, (size, size), interpolation=cv2.INTER_LINEAR)
