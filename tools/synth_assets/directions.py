"""Finds age, sex, weight and ancestry among the identity coefficients of the head."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from backend.morphable import MorphableModel
from tools.build_head_model import vertex_areas
from tools.head_model.identity import Sampler, align

Array = NDArray[np.floating]

AVERAGE = {"years": 45.0, "male": 0.5, "african": 1 / 3, "asian": 1 / 3, "muscle": 0.5, "weight": 0.5}

ENDS: dict[str, tuple[dict[str, float], dict[str, float]]] = {
    "age": ({"years": 25.0}, {"years": 85.0}),
    "masculinity": ({"male": 0.0}, {"male": 1.0}),
    "weight": ({"weight": 0.0}, {"weight": 1.0}),
    "african": ({}, {"african": 1.0, "asian": 0.0}),
    "asian": ({}, {"african": 0.0, "asian": 1.0}),
    "european": ({}, {"african": 0.0, "asian": 0.0}),
}
"""Two states of MakeHuman's sliders for each direction; what is not named is average."""


def identity_directions(sampler: Sampler, model: MorphableModel) -> dict[str, NDArray[np.float32]]:
    """(80,) coefficients from the first to the second state of each of :data:`ENDS`.

    ``sampler`` holds hm08's vertices in the order of the head's; those the head has besides are last.
    """
    count = len(sampler.base)
    area = vertex_areas(model.mean, model.polygons)[:count] * model.regions["skin"][:count]
    weight = np.repeat(np.sqrt(area * (1 + 3 * model.regions["face"][:count])), 3)
    basis = model.identity[:, :count].reshape(len(model.identity), -1) * weight
    found = {}
    for name, ends in ENDS.items():
        states = np.stack([_state(sampler, AVERAGE | end) for end in ends])
        states = align(states, model.mean[:count], area * model.regions["face"][:count])
        moved = (states[1] - states[0]).reshape(-1) * weight
        coefficients = np.linalg.lstsq(basis.T, moved, rcond=None)[0]
        # LAPACK sums in an order of its own from run to run: the same input shall give the same file.
        found[name] = np.round(coefficients, 3).astype(np.float32)
    return found


def _state(sampler: Sampler, setting: dict[str, float]) -> NDArray[np.float32]:
    ancestry = np.array([setting["african"], setting["asian"], 0.0])
    ancestry[2] = 1 - ancestry.sum()
    weights = sampler.macro_weights(
        setting["years"], setting["male"], ancestry, setting["muscle"], setting["weight"]
    )
    return sampler.base + np.tensordot(weights, sampler.targets, 1)
