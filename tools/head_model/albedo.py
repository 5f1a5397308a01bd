"""The albedo basis: portraits without their light and CC0 skins of all tones, in principal components.

Light and albedo of a photograph are known only as a product. What settles it: the CC0 skins were painted
without light, so their basis explains each portrait first, together with harmonics of light
(``backend/light.py``); everything that harmonics over the head can explain is light; and the two halves of a
face are alike, so what differs between them is light as well. What is left of a portrait becomes a person of
the final basis, beside synthetic ones of every tone.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
import scipy.sparse.linalg as spl
from numpy.typing import NDArray

from backend.albedo import DARKEST, LIGHTEST, AlbedoBasis
from backend.light import estimate_light, shading
from backend.morphable import MorphableModel
from backend.residual import graph_laplacian
from backend.vertex_colours import VertexColours

from .portraits import Observations

Array = NDArray[np.floating]

FIRST_COMPONENTS = 30
"""Of the basis of painted skins: tone, redness, lips, stubble; the light must not hide in finer ones."""
ROUNDS = 2
LEAST_LIGHT = 0.2
"""Share of the usual light below which a surface is too dark to tell its colour."""
BELIEVED = 0.9
"""Largest logarithm of a portrait's albedo over what the basis explains; beyond lie hair and shine."""
SMOOTH_TERMS = (1, 3, 5, 6, 8)
"""Harmonics that two alike halves of a face may share in light: y, z, yz, 3y² - 1 and x² - z²."""
STIFFNESS, ANCHOR = 0.6, 2e-3
"""Of the smooth infill: how strongly vertices follow their neighbours, and where none is known, the basis."""
EXACT, ITERATIONS = 1e-3, 120
"""Of the conjugate gradients that solve it."""

UNLIT = {
    "eye_left": (0.47, 0.41, 0.37), "eye_right": (0.47, 0.41, 0.37), "teeth": (0.60, 0.54, 0.45),
    "tongue": (0.34, 0.15, 0.13), "lashes": (0.03, 0.025, 0.02), "gums": (0.36, 0.14, 0.13),
}  # fmt: skip
"""Linear albedo of what is no skin; it is the same in everyone."""


@dataclass(frozen=True)
class Person:
    """One portrait's albedo."""

    colours: NDArray[np.float32]
    """(N,3) complete, both halves alike."""
    confidence: float


def build_albedo(
    model: MorphableModel, painted: Array, portraits: Observations, components: int
) -> AlbedoBasis:
    """Basis of painted skins (S,N,3) and portraits, for a symmetric model; parts without skin are fixed."""
    even = (painted + painted[:, model.mirror]) / 2
    basis, smoothness = principal(model, even, FIRST_COMPONENTS), smoothness_of(model)
    for _ in range(ROUNDS):
        people = [person_of(model, smoothness, basis, look) for look in looks(portraits)]
        known = np.stack([person.colours for person in people if person.confidence > 0])
        basis = principal(model, np.concatenate([even, known]), components)
    return basis


def looks(portraits: Observations) -> list[VertexColours]:
    """What each portrait shows."""
    return [
        VertexColours(*look)
        for look in zip(portraits.colours, portraits.weights, portraits.normals, strict=True)
    ]


def person_of(
    model: MorphableModel, smoothness: sp.csr_matrix, basis: AlbedoBasis, seen: VertexColours
) -> Person:
    """The albedo of one portrait: what it shows over its light, completed by its other half and the basis."""
    found = estimate_light(basis, seen)
    expected = basis.of(found.albedo)
    light = shading(seen.normals, found.light)
    level = float(np.average(light.mean(axis=1), weights=seen.weights + 1e-9))
    lit = (light > LEAST_LIGHT * level).all(axis=1) & (seen.weights > 0)
    difference = np.log(seen.colours.clip(1e-4) / (light.clip(1e-4) * expected))
    weights = seen.weights * lit * (np.abs(difference).max(axis=1) < BELIEVED)
    filled = complete(model, smoothness, without_light(difference, weights, seen.normals), weights)
    return Person((expected * np.exp(filled)).clip(DARKEST, LIGHTEST), found.confidence)


def without_light(difference: Array, weights: Array, normals: Array) -> Array:
    """Log ratios (N,3) less what smooth light over normals (N,3) explains of them; its level stays."""
    terms = shading(normals, np.eye(9))[:, SMOOTH_TERMS]
    terms = terms - np.average(terms, axis=0, weights=weights + 1e-9)
    system = (terms * weights[:, None]).T @ terms + 1e-3 * np.eye(terms.shape[1])
    level = np.average(difference, axis=0, weights=weights + 1e-9)
    return difference - terms @ np.linalg.solve(system, (terms * weights[:, None]).T @ (difference - level))


def complete(model: MorphableModel, smoothness: sp.csr_matrix, values: Array, weights: Array) -> Array:
    """Values (N,3) known as far as ``weights`` (N,), alike on both halves and carried on smoothly to 0."""
    mirrored = weights[model.mirror]
    total = weights + mirrored
    both = (weights[:, None] * values + mirrored[:, None] * values[model.mirror]) / total[:, None].clip(1e-6)
    known = np.minimum(total, 1.0)
    system = sp.csr_matrix(sp.diags(known) + smoothness)
    wanted = (known[:, None] * both).T
    return np.stack(
        [spl.cg(system, channel, rtol=EXACT, maxiter=ITERATIONS)[0] for channel in wanted], axis=1
    )


def smoothness_of(model: MorphableModel) -> sp.csr_matrix:
    """(N,N) quadratic form that is small for smooth values near 0 (Sorkine 2004)."""
    count = len(model.mean)
    laplacian = graph_laplacian(model.polygons, count)
    return sp.csr_matrix(STIFFNESS * laplacian.T @ laplacian + ANCHOR * sp.identity(count))


def principal(model: MorphableModel, people: Array, count: int) -> AlbedoBasis:
    """Mean and ``count`` components of albedos (P,N,3), weighed where faces are seen.

    Components are scaled to one standard deviation each, the strongest first; the brighter face is positive.
    """
    weights = np.sqrt(vertex_weights(model))[:, None]
    mean = people.mean(axis=0)
    rows = ((people - mean) * weights).reshape(len(people), -1)
    # The Gram matrix is small where people are fewer than vertices (Sirovich 1987).
    values, vectors = np.linalg.eigh(rows @ rows.T / len(people))
    order = np.argsort(values)[::-1][:count]
    scores = vectors[:, order] * np.sqrt(len(people))
    components = np.tensordot(scores.T, people - mean, 1) / len(people)
    brighter = np.where((components * weights**2).sum(axis=(1, 2)) < 0, -1.0, 1.0)
    components *= brighter[:, None, None]
    for name, colour in UNLIT.items():
        mean[model.regions[name]] = colour
        components[:, model.regions[name]] = 0.0
    return AlbedoBasis(mean.astype(np.float32), components.astype(np.float32))


REGION_WEIGHTS = {"face": 4.0, "ear_left": 0.7, "ear_right": 0.7, "scalp": 0.3, "neck": 0.3}
"""How much a vertex of each region counts in the principal components."""


def vertex_weights(model: MorphableModel) -> NDArray[np.float64]:
    """(N,) by region; parts without skin count nothing."""
    return sum(share * model.regions[name] for name, share in REGION_WEIGHTS.items()).astype(np.float64)
