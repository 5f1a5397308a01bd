"""Colours that no skin basis holds, painted on bald heads at random.

Brows, lips, beards, hair and stains of many kinds teach the network to read shape from shading and outlines:
a face that it will meet is never coloured like those of one collection (domain randomisation, Tobin et al.,
IROS 2017).
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from backend.albedo import DARKEST, LIGHTEST
from backend.morphable import load_head_model

Numbers = NDArray[np.float32]

WAVES = 24
"""Plane waves that a stain is made of."""
WAVE_MM = (12.0, 120.0)
"""Their shortest and longest length."""
STAIN = 0.25
"""Strongest usual change of brightness, as a logarithm; that of the hue is a third."""
SHARES = {"brows": 0.8, "lips": 0.7, "beard": 0.3, "hair": 0.6}
"""How often each is painted."""
SOFT_MM = 4.0
"""Width of the borders between skin and hair."""
BEARD_BELOW_MM = -36.0
"""Height in the head frame under which beards grow: just below the nose."""
HAIRLINE_MM = (55.0, 95.0)
"""Lowest and highest height at which a forehead ends."""


def painted(albedo: Numbers, rng: np.random.Generator) -> Numbers:
    """Linear albedo (N,3) of the shipped head's vertices with paint on it."""
    places = _places()
    result = albedo * np.exp(stain(load_head_model().mean, rng))
    hair = _hair_colour(rng)
    colours = {
        "brows": hair * rng.uniform(0.7, 1.4),
        "lips": albedo.mean(axis=0) * rng.uniform((0.7, 0.35, 0.35), (1.4, 0.9, 1.0)),
        "beard": hair,
        "hair": hair,
    }
    places = {**places, "hair": _cap(rng)}
    for name, share in SHARES.items():
        if rng.random() < share:
            cover = places[name][:, None] * rng.uniform(0.25, 1.0)
            texture = np.exp(stain(load_head_model().mean, rng))
            result = (1 - cover) * result + cover * colours[name] * texture
    return result.clip(DARKEST, LIGHTEST).astype(np.float32)


def stain(points: Numbers, rng: np.random.Generator) -> Numbers:
    """(N,3) logarithm of a change of colour that runs smoothly over points (N,3) in mm.

    Its spread over all of space is :data:`STAIN` times a random number up to 1, less between the colours.
    """
    length = np.exp(rng.uniform(*np.log(WAVE_MM), WAVES))
    towards = rng.standard_normal((WAVES, 3))
    towards *= (2 * np.pi / length / np.linalg.norm(towards, axis=1))[:, None]
    waves = np.sqrt(2 / WAVES) * np.cos(points @ towards.T + rng.uniform(0, 2 * np.pi, WAVES))
    mix = rng.standard_normal((WAVES, 3)) / 3 + rng.standard_normal((WAVES, 1))
    return (STAIN * rng.random() * (waves @ mix)).astype(np.float32)


def _hair_colour(rng: np.random.Generator) -> Numbers:
    """(3,) linear, from black over brown to white."""
    bright = np.exp(rng.uniform(np.log(0.01), np.log(0.5)))
    return (bright * rng.uniform((1.0, 0.6, 0.3), (1.3, 1.0, 1.0))).astype(np.float32)


@cache
def _places() -> dict[str, Numbers]:
    """(N,) cover of what always sits in one place."""
    model = load_head_model()
    height = model.mean[:, 1]
    beard = 1 / (1 + np.exp((height - BEARD_BELOW_MM) / SOFT_MM))
    bare = model.regions["lips"] | model.regions["mouth_inside"] | model.regions["teeth"]
    return {
        "brows": model.regions["brows"].astype(np.float32),
        "lips": model.regions["lips"].astype(np.float32),
        "beard": (beard * model.regions["skin"] * ~bare).astype(np.float32),
    }


def _cap(rng: np.random.Generator) -> Numbers:
    """(N,) cover of hair above a random line that falls from forehead to nape."""
    model = load_head_model()
    line = rng.uniform(*HAIRLINE_MM) - rng.uniform(0.6, 1.4) * (100.0 - model.mean[:, 2]).clip(0)
    ears = model.regions["ear_left"] | model.regions["ear_right"]
    cover = 1 / (1 + np.exp((line - model.mean[:, 1]) / SOFT_MM))
    return (cover * model.regions["skin"] * ~ears).astype(np.float32)
