"""Lets the pixels have their say in a head that landmarks and network have found.

Light and albedo are solved for with the shape held still (:mod:`backend.light`), then the shape with light
and albedo held still (:mod:`backend.skin_problem`), in turns; where the skin ends is asked beside it
(:mod:`backend.outline_problem`). Landmarks and priors stay part of what is minimised.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from .colour import LINEAR_OF_BYTE
from .crop import HeadCrop
from .descent import FitState, Problem, Sum, descend
from .head_parse import HeadParse
from .landmark_problem import LandmarkProblem
from .light import estimate_light
from .morphable import MorphableModel
from .outline_problem import OutlineProblem, OutlineSettings, outline_problem
from .raster import FragmentArrays, Rasterizer, rasterize_arrays, triangulate
from .sight import Sight
from .skin_problem import Skin, SkinProblem
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
    outline: OutlineSettings = field(default_factory=OutlineSettings)


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
        """A state that explains landmarks, priors, skin and outline no worse than ``state`` does.

        Args:
            problem, state: of the fit, as it ended.
            crop: the working crop of that fit.
            parse: its classes.
        """
        view = rasterize_arrays(self._vertices_cam(state), self._solid, crop.camera, self._rasterizer)
        sight = _sight(crop, view, parse)
        outline = self._outline(problem, state, crop, view, parse)
        skin = self._skin(problem, state, crop, sight)
        first = last = _together(problem, skin, outline)
        found = state
        for _ in range(self._settings.rounds):
            found = descend(last, found, self._model.expression_bounds, self._settings.steps)
            if skin is not None:
                skin = self._relit(skin, found, sight)
                last = _together(problem, skin, outline)
        # Each turn lowers its own cost; only the same vertices under the best light compare all of them.
        return found if last.cost(found) < first.cost(state) else state

    def _vertices_cam(self, state: FitState) -> NDArray[np.float32]:
        shape = self._model.shape(state.identity, state.expression)
        return (shape @ state.rotation.T + state.translation).astype(np.float32)

    def _outline(
        self,
        problem: LandmarkProblem,
        state: FitState,
        crop: HeadCrop,
        view: FragmentArrays,
        parse: HeadParse,
    ) -> OutlineProblem | None:
        px_per_mm = crop.camera.fx / float(state.translation[2])
        focal_free = problem.known.focal_px is None
        outline = self._settings.outline
        return outline_problem(self._model, view, crop, parse.labels, px_per_mm, focal_free, outline)

    def _skin(
        self, problem: LandmarkProblem, state: FitState, crop: HeadCrop, sight: Sight
    ) -> SkinProblem | None:
        """The skin in the light that explains a state best; None where too little is seen or known of it."""
        s, basis = self._settings, self._model.albedo
        if basis is None:
            return None
        seen = vertex_colours(self._model, self._vertices_cam(state), sight)
        at = np.flatnonzero(seen.weights > 0)
        if len(at) < s.fewest:
            return None
        estimate = estimate_light(basis, seen)
        total, at = float(seen.weights[at].sum()), at[:: -(-len(at) // s.vertices)]
        weights = seen.weights[at].astype(float)
        linear = cv2.GaussianBlur(LINEAR_OF_BYTE[crop.pixels].astype(np.float32), (0, 0), s.blur_px)
        return SkinProblem(
            Skin(self._model, self._solid, at),
            crop,
            np.dstack([linear, np.gradient(linear, axis=1), np.gradient(linear, axis=0)]),
            basis.of(estimate.albedo)[at].astype(float),
            estimate.light.astype(float),
            weights * (s.independent * total / weights.sum()),
            s.error * usual_brightness(seen),
            s.robust_scale,
            problem.known.focal_px is None,
        )

    def _relit(self, skin: SkinProblem, state: FitState, sight: Sight) -> SkinProblem:
        """The same skin in the light that explains another state best."""
        basis = self._model.albedo
        assert basis is not None
        estimate = estimate_light(basis, vertex_colours(self._model, self._vertices_cam(state), sight))
        albedo = basis.of(estimate.albedo)[skin.skin.vertices]
        return replace(skin, albedo=albedo, light=estimate.light.astype(float))


def _sight(crop: HeadCrop, view: FragmentArrays, parse: HeadParse) -> Sight:
    """The crop as a photo of its own: what is coarser than its pixels is all that counts here."""
    alone = replace(crop, scale=1.0, offset_x=0.0, offset_y=0.0)
    return Sight(crop.pixels, crop.camera, alone, view.depth, parse.labels)


def _together(*parts: Problem | None) -> Sum:
    return Sum(tuple(part for part in parts if part is not None))


def usual_brightness(seen: VertexColours) -> float:
    """Median of the colours that are seen, linear."""
    return float(np.median(seen.colours[seen.weights > 0].mean(axis=1)))
