"""What people do with their faces in front of a camera: combinations of ARKit's 52 shapes."""

from __future__ import annotations

import numpy as np

MOODS = {
    "neutral": 0.36,
    "smile": 0.34,
    "talk": 0.09,
    "surprise": 0.04,
    "frown": 0.06,
    "blink": 0.03,
    "odd": 0.08,
}
"""How often each is met; portraits are taken of people who keep still or smile."""

TWITCH = 0.04
"""Every face is a little uneven: spread of what any shape does by chance."""

SIDED_SPREAD = 0.12
"""Left and right differ by about this share."""

QUIET = ("tongueOut", "cheekPuff", "jawOpen", "mouthClose", "eyeBlink", "eyeLook", "mouthRoll", "mouthFunnel")
"""Shapes that do not twitch: they part lips or lids, turn eyes, or fold skin into itself."""

HEAVY_LIDS = (0.04, 0.24)
"""hm08's eyes are as wide open as lids go; those of people at rest are not."""

Weights = dict[str, float]


def sample_expression(rng: np.random.Generator, names: tuple[str, ...]) -> np.ndarray:
    """(52,) weights in [0, 1] of a random expression."""
    mood = rng.choice(list(MOODS), p=list(MOODS.values()))
    wanted = _MAKERS[mood](rng)
    out = np.zeros(len(names))
    if mood != "surprise":
        wanted["eyeBlink"] = wanted.get("eyeBlink", 0.0) + rng.uniform(*HEAVY_LIDS)
    for slot, name in enumerate(names):
        stem = name.removesuffix("Left").removesuffix("Right")
        out[slot] = wanted.get(name, wanted.get(stem, 0.0))
        if stem != name:
            out[slot] *= 1 + SIDED_SPREAD * rng.standard_normal()
        if not name.startswith(QUIET):
            out[slot] += TWITCH * abs(rng.standard_normal())
    return out.clip(0, 1)


def _neutral(rng: np.random.Generator) -> Weights:
    return {
        "mouthPress": 0.25 * rng.random(),
        "mouthSmile": 0.12 * rng.random(),
        "eyeSquint": 0.2 * rng.random(),
        "jawOpen": 0.05 * max(0.0, rng.standard_normal()),
    }


def _smile(rng: np.random.Generator) -> Weights:
    """From a hint to a laugh; a wide one parts the lips, lifts the cheeks and narrows the eyes."""
    degree = rng.beta(1.6, 1.6)
    parted = degree > 0.42 and rng.random() < 0.85
    return {
        "mouthSmile": 0.15 + 0.65 * degree,
        "mouthDimple": 0.2 * rng.random(),
        "mouthStretch": 0.15 * degree,
        "cheekSquint": 0.55 * degree * rng.uniform(0.5, 1.0),
        "eyeSquint": 0.5 * degree * rng.uniform(0.4, 1.0),
        "mouthUpperUp": 0.35 * degree * parted,
        "mouthLowerDown": 0.3 * degree * parted,
        "jawOpen": (0.04 + 0.2 * max(degree - 0.5, 0.0) * rng.random()) * parted,
        "browInnerUp": 0.15 * rng.random(),
    }


def _talk(rng: np.random.Generator) -> Weights:
    open_mouth = rng.uniform(0.05, 0.35)
    round_mouth = rng.random() < 0.3
    return {
        "jawOpen": open_mouth,
        "mouthFunnel": 0.4 * rng.random() * round_mouth,
        "mouthPucker": 0.35 * rng.random() * round_mouth,
        "mouthUpperUp": 0.25 * rng.random(),
        "mouthLowerDown": 0.35 * rng.random(),
        "mouthStretch": 0.2 * rng.random(),
        "mouthSmile": 0.3 * rng.random(),
        "browInnerUp": 0.3 * rng.random(),
    }


def _surprise(rng: np.random.Generator) -> Weights:
    degree = rng.uniform(0.3, 1.0)
    return {
        "browInnerUp": 0.7 * degree,
        "browOuterUp": 0.6 * degree,
        "eyeWide": 0.6 * degree,
        "jawOpen": 0.4 * degree * rng.random(),
        "mouthFunnel": 0.15 * degree,
    }


def _frown(rng: np.random.Generator) -> Weights:
    degree = rng.uniform(0.3, 0.9)
    return {
        "browDown": 0.7 * degree,
        "eyeSquint": 0.4 * degree,
        "mouthFrown": 0.5 * degree * rng.random(),
        "mouthPress": 0.3 * degree,
        "mouthShrugLower": 0.3 * degree * rng.random(),
        "noseSneer": 0.2 * degree * rng.random(),
    }


def _blink(rng: np.random.Generator) -> Weights:
    return _neutral(rng) | {"eyeBlink": rng.uniform(0.4, 1.0)}


def _odd(rng: np.random.Generator) -> Weights:
    """Three shapes at random, none far enough to fold the skin, over a neutral face."""
    pool = (
        "mouthLeft", "mouthRight", "jawLeft", "jawRight", "mouthPucker", "mouthRollLower", "mouthFrown",
        "noseSneer", "browInnerUp", "browOuterUp", "browDown", "eyeSquint", "eyeWide", "mouthShrugLower",
        "cheekPuff", "mouthSmileLeft", "mouthSmileRight", "browOuterUpLeft", "browOuterUpRight",
        "mouthStretch",
    )  # fmt: skip
    chosen = rng.choice(pool, size=3, replace=False)
    return {str(name): float(rng.uniform(0.15, 0.6)) for name in chosen}


_MAKERS = {
    "neutral": _neutral,
    "smile": _smile,
    "talk": _talk,
    "surprise": _surprise,
    "frown": _frown,
    "blink": _blink,
    "odd": _odd,
}
