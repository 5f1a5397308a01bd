"""Light: a sky of directions with cast shadows, and one key lamp."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from backend.camera import Camera
from backend.colour import from_linear
from backend.raster import rasterize_arrays

from .figure import MASKS, Mould

Array = NDArray[np.float32]

SKY_DIRECTIONS = 32
SKY_MAP, KEY_MAP = 192, 512
"""Pixels along one side of a shadow map."""
LAMP_MM = 20_000.0
"""So far that its rays are parallel."""
REACH_MM = 760.0
"""What a shadow map spans."""
BIAS_MM, KEY_BIAS_MM = 7.0, 2.5
"""A surface does not shade itself within this depth."""
MOUTH_SEES = 0.3
"""Of the sky."""
AXIS_UP = np.array([0.0, -1.0, 0.0])
"""Up, in camera axes."""


@dataclass(frozen=True)
class Light:
    """What shines from where, in camera axes."""

    directions: Array
    """(D,3) unit, towards the light: the sky's."""
    radiance: Array
    """(D,3) linear, times solid angle over pi."""
    key: Array
    """(3,) direction of the lamp."""
    key_radiance: Array
    """(3,)"""
    key_blur: float
    """Softness of the lamp's shadow, pixels of the shadow map."""


def draw_light(seed: tuple[int, ...], rotation: NDArray[np.floating]) -> Light:
    """Sky, ground, one to three broad lights and a lamp of any strength, all with colours of their own.

    ``rotation`` (3,3) takes the head's axes to the camera's: the directions of the sky turn with the head, so
    that what it hides from itself need not be found anew.
    """
    random = np.random.default_rng((*seed, 3))
    directions = sphere(SKY_DIRECTIONS) @ rotation.T
    height = directions @ AXIS_UP
    sky, ground = _colour(random, 0.25), _colour(random, 0.2) * random.uniform(0.15, 0.6)
    radiance = ground + (sky - ground) * (0.5 + 0.5 * height)[:, None]
    for _ in range(random.integers(1, 4)):
        towards = _before_the_face(random, 110)
        sharpness = random.uniform(2, 9)
        strength = random.uniform(0.4, 2.5) * np.exp(sharpness * (directions @ towards - 1))
        radiance = radiance + strength[:, None] * _colour(random, 0.3)
    lamp = random.choice([0.0, random.uniform(0.2, 1.2), random.uniform(1.2, 3.0)], p=[0.2, 0.5, 0.3])
    return Light(
        directions=directions.astype(np.float32),
        radiance=(radiance * 4 / SKY_DIRECTIONS).astype(np.float32),
        key=_before_the_face(random, 75).astype(np.float32),
        key_radiance=(lamp * _colour(random, 0.2)).astype(np.float32),
        key_blur=float(np.exp(random.uniform(np.log(1.0), np.log(8)))),
    )


def sphere(count: int) -> NDArray[np.float64]:
    """(count,3) directions, evenly spread: the golden spiral (Saff and Kuijlaars 1997)."""
    number = np.arange(count)
    z = 1 - (2 * number + 1) / count
    turn = number * np.pi * (3 - np.sqrt(5))
    ring = np.sqrt(1 - z * z)
    return np.stack([ring * np.cos(turn), ring * np.sin(turn), z], axis=1)


def sky_seen(mould: Mould) -> Array:
    """(N,D) how much of each direction of the sky every vertex of the mean head sees, in the head's axes.

    Shared by all people: noses, sockets and chins lie alike, and the sky's shadows are broad. What the mean
    head keeps shut, a smile opens; teeth and mouth are given the same dim share everywhere.
    """
    occluders = mould.triangles[mould.skin]
    columns = [
        shadow(mould.reference, mould.reference, occluders, direction, SKY_MAP, 1.2, BIAS_MM)
        for direction in sphere(SKY_DIRECTIONS)
    ]
    seen = np.stack(columns, axis=1)
    names = mould.model.part_names
    mouth = mould.masks[:, MASKS.index("mouth_inside")] > 0.5
    for name in ("teeth", "tongue"):
        if name in names:
            mouth[mould.triangles[mould.part == names.index(name)]] = True
    seen[mouth] = MOUTH_SEES
    return seen


def shadow(
    points_cam: Array,
    vertices_cam: Array,
    triangles: NDArray[np.int64],
    direction: Array,
    side: int,
    blur: float,
    bias_mm: float,
) -> Array:
    """(M,) share of light from a direction that reaches ``points_cam`` (M,3) past a mesh.

    Shadow map (Williams 1978) with filtered comparisons over nine places (Reeves et al. 1987).
    """
    middle = vertices_cam.mean(0)
    to_lamp = _towards(direction)
    camera = Camera.centred(side * LAMP_MM / REACH_MM, side, side)
    seen = (vertices_cam - middle) @ to_lamp.T + [0, 0, LAMP_MM]
    depth = rasterize_arrays(seen.astype(np.float32), triangles, camera).depth
    depth[~np.isfinite(depth)] = 2 * LAMP_MM
    mine = (points_cam - middle) @ to_lamp.T + [0, 0, LAMP_MM]
    pixel = camera.project(mine)
    lit = np.zeros(len(mine), np.float32)
    offsets = [(x, y) for x in (-1, 0, 1) for y in (-1, 0, 1)]
    for x, y in offsets:
        column = np.rint(pixel[:, 0] + x * blur).astype(int).clip(0, side - 1)
        row = np.rint(pixel[:, 1] + y * blur).astype(int).clip(0, side - 1)
        lit += mine[:, 2] < depth[row, column] + bias_mm + 0.6 * blur * REACH_MM / side
    return lit / len(offsets)


def tone_mapped(linear: Array, exposure: float) -> Array:
    """Linear light (...,3) as sRGB 0..255, its brightest parts rolled off as film does."""
    light = linear * exposure
    rolled = np.where(light < 0.7, light, 0.7 + 0.3 * np.tanh((light - 0.7) / 0.3)).clip(0, 1)
    return 255 * from_linear(rolled)


def _towards(direction: NDArray[np.floating]) -> NDArray[np.float64]:
    """(3,3) rotation into a camera that stands in ``direction`` and looks back."""
    forward = -direction / np.linalg.norm(direction)
    aside = np.cross(forward, [0.0, 1.0, 0.0] if abs(forward[1]) < 0.9 else [1.0, 0.0, 0.0])
    aside /= np.linalg.norm(aside)
    return np.stack([aside, np.cross(forward, aside), forward])


def _before_the_face(random: np.random.Generator, degrees: float) -> NDArray[np.float64]:
    """(3,) a direction within so many degrees of the camera's, more often from above."""
    away = np.deg2rad(degrees * np.sqrt(random.random()))
    around = random.normal(np.pi / 2, 1.1)
    return np.array([np.sin(away) * np.cos(around), -np.sin(away) * np.sin(around), -np.cos(away)])


def _colour(random: np.random.Generator, spread: float) -> NDArray[np.float64]:
    """(3,) a light between candle and sky, of mean 1."""
    warmth = random.normal(0, spread)
    colour = np.exp(np.array([warmth, 0.0, -warmth]) + random.normal(0, 0.05, 3))
    return colour / colour.mean()
