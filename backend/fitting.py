"""The fit as the engine asks for it: estimate, landmarks, relief, polish; then what the photo shows of the
head."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import torch

from .crop import HeadCrop, head_crop
from .descent import Sum, descend
from .doubts import doubts_about_expression, doubts_about_fit
from .face_estimate import FaceEstimator, face_estimator
from .face_normals import NormalEstimator, NormalMap, normal_estimator
from .fit import HeadFit, HeadFitter, Solved
from .head_parse import HeadParse, HeadParser, ParseGuide
from .landmarks import DetectedFace
from .morphable import MorphableModel, load_head_model
from .normal_problem import NormalWitness
from .outline_residual import outline_residual
from .photo import Photo
from .photo_checks import check_pose
from .polish import Polisher, with_focal_of
from .project import ProjectedHead, project_head
from .protocol import Quality
from .raster import Rasterizer


@dataclass(frozen=True)
class FittedView:
    """A photo around its fitted head."""

    crop: HeadCrop
    head: ProjectedHead
    parse: HeadParse


class Fitting:
    """Fits one model to photos; networks are loaded on first use and kept."""

    def __init__(
        self, model: MorphableModel, parser: HeadParser, rasterizer: Rasterizer, device: torch.device
    ) -> None:
        self._model = model
        self._parser = parser
        self._rasterizer = rasterizer
        self._device = device

    @cached_property
    def estimator(self) -> FaceEstimator | None:
        """The face network; None where landmarks stand in for it."""
        return face_estimator(self._model, self._device)

    @cached_property
    def normals(self) -> NormalEstimator | None:
        """The normal network; None where the relief is left to the face network."""
        return normal_estimator(self._model, self._device)

    @cached_property
    def _witness(self) -> NormalWitness:
        return NormalWitness(self._model, self._rasterizer)

    @cached_property
    def _fitter(self) -> HeadFitter:
        return HeadFitter(self._model)

    @cached_property
    def _polisher(self) -> Polisher:
        return Polisher(self._model, self._rasterizer)

    @cached_property
    def _lender(self) -> HeadFitter:
        """Fits the shipped head, which lends its skull to a model of the face alone."""
        return HeadFitter(load_head_model())

    def fit(self, photo: Photo, found: DetectedFace, quality: Quality) -> tuple[HeadFit, tuple[str, ...]]:
        """The head of a face, and warnings where it is doubtful; raises FaceUnusable for a profile view."""
        estimate = self.estimator.estimate(photo, found) if self.estimator else None
        solved = self._fitter.solve(found, photo, estimate)
        normals = self.normals.estimate(photo, found) if self.normals else None
        if normals:
            solved = self._with_relief(photo, solved, normals)
        fit = self._fitter.finished(solved, photo)
        warnings = check_pose(fit.pose)
        if quality == Quality.BEST:
            view = self.view(photo, found, fit)
            polished = self._polisher.polish(solved, view.crop, view.parse)
            fit = self._fitter.finished(replace(solved, state=polished), photo)
        return replace(fit, normals=normals), (
            *warnings,
            *doubts_about_fit(fit),
            *doubts_about_expression(found.expression_scores),
        )

    def _with_relief(self, photo: Photo, solved: Solved, normals: NormalMap) -> Solved:
        """The state that explains landmarks, priors and normals together."""
        relief = self._witness.problem(solved.state, photo, normals)
        landmarks = with_focal_of(solved.problem, solved.state)
        bounds, steps = self._model.expression_bounds, self._witness.settings.iterations
        state = descend(Sum((landmarks, relief)), solved.state, bounds, steps)
        return replace(solved, state=state, relief=relief)

    def view(self, photo: Photo, found: DetectedFace, fit: HeadFit) -> FittedView:
        """The working crop of a fit, the head in it, and its classes."""
        crop = head_crop(photo, fit.camera, fit.pose)
        head = self._project(photo, found, fit, crop)
        return FittedView(crop, head, self._parser.parse(crop, guide_of(crop, head, found)))

    def met(
        self, photo: Photo, found: DetectedFace, fit: HeadFit, view: FittedView
    ) -> tuple[HeadFit, FittedView]:
        """A fit whose outline lies where the photo's does, and its view, whose classes stay."""
        missing = outline_residual(self._model, fit, view.crop, view.parse.labels, self._rasterizer)
        if not missing.any():
            return fit, view
        fit = replace(fit, residual_mm=fit.residual_mm + missing)
        return fit, replace(view, head=self._project(photo, found, fit, view.crop))

    def _project(self, photo: Photo, found: DetectedFace, fit: HeadFit, crop: HeadCrop) -> ProjectedHead:
        head = project_head(self._model, fit, crop.camera, self._rasterizer)
        if self._model.has_skull:
            return head
        lent = self._lender.fit(found, replace(photo, focal_px=fit.camera.fx))
        return head.completed_by(project_head(self._lender.model, lent, crop.camera, self._rasterizer))


def guide_of(crop: HeadCrop, head: ProjectedHead, found: DetectedFace) -> ParseGuide:
    """Where the fitted head and the landmarks expect the parts of a crop."""
    return ParseGuide(
        landmarks_px=crop.to_crop(found.points_px),
        skull=head.skull,
        face=head.face,
        ears=head.ears,
        neck=head.neck,
    )
