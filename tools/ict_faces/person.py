"""Draws one person's numbers: shape, expression, pose, camera and looks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from backend.camera import Camera
from backend.colour import to_linear
from backend.frames import Pose, rotation_from_angles
from backend.morphable import MorphableModel

Colour = NDArray[np.float64]

MOODS: tuple[dict[str, float], ...] = (
    {},
    {},
    {"mouthSmile": 0.5, "cheekSquint": 0.3},
    {"mouthSmile": 0.9, "cheekSquint": 0.6, "mouthUpperUp": 0.25, "jawOpen": 0.08},
    {"jawOpen": 0.25, "mouthFunnel": 0.2},
    {"browInnerUp": 0.6, "browOuterUp": 0.5, "eyeWide": 0.3},
    {"browDown": 0.6, "mouthPress": 0.4},
    {"mouthFrown": 0.5, "browInnerUp": 0.3},
    {"mouthPucker": 0.5},
    {"eyeSquint": 0.6, "mouthDimple": 0.4},
)
"""Weights at full strength of what faces do together; ``Left`` and ``Right`` both. Two of ten do nothing."""
GAZE = ("eyeLook", "eyeBlink")
"""Not among the odd movements: gaze and lids have numbers of their own."""

YAW_DEG, PITCH_DEG, ROLL_DEG = 45.0, 20.0, 10.0
TURNED_SHARE = 0.3
"""Of people whose yaw is drawn evenly; the others look about at the camera."""
DISTANCE_MM = (600.0, 3000.0)
"""From an outstretched arm to a studio's long lens."""
SPAN_MM = (390.0, 520.0)
"""What the picture spans at the head: a portrait."""

SKIN_SRGB = ((247, 215, 196), (226, 178, 146), (190, 135, 100), (143, 95, 66), (88, 57, 43))
"""From palest to darkest, about types I to VI of Fitzpatrick (1988)."""
HAIR_SRGB = ((24, 20, 18), (48, 33, 24), (84, 56, 36), (140, 104, 66), (190, 160, 112), (150, 148, 146))
IRIS_SRGB = ((64, 40, 24), (92, 62, 34), (96, 92, 54), (92, 122, 142), (118, 128, 134))


@dataclass(frozen=True)
class Looks:
    """Colours (linear RGB) and how much of what."""

    skin: Colour
    melanin: float
    """0 pale .. 1 dark."""
    redness: float
    lip: float
    """How far lips are redder than skin, 0..1."""
    hair: Colour
    hair_mm: float
    """0 for a shaven head."""
    hairline: float
    """How far the hair has receded, 0..1."""
    brow: float
    """Density of the brows, 0..1."""
    brow_mm: float
    stubble: float
    """0 none .. 1 a short beard."""
    freckles: int
    iris: Colour
    oil: float
    """Strength of the skin's gloss, 0..1."""
    shirt: Colour


@dataclass(frozen=True)
class Person:
    """Everything that a picture of one person is made of."""

    identity: NDArray[np.float32]
    """(K,) standard deviations."""
    expression: NDArray[np.float32]
    """(E,) weights in [0,1]."""
    pose: Pose
    camera: Camera
    looks: Looks
    seed: tuple[int, ...]
    """For all that is drawn later: noise, light, background."""


def draw_person(model: MorphableModel, seed: int, number: int, size: int) -> Person:
    """The person ``number`` of a ``seed``, in a square picture of ``size`` pixels.

    Depends on the two and the model's dimensions alone, not on who was drawn before.
    """
    random = np.random.default_rng((seed, number))
    camera, pose = _view(random, size)
    return Person(
        identity=random.normal(size=len(model.identity)).astype(np.float32),
        expression=draw_expression(random, model.expression_names),
        pose=pose,
        camera=camera,
        looks=draw_looks(random),
        seed=(seed, number, 1),
    )


def _view(random: np.random.Generator, size: int) -> tuple[Camera, Pose]:
    if random.random() < TURNED_SHARE:
        yaw = random.uniform(-YAW_DEG, YAW_DEG)
    else:
        yaw = np.clip(random.normal(0, 12), -YAW_DEG, YAW_DEG)
    pitch = np.clip(random.normal(0, 7), -PITCH_DEG, PITCH_DEG)
    roll = np.clip(random.normal(0, 4), -ROLL_DEG, ROLL_DEG)
    distance = np.exp(random.uniform(*np.log(DISTANCE_MM)))
    span = random.uniform(*SPAN_MM)
    place = span * np.array([random.normal(0, 0.03), random.uniform(-0.08, 0.0)])
    camera = Camera.centred(size * distance / span, size, size)
    rotation = rotation_from_angles(float(yaw), float(pitch), float(roll))
    return camera, Pose(rotation, np.array([*place, distance]))


def draw_expression(random: np.random.Generator, names: tuple[str, ...]) -> NDArray[np.float32]:
    """(E,) a mood, up to two odd movements, gaze and lids; most weights are 0."""
    weights = dict.fromkeys(names, 0.0)
    strength = random.uniform(0.3, 1.0)
    lopsided = random.uniform(0.8, 1.0, 2)
    for name, weight in MOODS[random.integers(len(MOODS))].items():
        for side, share in (("", 1.0), ("Left", lopsided[0]), ("Right", lopsided[1])):
            if name + side in weights:
                weights[name + side] = weight * strength * share
    odd = [name for name in names if not name.startswith(GAZE)]
    for name in random.permutation(odd)[: random.integers(0, 3)]:
        weights[name] = max(weights[name], random.uniform(0, 0.35))
    _turn_eyes(weights, *random.normal(0, (0.22, 0.12)), lids=random.beta(1.2, 9.0))
    return np.array([weights[name] for name in names], np.float32).clip(0, 1)


def _turn_eyes(weights: dict[str, float], across: float, up: float, lids: float) -> None:
    """``across`` is towards the subject's left."""
    left, right = ("Out", "In") if across > 0 else ("In", "Out")
    movements = {
        f"eyeLook{left}Left": abs(across),
        f"eyeLook{right}Right": abs(across),
        **{f"eyeLook{'Up' if up > 0 else 'Down'}{side}": abs(up) for side in ("Left", "Right")},
        **{f"eyeBlink{side}": lids for side in ("Left", "Right")},
    }
    weights |= {name: value for name, value in movements.items() if name in weights}


def draw_looks(random: np.random.Generator) -> Looks:
    """Looks over the human range, each number by itself."""
    melanin = random.random()
    dark_hair = random.random() < 0.35 + 0.6 * melanin
    hair = HAIR_SRGB[random.integers(0, 2)] if dark_hair else HAIR_SRGB[random.integers(1, len(HAIR_SRGB))]
    dark_iris = random.random() < 0.3 + 0.7 * melanin
    iris = IRIS_SRGB[random.integers(0, 2)] if dark_iris else IRIS_SRGB[random.integers(1, len(IRIS_SRGB))]
    bearded = random.random() < 0.4
    return Looks(
        skin=_between(SKIN_SRGB, melanin) * random.normal(1.0, 0.03, 3),
        melanin=melanin,
        redness=random.beta(2, 2),
        lip=random.beta(2, 2),
        hair=linear(np.array(hair)) * random.uniform(0.7, 1.3),
        hair_mm=0.0 if random.random() < 0.15 else random.uniform(2.0, 12.0),
        hairline=random.random(),
        brow=random.uniform(0.45, 1.0),
        brow_mm=random.uniform(5.5, 9.5),
        stubble=random.beta(1.2, 1.8) if bearded else 0.0,
        freckles=int(random.integers(0, 12)) if random.random() < 0.8 else int(random.integers(40, 160)),
        iris=linear(np.array(iris)),
        oil=random.uniform(0.3, 1.0),
        shirt=linear(0.5 * random.uniform(15, 235, 3) + 0.5 * random.uniform(15, 235)),
    )


def linear(srgb: NDArray[np.floating]) -> NDArray[np.float64]:
    """sRGB 0..255 to linear light 0..1."""
    return to_linear(np.asarray(srgb, np.float64) / 255)


def _between(colours: tuple[tuple[int, int, int], ...], share: float) -> Colour:
    """A place on a ramp of colours, in the logarithm of light, as absorption adds up."""
    ramp = np.log(linear(np.array(colours)))
    places = np.linspace(0, 1, len(colours))
    return np.exp([np.interp(share, places, channel) for channel in ramp.T])
