"""Light on a scene: the sky around it as spherical harmonics, and up to three lamps with shadows.

Everything is in the *view* frame: axes of the camera turned y-up (x right, y up, z towards the camera).
Spherical harmonics follow Ramamoorthi and Hanrahan 2001, with the pole upwards, so that an environment
turns about the vertical by mixing pairs of coefficients. Coefficients are already convolved with the cosine
lobe and divided by pi: ``albedo * sh_basis(normal) @ sh`` is what a matt surface sends out.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from backend.harmonics import CONSTANT, LOBE, SH_TERMS, sh_basis

LAMPS = 3
UNBALANCED = 0.55
"""Share of a light's colour that a camera's automatic white balance leaves in the picture."""
TABLE = Path(__file__).parent / "assets" / "light.npz"

Triple = tuple[float, float, float]


@dataclass(frozen=True)
class Lamp:
    """A distant lamp."""

    direction: Triple
    """Unit vector towards the lamp, view frame."""
    colour: Triple
    """Linear; 1 lights a surface that faces it to its albedo."""
    softness_mm: float
    """How far the edge of a shadow spreads on the person: a bare bulb 4, a window 30."""


@dataclass(frozen=True)
class LightParams:
    """All light of one scene."""

    name: str
    sky: tuple[Triple, ...]
    """Nine coefficients of the convolved environment."""
    lamps: tuple[Lamp, ...]
    """At most :data:`LAMPS`."""


@dataclass(frozen=True)
class Lights:
    """The light of B scenes as tensors."""

    sky: Tensor
    """(B,9,3)."""
    direction: Tensor
    """(B,L,3) lamp by axis, L the most lamps that one of the scenes has, at least 1."""
    colour: Tensor
    """(B,L,3) lamp by channel; 0 where there is no lamp."""
    softness_mm: Tensor
    """(B,L)."""


def stack_lights(params: list[LightParams], device: torch.device) -> Lights:
    """Lights of B scenes on one device."""
    count = len(params)
    lamps = max(1, *(len(light.lamps) for light in params))
    direction = np.zeros((count, lamps, 3), np.float32)
    direction[..., 1] = 1.0
    colour, softness = np.zeros((count, lamps, 3), np.float32), np.ones((count, lamps), np.float32)
    for i, light in enumerate(params):
        for j, lamp in enumerate(light.lamps):
            direction[i, j], colour[i, j], softness[i, j] = lamp.direction, lamp.colour, lamp.softness_mm
    sky = np.array([light.sky for light in params], np.float32)
    return Lights(*(torch.from_numpy(a).to(device) for a in (sky, direction, colour, softness)))


TURNING = ((2, 3, 1), (4, 5, 1), (7, 8, 2))
"""Pairs of terms that a turn about the pole mixes, and by which multiple of its angle."""


def turned(sky: NDArray[np.floating], degrees: float) -> NDArray[np.floating]:
    """The environment (9,3) turned about the vertical: what was at +x comes to +z for 90 degrees."""
    out = sky.copy()
    for sine, cosine, multiple in TURNING:
        c, s = math.cos(multiple * math.radians(degrees)), math.sin(multiple * math.radians(degrees))
        # The third pair is (xz, (x^2 - z^2) / 2), which runs the other way round.
        s = -s if multiple == 2 else s
        out[sine], out[cosine] = c * sky[sine] - s * sky[cosine], s * sky[sine] + c * sky[cosine]
    return out


def sky_of(radiance: list[tuple[Triple, Triple]], ambient: Triple) -> NDArray[np.float64]:
    """Convolved environment (9,3) of soft boxes (direction, colour) before an even sky.

    A soft box of colour 1 lights a surface that faces it to its albedo.
    """
    sky = np.zeros((SH_TERMS, 3))
    sky[0] = np.array(ambient) / CONSTANT
    for direction, colour in radiance:
        basis = sh_basis(torch.tensor(unit(direction), dtype=torch.float64)).numpy()
        # A delta lobe of irradiance pi: L = pi * delta, so that its convolved peak is about 1.
        sky += np.outer(basis * LOBE * math.pi, colour)
    return sky


def unit(vector: Triple | NDArray[np.floating]) -> Triple:
    """The vector at length 1."""
    v = np.asarray(vector, np.float64)
    x, y, z = (v / np.linalg.norm(v)).tolist()
    return x, y, z


def towards(azimuth_deg: float, height_deg: float) -> Triple:
    """Unit vector to a lamp: azimuth 0 is behind the camera, positive to the picture's right."""
    a, h = math.radians(azimuth_deg), math.radians(height_deg)
    return math.sin(a) * math.cos(h), math.sin(h), math.cos(a) * math.cos(h)


def kelvin(temperature: float) -> NDArray[np.float64]:
    """Linear sRGB colour of a black body as a camera balanced for 5500 K sees it, green = 1.

    A fit in the reciprocal temperature to Planck's law at 610, 550 and 465 nm.
    """
    mired = 1e6 / temperature - 1e6 / 5500.0
    return np.exp(np.array([0.0026, 0.0, -0.0048]) * mired)


def sample_light(rng: np.random.Generator) -> LightParams:
    """Light of one scene: a studio, a flash, a window, the open air, or a measured environment."""
    setups = {
        "studio": (_studio, 0.34),
        "clamshell": (_clamshell, 0.12),
        "flash": (_flash, 0.08),
        "window": (_window, 0.14),
        "sun": (_sun, 0.08),
        "indoors": (_indoors, 0.10),
        "measured": (_measured if _environments() else _indoors, 0.14),
    }
    names = list(setups)
    name = str(rng.choice(names, p=[setups[n][1] for n in names]))
    sky, lamps = setups[name][0](rng)
    return LightParams(name, _triples(sky), tuple(lamps))


Setup = tuple[NDArray[np.floating], list[Lamp]]


def _lamp(direction: Triple, colour: NDArray[np.floating], softness_mm: float) -> Lamp:
    red, green, blue = colour.tolist()
    return Lamp(unit(direction), (red, green, blue), softness_mm)


def _studio(rng: np.random.Generator) -> Setup:
    """Key at one side, fill at the other, often a rim from behind."""
    side = rng.choice([-1, 1])
    tint = kelvin(rng.uniform(4800, 6200))
    ratio = np.exp(rng.uniform(np.log(1.5), np.log(6.0)))
    key = towards(side * rng.uniform(20, 60), rng.uniform(15, 50))
    fill = towards(-side * rng.uniform(20, 70), rng.uniform(0, 30))
    lamps = [_lamp(key, 0.75 * tint, rng.uniform(8, 30))]
    lamps.append(_lamp(fill, 0.75 / ratio * tint, rng.uniform(20, 40)))
    if rng.random() < 0.6:
        rim = towards(-side * rng.uniform(120, 165), rng.uniform(20, 60))
        lamps.append(_lamp(rim, rng.uniform(0.3, 1.3) * tint, 8.0))
    ambient = rng.uniform(0.08, 0.25) * tint
    sky = sky_of([(key, tuple(0.15 * tint)), ((0, -1, 0.3), tuple(0.04 * tint))], tuple(ambient))
    return sky, lamps


def _clamshell(rng: np.random.Generator) -> Setup:
    """A large soft box above the camera, a reflector below it."""
    tint = kelvin(rng.uniform(5000, 6000))
    key = towards(rng.uniform(-12, 12), rng.uniform(25, 50))
    fill = towards(rng.uniform(-10, 10), rng.uniform(-45, -20))
    lamps = [_lamp(key, 0.7 * tint, 30.0), _lamp(fill, rng.uniform(0.12, 0.35) * tint, 40.0)]
    if rng.random() < 0.4:
        hair = towards(rng.choice([-1, 1]) * rng.uniform(140, 175), rng.uniform(35, 65))
        lamps.append(_lamp(hair, rng.uniform(0.4, 1.2) * tint, 8.0))
    return sky_of([(key, tuple(0.2 * tint))], tuple(rng.uniform(0.12, 0.3) * tint)), lamps


def _flash(rng: np.random.Generator) -> Setup:
    """On the camera: flat, hard, with the room dark behind."""
    lamps = [_lamp(towards(rng.uniform(-8, 8), rng.uniform(2, 14)), 0.9 * kelvin(5600), 4.0)]
    return sky_of([], tuple(rng.uniform(0.05, 0.2) * kelvin(rng.uniform(3000, 4500)))), lamps


def _window(rng: np.random.Generator) -> Setup:
    """A large window at one side, the room's own light at the other."""
    azimuth = rng.choice([-1, 1]) * rng.uniform(35, 95)
    day, room = kelvin(rng.uniform(5500, 8000)), kelvin(rng.uniform(2900, 5000))
    window, wall = towards(azimuth, rng.uniform(5, 30)), towards(-azimuth, 0.0)
    boxes = [(window, tuple(0.35 * day)), (wall, tuple(rng.uniform(0.05, 0.2) * room))]
    lamps = [_lamp(window, rng.uniform(0.4, 0.7) * day, 35.0)]
    return sky_of(boxes, tuple(rng.uniform(0.08, 0.22) * room)), lamps


def _sun(rng: np.random.Generator) -> Setup:
    """The open air: blue sky, bounce from the ground, the sun high or low, before or behind."""
    low = rng.random() < 0.4
    sun = towards(rng.uniform(-180, 180), rng.uniform(8, 20) if low else rng.uniform(30, 65))
    warm = kelvin(rng.uniform(3800, 4900) if low else rng.uniform(5200, 5800))
    sky, ground = kelvin(rng.uniform(6500, 9000)), np.array([1.0, 0.9, 0.75])
    boxes = [((0, 1, 0.1), tuple(0.3 * sky)), ((0, -1, 0.2), tuple(rng.uniform(0.05, 0.2) * ground))]
    return sky_of(boxes, tuple(0.25 * sky)), [_lamp(sun, rng.uniform(0.6, 1.6) * warm, 4.0)]


def _indoors(rng: np.random.Generator) -> Setup:
    """Lamps on the ceiling, walls that bounce; sometimes dim and coloured."""
    tint = kelvin(rng.uniform(2800, 5500))
    boxes = [((rng.normal() * 0.4, 1, rng.uniform(-0.2, 0.8)), tuple(rng.uniform(0.2, 0.5) * tint))]
    boxes.append((towards(rng.uniform(-120, 120), 10), tuple(0.2 * kelvin(rng.uniform(3000, 8000)))))
    lamp = towards(rng.uniform(-70, 70), rng.uniform(30, 70))
    lamps = [_lamp(lamp, rng.uniform(0.2, 0.5) * tint, rng.uniform(10, 30))]
    return sky_of(boxes, tuple(rng.uniform(0.1, 0.3) * tint)), lamps


def _measured(rng: np.random.Generator) -> Setup:
    """A photographed environment, turned at random; its brightest spot becomes a lamp with a shadow."""
    table = _environments()
    names = sorted(table)
    sky, lamp = table[names[rng.integers(len(names))]]
    degrees = rng.uniform(0, 360)
    sky, colour = turned(sky, degrees), lamp[3:]
    x, y, z = lamp[:3].tolist()
    c, s = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    return sky, [_lamp((c * x - s * z, y, s * x + c * z), colour, 15.0)]


@cache
def _environments() -> dict[str, tuple[NDArray[np.float64], NDArray[np.float64]]]:
    """Names to convolved environments (9,3) and lamps (6,): direction and colour."""
    if not TABLE.exists():
        return {}
    with np.load(TABLE, allow_pickle=False) as file:
        rows = zip(
            file["names"], file["sky"].astype(np.float64), file["lamp"].astype(np.float64), strict=True
        )
        return {str(name): (sky, lamp) for name, sky, lamp in rows}


def _triples(rows: NDArray[np.floating]) -> tuple[Triple, ...]:
    return tuple((float(r), float(g), float(b)) for r, g, b in rows)
