"""The light of a photo, estimated in spherical harmonics, as lights that Blender has.

The estimate says what a matt white surface shows for each direction that it may face (Ramamoorthi and
Hanrahan, SIGGRAPH 2001), in axes of the photo's camera that are also those of Blender's cameras: x right in
the picture, y up, z towards the photographer.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating]

SH_TERMS = 9
CONSTANT, LINEAR = 0.282095, 0.488603
"""Of the first term, and of those that grow with one coordinate."""
BRIGHTNESS = np.array([0.2126, 0.7152, 0.0722])
"""Of linear red, green and blue (ITU-R BT.709)."""

WORLD_ROWS = 16
"""Nine harmonics hold no more detail."""
WORLD_STEPS = 60
DARKEST = 1e-3


@dataclass(frozen=True)
class KeyLight:
    """Where most of the light comes from, as a lamp infinitely far away."""

    direction: NDArray[np.float64]
    """(3,) unit vector towards the light, axes of the photo's camera."""
    colour: NDArray[np.float64]
    """(3,) linear RGB, the greatest 1."""
    strength: float
    """W/m², as Blender's sun counts it."""


def sh_basis(directions: Array) -> NDArray[np.float64]:
    """Real spherical harmonics (...,9) of unit vectors (...,3): 1, y, x, z, xy, yz, 3y² - 1, xz, x² - z²."""
    x, y, z = np.moveaxis(np.asarray(directions, np.float64), -1, 0)
    terms = (
        np.full_like(x, CONSTANT),
        LINEAR * y,
        LINEAR * x,
        LINEAR * z,
        1.092548 * x * y,
        1.092548 * y * z,
        0.315392 * (3 * y * y - 1),
        1.092548 * x * z,
        0.546274 * (x * x - z * z),
    )
    return np.stack(terms, axis=-1)


def key_light(light: Array) -> KeyLight:
    """The lamp whose first-order harmonics are those of the estimate (9,3).

    A lamp from d shows s max(0, n·d), whose linear terms are 2 pi / 3 · LINEAR · s · d.
    """
    y, x, z = np.asarray(light, np.float64)[1:4]
    per_channel = np.stack([x, y, z])
    towards = per_channel @ BRIGHTNESS
    direction = towards / max(float(np.linalg.norm(towards)), DARKEST)
    shown = (direction @ per_channel).clip(0) / (2 * math.pi / 3 * LINEAR)
    brightest = max(float(shown.max()), DARKEST)
    # A matt white surface shows 1/pi of what falls on it.
    return KeyLight(direction, shown / brightest, math.pi * brightest)


def world_directions(rows: int = WORLD_ROWS) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Unit vectors (R,2R,3) of the pixels of Blender's equirectangular world, row 0 on top, and the solid
    angle of a pixel in each row (R,)."""
    polar = (np.arange(rows) + 0.5) * math.pi / rows
    around = math.pi - (np.arange(2 * rows) + 0.5) * math.pi / rows
    z = np.repeat(np.cos(polar)[:, None], 2 * rows, axis=1)
    x, y = (np.outer(np.sin(polar), part(around)) for part in (np.cos, np.sin))
    return np.stack([x, y, z], axis=-1), np.sin(polar) * (math.pi / rows) ** 2


def world_picture(light: Array, camera: Array, rows: int = WORLD_ROWS) -> NDArray[np.float32]:
    """Radiance (R,2R,3), linear RGB, row 0 on top, of surroundings that give the estimated light.

    Dividing the harmonics by the cosine lobe would leave negative light. Multiplying again and again by what
    is missing (Richardson 1972, Lucy 1974) keeps it positive.

    Args:
        light: (9,3) estimate.
        camera: (3,3) rotation of the photo's camera in the scene.
        rows: of the picture.
    """
    grid, solid_angle = world_directions(rows)
    directions = grid.reshape(-1, 3)
    weights = np.repeat(solid_angle, 2 * rows)
    wanted = (sh_basis(directions @ np.asarray(camera)) @ light).clip(DARKEST)
    lobe = (directions @ directions.T).clip(0) / math.pi
    radiance = np.repeat(wanted.mean(axis=0, keepdims=True), len(directions), axis=0)
    share = (lobe * weights[:, None]).sum(axis=0)[:, None]
    for _ in range(WORLD_STEPS):
        shown = lobe @ (weights[:, None] * radiance)
        radiance *= lobe.T @ (weights[:, None] * (wanted / shown)) / share
    return radiance.reshape(rows, 2 * rows, 3).astype(np.float32)
