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

from .albedo import AlbedoBasis
from .colour import LINEAR_OF_BYTE
from .crop import HeadCrop
from .descent import FitState, Problem, Sum, descend
from .fit import Solved
from .harmonics import SH_TERMS
from .head_parse import HeadParse
from .landmark_problem import LandmarkProblem
from .light import basis_for, estimate_light
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
    independent: float = 0.03
    """Neighbouring vertices err together, over a nostril or a brow: this share of them counts."""
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

    def polish(self, solved: Solved, crop: HeadCrop, parse: HeadParse) -> FitState:
        """A state that explains landmarks, priors, normals, skin and outline no worse than the fit's does.

        Args:
            solved: the fit, as it ended.
            crop: the working crop of that fit.
            parse: its classes.
        """
        objective, state = self.objective(solved, crop, parse), solved.state
        found, now = state, objective.lit_for(state)
        before = now.cost(state)
        for _ in range(self._settings.rounds):
            found = descend(now, found, self._model.expression_bounds, self._settings.steps)
            now = objective.lit_for(found)
        # Each turn lowers its own cost; only each under its own best light can be compared.
        return found if now.cost(found) < before else state

    def objective(self, solved: Solved, crop: HeadCrop, parse: HeadParse) -> Objective:
        """What is minimised, over the skin and the outline that are seen of the fit's head."""
        state = solved.state
        vertices = vertices_cam(self._model, state)
        view = rasterize_arrays(vertices, self._solid, crop.camera, self._rasterizer)
        # The crop as a photo of its own: what is coarser than its pixels is all that counts here.
        alone = replace(crop, scale=1.0, offset_x=0.0, offset_y=0.0)
        sight = Sight(crop.pixels, crop.camera, alone, view.depth, parse.labels)
        outline = self._outline(state, crop, view, parse)
        landmarks = with_focal_of(solved.problem, state)
        return Objective(landmarks, self._skin(state, crop, sight), outline, solved.relief)

    def _outline(
        self,
        state: FitState,
        crop: HeadCrop,
        view: FragmentArrays,
        parse: HeadParse,
    ) -> OutlineProblem | None:
        px_per_mm = crop.camera.fx / float(state.translation[2])
        outline = self._settings.outline
        return outline_problem(self._model, view, crop, parse.labels, px_per_mm, outline)

    def _skin(self, state: FitState, crop: HeadCrop, sight: Sight) -> LitSkin | None:
        """The skin that is seen; None where it is too little."""
        s, basis = self._settings, self._model.albedo
        if basis is None:
            return None
        seen = vertex_colours(self._model, vertices_cam(self._model, state), sight)
        basis = basis_for(seen, basis)
        at = np.flatnonzero(seen.weights > 0)
        if len(at) < s.fewest:
            return None
        total, at = float(seen.weights[at].sum()), at[:: -(-len(at) // s.vertices)]
        weights = seen.weights[at].astype(float)
        linear = cv2.GaussianBlur(LINEAR_OF_BYTE[crop.pixels].astype(np.float32), (0, 0), s.blur_px)
        skin = SkinProblem(
            Skin(self._model, self._solid, at),
            crop,
            np.dstack([linear, np.gradient(linear, axis=1), np.gradient(linear, axis=0)]),
            np.zeros((len(at), 3)),
            np.zeros((SH_TERMS, 3)),
            weights * (s.independent * total / weights.sum()),
            s.error * usual_brightness(seen),
            s.robust_scale,
        )
        return LitSkin(skin, AlbedoBasis(basis.mean[at], basis.components[:, at]), s.independent)


@dataclass(frozen=True)
class LitSkin:
    """The skin of a photo, and what may be its colours."""

    problem: SkinProblem
    """Light and albedo still open."""
    basis: AlbedoBasis
    """Of its vertices alone."""
    independent: float

    def lit_for(self, state: FitState) -> SkinProblem:
        """The problem in the light, and with the albedo, that explain a state best."""
        estimate = estimate_light(self.basis, self.problem.colours(state, self.independent))
        albedo, light = self.basis.of(estimate.albedo), estimate.light
        return replace(self.problem, albedo=albedo.astype(float), light=light.astype(float))


@dataclass(frozen=True)
class Objective:
    """What the polish minimises; always the same vertices and points, so that costs can be compared."""

    landmarks: LandmarkProblem
    skin: LitSkin | None
    """None where too little is seen, or known of the model's colours."""
    outline: OutlineProblem | None
    """None where no border is seen."""
    relief: Problem | None = None
    """None where no normals were asked."""

    def lit_for(self, state: FitState) -> Sum:
        """The problem in the light, and with the albedo, that explain a state best."""
        parts: list[Problem] = [self.landmarks]
        if self.skin is not None:
            parts.append(self.skin.lit_for(state))
        parts.extend(part for part in (self.outline, self.relief) if part is not None)
        return Sum(tuple(parts))

    def cost(self, state: FitState) -> float:
        """Of a state in its best light."""
        return self.lit_for(state).cost(state)


def with_focal_of(problem: LandmarkProblem, state: FitState) -> LandmarkProblem:
    """The problem with the focal length that was found: it is the landmarks' alone to say.

    Shading does not see perspective, and an outline that is a little off was mended with a fifth of it.
    """
    return replace(problem, known=replace(problem.known, focal_px=float(np.exp(state.log_focal))))


def vertices_cam(model: MorphableModel, state: FitState) -> NDArray[np.float32]:
    """(N,3) mm, camera space."""
    shape = model.shape(state.identity, state.expression)
    return (shape @ state.rotation.T + state.translation).astype(np.float32)


def usual_brightness(seen: VertexColours) -> float:
    """Median of the colours that are seen, linear."""
    return float(np.median(seen.colours[seen.weights > 0].mean(axis=1)))
