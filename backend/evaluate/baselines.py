"""What the product must beat: the fit to landmarks alone, and the mean head in that fit's pose."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from ..fit import HeadFit, HeadFitter
from ..landmarks import Detector, MediaPipeDetector
from ..morphable import MorphableModel, load_head_model
from ..photo import Photo
from ..photo_checks import check_face, choose_face
from ..raster import triangulate
from .dataset import EvaluationItem
from .predict import CameraMesh, FittedHead, photo_of, scaled, seen_by

SCORED_PARTS = ("skin", "eye_left", "eye_right")
"""As far as a model has them; what the photo shows of a head without hair."""


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
