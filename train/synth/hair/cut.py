"""A haircut in numbers, and how people wear their hair."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Cut:
    """Length, direction, body and texture of a haircut. Lengths in mm, directions in the head frame."""

    top: float = 60.0
    front: float = 60.0
    """Length behind the hairline of the forehead: the fringe, or what is combed back from there."""
    side: float = 20.0
    """At the height of the temples; it fades towards ``edge``."""
    back: float = 20.0
    edge: float = 8.0
    """At the lower border: sideburns and nape."""
    uneven: float = 0.15
    """Deviation of the logarithm of the length, lock by lock."""
    part_mm: float = 0.0
    """How far left of the middle the parting runs."""
    parted: float = 0.0
    """How strongly hair is combed away from the parting."""
    forward: float = 0.0
    """Comb of the top: positive to the forehead, negative to the nape."""
    across: float = 0.0
    """Comb of the top to the left."""
    side_back: float = 0.3
    """Comb of the sides to the nape."""
    fringe: float = 0.0
    """How much the front falls over the forehead."""
    fringe_reach_mm: float = 30.0
    """How far behind the hairline the fringe begins."""
    lift: float = 0.3
    """How steeply hair leaves the scalp."""
    lift_mm: float = 15.0
    """How long it keeps rising."""
    quiff: float = 0.0
    """More lift in front."""
    volume_mm: float = 6.0
    """Thickness of the hair on the skull."""
    gravity: float = 0.3
    stiff_mm: float = 12.0
    """Over this length hair takes on another direction."""
    curl_mm: float = 0.0
    """Radius of the curls."""
    period_mm: float = 60.0
    """Length of hair in one turn."""
    frizz_mm: float = 0.5
    clump: float = 0.3
    """How much locks draw together towards their tips."""
    clump_level: int = 1
    """Size of the locks: 0 coarse, 2 fine."""
    wander: float = 0.15
    """How much locks go their own way."""
    flyaway: float = 0.03
    """Share of the strands that stand off."""
    inward: float = 0.0
    """How much the ends of a bob turn in (positive) or flick out (negative)."""
    open_mm: float = 58.0
    """Half width of what long hair leaves free of the face."""
    ahead: tuple[float, float] = (0.0, 0.0)
    """Whether long hair falls before (1) or behind (-1) the left and the right shoulder."""
    tucked: tuple[bool, bool] = (False, False)
    """Behind the left and the right ear."""
    tie: str = "none"
    """``none``, ``tail`` or ``bun``."""
    tie_deg: float = 10.0
    """Height of the tie above the horizon of the skull's middle, at the back of the head."""
    tie_across_deg: float = 0.0
    tail_mm: float = 250.0
    """Length of the tail, or radius of the bun times 10."""
    tail_width_mm: float = 18.0
    width_mm: float = 1.5


def men_short(rng: np.random.Generator) -> Cut:
    """Side parting, combed over or forward: most official portraits of men."""
    top, side = rng.uniform(35, 85), rng.uniform(8, 28)
    left = rng.choice([-1.0, 1.0])
    return Cut(
        top=top,
        front=top * rng.uniform(0.8, 1.25),
        side=side,
        back=side * rng.uniform(0.8, 1.3),
        edge=rng.uniform(3, 10),
        part_mm=left * rng.uniform(25, 48),
        parted=rng.uniform(0.5, 1.2),
        across=-left * rng.uniform(0.0, 0.5),
        forward=rng.uniform(-0.7, 0.35),
        side_back=rng.uniform(0.2, 0.9),
        lift=rng.uniform(0.15, 0.5),
        lift_mm=rng.uniform(6, 18),
        quiff=rng.choice([0.0, rng.uniform(0.2, 0.9)]),
        volume_mm=rng.uniform(3, 12),
        gravity=rng.uniform(0.1, 0.5),
        stiff_mm=rng.uniform(5, 13),
        clump=rng.uniform(0.15, 0.6),
        clump_level=int(rng.integers(1, 3)),
        wander=rng.uniform(0.03, 0.22),
        fringe=rng.choice([0.0, 0.0, rng.uniform(0.1, 0.6)]),
        curl_mm=rng.choice([0.0, rng.uniform(0.5, 3.0)]),
        period_mm=rng.uniform(25, 60),
    )


def swept_back(rng: np.random.Generator) -> Cut:
    """Combed straight back."""
    top = rng.uniform(60, 130)
    return Cut(
        top=top,
        front=top,
        side=rng.uniform(25, 70),
        back=rng.uniform(25, 70),
        edge=rng.uniform(8, 35),
        forward=-rng.uniform(0.8, 1.4),
        across=rng.normal(0, 0.15),
        side_back=rng.uniform(0.8, 1.5),
        lift=rng.uniform(0.2, 0.9),
        quiff=rng.uniform(0.0, 1.2),
        volume_mm=rng.uniform(2, 16),
        gravity=rng.uniform(0.1, 0.4),
        clump=rng.uniform(0.2, 0.7),
        wander=rng.uniform(0.03, 0.2),
        curl_mm=rng.choice([0.0, rng.uniform(0.5, 4.0)]),
    )


def forward_crop(rng: np.random.Generator) -> Cut:
    """Short, combed to the forehead."""
    top = rng.uniform(18, 60)
    return Cut(
        top=top,
        front=top * rng.uniform(0.6, 1.0),
        side=rng.uniform(6, 30),
        back=rng.uniform(8, 30),
        edge=rng.uniform(3, 10),
        forward=rng.uniform(0.5, 1.2),
        across=rng.normal(0, 0.4),
        side_back=rng.uniform(-0.5, 0.3),
        fringe=rng.uniform(0.1, 0.8),
        lift=rng.uniform(0.2, 0.9),
        volume_mm=rng.uniform(2, 9),
        wander=rng.uniform(0.1, 0.5),
        clump=rng.uniform(0.2, 0.7),
        clump_level=2,
        curl_mm=rng.choice([0.0, rng.uniform(0.5, 3.0)]),
        period_mm=rng.uniform(15, 40),
    )


def buzz(rng: np.random.Generator) -> Cut:
    """A few millimetres everywhere."""
    top = rng.uniform(2.5, 14)
    side = top * rng.uniform(0.3, 1.0)
    return Cut(
        top=top,
        front=top,
        side=side,
        back=side,
        edge=min(side, rng.uniform(1.5, 4)),
        lift=rng.uniform(1.0, 3.0),
        lift_mm=30.0,
        forward=rng.uniform(0.0, 0.6),
        volume_mm=0.0,
        gravity=0.05,
        wander=0.4,
        clump=0.0,
        flyaway=0.0,
        width_mm=1.9,
    )


def short_curls(rng: np.random.Generator) -> Cut:
    """Curls a few centimetres long, on men and women."""
    length = rng.uniform(30, 90)
    return Cut(
        top=length,
        front=length * rng.uniform(0.7, 1.1),
        side=length * rng.uniform(0.3, 1.0),
        back=length * rng.uniform(0.3, 1.0),
        edge=rng.uniform(8, 30),
        uneven=0.25,
        across=rng.normal(0, 0.4),
        forward=rng.normal(0, 0.5),
        fringe=rng.uniform(0, 0.5),
        lift=rng.uniform(0.6, 1.4),
        lift_mm=rng.uniform(15, 40),
        volume_mm=rng.uniform(5, 20),
        gravity=rng.uniform(0.1, 0.4),
        curl_mm=rng.uniform(3.0, 8.0),
        period_mm=rng.uniform(22, 45),
        frizz_mm=rng.uniform(0.5, 2.0),
        clump=rng.uniform(0.5, 0.9),
        clump_level=2,
        wander=0.5,
        flyaway=0.08,
    )


def afro(rng: np.random.Generator) -> Cut:
    """Standing off on all sides, from close to the scalp to a big ball."""
    length = float(np.exp(rng.uniform(np.log(15), np.log(150))))
    side = length * rng.uniform(0.4, 1.0)
    return Cut(
        top=length,
        front=length * rng.uniform(0.75, 1.0),
        side=side,
        back=side * rng.uniform(0.9, 1.2),
        edge=max(4.0, side * rng.uniform(0.2, 0.8)),
        uneven=0.12,
        lift=2.5,
        lift_mm=200.0,
        volume_mm=0.0,
        side_back=0.0,
        gravity=rng.uniform(0.0, 0.5),
        stiff_mm=30.0,
        curl_mm=rng.uniform(2.0, 5.0),
        period_mm=rng.uniform(10, 22),
        frizz_mm=rng.uniform(1.0, 4.0),
        clump=rng.uniform(0.0, 0.6),
        clump_level=2,
        wander=0.35,
        flyaway=0.1,
        width_mm=2.1,
    )


def pixie(rng: np.random.Generator) -> Cut:
    """Short hair of women: layered, swept to a side, with volume."""
    top = rng.uniform(60, 120)
    left = rng.choice([-1.0, 1.0])
    return Cut(
        top=top,
        front=top * rng.uniform(0.8, 1.1),
        side=rng.uniform(40, 85),
        back=rng.uniform(40, 80),
        edge=rng.uniform(15, 50),
        uneven=0.25,
        part_mm=left * rng.uniform(15, 45),
        parted=rng.uniform(0.4, 1.0),
        across=-left * rng.uniform(0.0, 0.6),
        forward=rng.uniform(-0.6, 0.6),
        side_back=rng.uniform(-0.3, 0.8),
        fringe=rng.choice([0.0, rng.uniform(0.3, 1.0)]),
        lift=rng.uniform(0.5, 1.3),
        lift_mm=rng.uniform(15, 35),
        quiff=rng.uniform(0, 0.5),
        volume_mm=rng.uniform(10, 30),
        gravity=rng.uniform(0.2, 0.6),
        curl_mm=rng.choice([0.0, rng.uniform(1.0, 6.0)]),
        period_mm=rng.uniform(35, 80),
        clump=rng.uniform(0.2, 0.7),
        wander=rng.uniform(0.1, 0.35),
    )


def bob(rng: np.random.Generator) -> Cut:
    """From the chin to the shoulders."""
    length = rng.uniform(190, 290)
    return _parted(
        rng,
        top=length,
        side=length * rng.uniform(0.62, 0.75),
        back=length * rng.uniform(0.55, 0.75),
        edge=length * rng.uniform(0.25, 0.45),
        inward=rng.choice([0.0, rng.uniform(0.3, 1.0), -rng.uniform(0.3, 0.8)]),
        volume_mm=rng.uniform(8, 30),
        uneven=rng.uniform(0.03, 0.15),
    )


def long(rng: np.random.Generator) -> Cut:
    """Over the shoulders, straight to curly."""
    length = rng.uniform(300, 560)
    return _parted(
        rng,
        top=length,
        side=length * rng.uniform(0.75, 0.95),
        back=length * rng.uniform(0.7, 0.9),
        edge=length * rng.uniform(0.55, 0.8),
        ahead=(float(rng.choice([-1.0, 0.3, 1.0])), float(rng.choice([-1.0, 0.3, 1.0]))),
        inward=rng.choice([0.0, rng.uniform(-0.4, 0.5)]),
        volume_mm=rng.uniform(6, 26),
        uneven=rng.uniform(0.05, 0.2),
    )


def _parted(rng: np.random.Generator, **lengths: object) -> Cut:
    """What bobs and long hair share: a parting, gravity, and any texture from straight to curly."""
    texture = rng.choice(["straight", "wavy", "curly"], p=[0.4, 0.4, 0.2])
    curls = {
        "straight": {"curl_mm": rng.uniform(0, 1.5), "period_mm": 120.0, "clump": rng.uniform(0.1, 0.5)},
        "wavy": {
            "curl_mm": rng.uniform(4, 12),
            "period_mm": rng.uniform(70, 130),
            "clump": rng.uniform(0.4, 0.85),
        },
        "curly": {
            "curl_mm": rng.uniform(7, 14),
            "period_mm": rng.uniform(45, 75),
            "clump": rng.uniform(0.6, 0.9),
            "frizz_mm": rng.uniform(1, 3),
            "flyaway": 0.08,
        },
    }[str(texture)]
    fringed = rng.random() < 0.25
    front = {"front": rng.uniform(70, 105), "fringe": 1.0, "fringe_reach_mm": rng.uniform(18, 38)}
    swept = {"front": float(lengths["top"]) * rng.uniform(0.55, 0.95), "fringe": 0.0}  # type: ignore[arg-type]
    return Cut(
        **{
            "part_mm": rng.choice([0.0, rng.normal(0, 30)]),
            "parted": rng.uniform(0.9, 1.5),
            "forward": rng.uniform(-0.7, 0.1),
            "side_back": rng.uniform(0.0, 0.7),
            "lift": rng.uniform(0.2, 1.0),
            "lift_mm": rng.uniform(10, 40),
            "quiff": rng.choice([0.0, rng.uniform(0, 0.8)]),
            "gravity": rng.uniform(0.6, 1.0),
            "stiff_mm": rng.uniform(14, 35),
            "clump_level": int(rng.integers(0, 3)),
            "wander": rng.uniform(0.05, 0.2),
            "open_mm": rng.uniform(46, 76),
            "tucked": (bool(rng.random() < 0.25), bool(rng.random() < 0.25)),
            **curls,
            **(front if fringed else swept),
            **lengths,
        }
    )


def tied(rng: np.random.Generator) -> Cut:
    """Ponytails and buns, high and low, some with a fringe."""
    bun = rng.random() < 0.5
    fringed = rng.random() < 0.3
    return Cut(
        top=200.0,
        front=rng.uniform(70, 105) if fringed else 200.0,
        side=200.0,
        back=200.0,
        edge=200.0,
        fringe=1.0 if fringed else 0.0,
        fringe_reach_mm=rng.uniform(14, 28),
        part_mm=rng.choice([0.0, rng.normal(0, 25)]),
        parted=rng.uniform(0.3, 1.0),
        volume_mm=rng.uniform(2, 14),
        lift=rng.uniform(0.1, 0.6),
        uneven=0.15,
        gravity=0.8,
        tie="bun" if bun else "tail",
        tie_deg=rng.uniform(-25, 75),
        tie_across_deg=rng.normal(0, 8),
        tail_mm=rng.uniform(220, 420) if bun else rng.uniform(150, 420),
        tail_width_mm=rng.uniform(12, 28),
        curl_mm=rng.choice([0.0, rng.uniform(2, 9)]),
        period_mm=rng.uniform(50, 120),
        clump=rng.uniform(0.2, 0.7),
        flyaway=rng.uniform(0.02, 0.08),
    )


def locs(rng: np.random.Generator) -> Cut:
    """Locs and thin braids."""
    length = rng.uniform(90, 420)
    return Cut(
        top=length,
        front=length * rng.uniform(0.7, 1.0),
        side=length * 0.85,
        back=length * 0.8,
        edge=length * 0.7,
        parted=rng.uniform(0.3, 1.2),
        part_mm=rng.normal(0, 25),
        forward=rng.uniform(-0.8, 0.2),
        lift=rng.uniform(0.4, 1.0),
        volume_mm=rng.uniform(6, 20),
        gravity=rng.uniform(0.6, 1.0),
        curl_mm=rng.uniform(0.5, 3.0),
        period_mm=rng.uniform(40, 90),
        clump=0.97,
        clump_level=1,
        wander=0.25,
        uneven=0.1,
        ahead=(float(rng.choice([-1.0, 0.3, 1.0])), float(rng.choice([-1.0, 0.3, 1.0]))),
        width_mm=1.9,
    )


MEN = {men_short: 0.5, swept_back: 0.12, forward_crop: 0.12, buzz: 0.1, short_curls: 0.06, afro: 0.02,
       bob: 0.02, long: 0.03, tied: 0.02, locs: 0.01}  # fmt: skip
WOMEN = {men_short: 0.02, swept_back: 0.03, buzz: 0.01, short_curls: 0.06, afro: 0.02, pixie: 0.17,
         bob: 0.28, long: 0.3, tied: 0.1, locs: 0.01}  # fmt: skip
"""How often each cut is worn by people of straight to curly hair."""
COILED = {buzz: 0.3, afro: 0.3, short_curls: 0.12, locs: 0.12, tied: 0.08, bob: 0.04, long: 0.04}
"""And where hair is coiled."""


def sample_cut(rng: np.random.Generator, man: bool, coiled: bool) -> tuple[str, Cut]:
    """A haircut and the name of its kind."""
    odds = dict(MEN if man else WOMEN)
    if coiled:
        odds = {kind: COILED[kind] * (0.2 if man and kind in (bob, long, tied) else 1.0) for kind in COILED}
    kinds, weights = list(odds), np.array(list(odds.values()))
    kind = kinds[int(rng.choice(len(kinds), p=weights / weights.sum()))]
    return kind.__name__, kind(rng)
