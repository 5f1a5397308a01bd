"""What closed lips hide: tones of teeth, gums and tongue, shaded as lips and cheeks shade them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .morphable import MorphableModel
from .normals import vertex_normals
from .raster import triangulate

Tones = NDArray[np.float32]

TEETH, GUMS, TONGUE = np.float32([214, 200, 184]), np.float32([172, 96, 94]), np.float32([168, 92, 88])
"""Unlit sRGB tones in a well-lit face."""

DIMMED_MM, DIMMEST = 32.0, 0.3
"""So far behind the front teeth the light of an open mouth has fallen by a factor e; what is left at last."""
AVERTED = 0.5
"""Brightness of what does not face outwards: the flanks of teeth, by which one is told from the next."""


def mouth_tones(model: MorphableModel, teeth: Tones, brightness: float) -> Tones:
    """(N,3) sRGB of the vertices of teeth and tongue; other vertices hold no meaning.

    Args:
        model: with at least one of the two parts.
        teeth: (3,) tone of the front teeth.
        brightness: of the face against a well-lit one.
    """
    tones = np.repeat(teeth[None], len(model.mean), axis=0)
    for region, tone in (("gums", GUMS), ("tongue", TONGUE)):
        if region in model.regions:
            tones[model.regions[region]] = tone * brightness
    return tones * _shade(model)[:, None]


def _shade(model: MorphableModel) -> NDArray[np.float32]:
    """(N,) brightness of each vertex of the mouth, 1 at the front of the front teeth."""
    parts = [model.regions[name] for name in ("teeth", "tongue") if name in model.regions]
    inside = np.logical_or.reduce(parts)
    place = model.mean
    behind = place[inside, 2].max() - place[:, 2]
    light = np.maximum(np.exp(-behind.clip(0) / DIMMED_MM), DIMMEST)
    # The arch of the teeth: outwards is away from its middle, level.
    outwards = (place - [0.0, 0.0, np.median(place[inside, 2])]) * [1.0, 0.0, 1.0]
    outwards /= np.linalg.norm(outwards, axis=1, keepdims=True).clip(1e-6)
    normals = vertex_normals(place, triangulate(model.polygons).vertices)
    facing = (normals * outwards).sum(axis=1).clip(0, 1)
    return (light * (AVERTED + (1 - AVERTED) * facing)).astype(np.float32)
