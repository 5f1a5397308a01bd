"""One scene in numbers: who is in it, how they hold their head, the camera, the light and what is behind.

A scene is drawn from its seed and a :class:`Recipe` and is plain data: ``json.dumps(scene.to_json())`` works,
and both engines read the same scene.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from backend.camera import Camera
from backend.crop import CROP_SIDE_MM
from backend.frames import Pose, rotation_from_angles

from .background import BackgroundParams, sample_background
from .bust import FARTHEST_TILT_DEG
from .finish import FinishParams, sample_finish
from .light import LightParams, sample_light
from .people import PersonParams, sample_person
from .person import Who, stream

NECK_SHARE = 0.7
"""Of a nod, the share that the neck does and the chest does not follow."""


@dataclass(frozen=True)
class Recipe:
    """From what scenes are drawn. The defaults resemble official portraits, with long tails."""

    yaw_deg: tuple[float, float] = (13.0, 60.0)
    """Usual deviation, and the largest of all."""
    pitch_deg: tuple[float, float] = (7.0, 30.0)
    roll_deg: tuple[float, float] = (3.5, 15.0)
    tails: float = 0.25
    """Share of heads turned anyhow up to the largest angles."""
    distance_mm: tuple[float, float] = (600.0, 3000.0)
    scale_jitter: float = 0.07
    """Deviation of the logarithm of the crop's side."""
    shift_jitter: float = 0.03
    """Deviation of the crop's middle as a share of its side."""
    scale: float = 1.0
    """Usual side of the crop over that of the product."""
    about_mm: tuple[float, float, float] = (0.0, 0.0, 0.0)
    """The point of the head frame that stands in the crop's middle before it is moved at random."""
    backgrounds: Path | None = None
    """Folder of pictures to use besides the painted ones."""


FACES = Recipe(scale=0.62, about_mm=(0.0, -10.0, 80.0))
"""Faces fill the picture: the middle of the mean face, and what a window of the face network spans."""


@dataclass(frozen=True)
class ViewParams:
    """Where the head is before which camera; the picture is a jittered working crop (backend/crop.py)."""

    yaw_deg: float
    pitch_deg: float
    roll_deg: float
    distance_mm: float
    off_axis_deg: tuple[float, float]
    """How far right and below the photo's middle the head stands."""
    scale: float
    """Side of the crop over that of the product."""
    shift: tuple[float, float]
    """Right and down, of the head centre in the crop, as a share of its side."""

    @cached_property
    def pose(self) -> Pose:
        """The head in camera space."""
        x, y = np.tan(np.radians(self.off_axis_deg)) * self.distance_mm
        rotation = rotation_from_angles(self.yaw_deg, self.pitch_deg, self.roll_deg)
        return Pose(rotation, np.array([x, y, self.distance_mm]))

    def camera(self, size: int) -> Camera:
        """The camera that sees just the crop of ``size`` pixels."""
        focal = size * self.distance_mm / (CROP_SIDE_MM * self.scale)
        middle = (size - 1) / 2 + np.array(self.shift) * size
        cx, cy = (middle - focal * np.tan(np.radians(self.off_axis_deg))).tolist()
        return Camera(focal, focal, cx, cy, size, size)


@dataclass(frozen=True)
class Scene:
    """Everything that makes one picture."""

    seed: int
    who: Who
    person: PersonParams
    view: ViewParams
    light: LightParams
    background: BackgroundParams
    finish: FinishParams
    view_number: int = field(default=0)
    """0, or the number of another view of the same person (``pairs``)."""

    def to_json(self) -> dict[str, Any]:
        """Plain dictionaries, lists, numbers and words."""
        return asdict(self)


def sample_scene(seed: int, recipe: Recipe = Recipe()) -> Scene:
    """The scene of a seed."""
    who = sample_who(stream(seed, "who"))
    view = _sample_view(stream(seed, "view"), recipe)
    return Scene(
        seed=seed,
        who=who,
        person=_upright(sample_person(seed, who), view),
        view=view,
        light=sample_light(stream(seed, "light")),
        background=sample_background(stream(seed, "background"), recipe.backgrounds),
        finish=sample_finish(stream(seed, "finish")),
    )


def _upright(person: PersonParams, view: ViewParams) -> PersonParams:
    """The neck bends with what the head nods or tips, so that the chest stays about upright."""
    bust = person.head.bust
    tilt = np.clip(bust.tilt_deg + NECK_SHARE * view.pitch_deg, -FARTHEST_TILT_DEG, FARTHEST_TILT_DEG)
    return replace(person, head=replace(person.head, bust=replace(bust, tilt_deg=float(tilt))))


def sample_who(rng: np.random.Generator) -> Who:
    """Somebody: adults of all ages, both sexes and everything between, all skins."""
    return Who(
        age=float(16 + 70 * rng.beta(1.6, 1.9)),
        masculinity=float(rng.beta(0.35, 0.35)),
        melanin=float(rng.beta(0.9, 1.5)),
    )


def _sample_view(rng: np.random.Generator, recipe: Recipe) -> ViewParams:
    tail = rng.random() < recipe.tails

    def angle(usual: float, largest: float) -> float:
        drawn = rng.uniform(-largest, largest) if tail else rng.normal(0, usual)
        return float(np.clip(drawn, -largest, largest))

    near, far = np.log(recipe.distance_mm)
    across = np.clip(rng.normal(0, recipe.shift_jitter, 2), -0.1, 0.1)
    off_axis = np.clip(rng.normal(0, 3.0, 2), -10, 10).tolist()
    yaw, pitch, roll = angle(*recipe.yaw_deg), angle(*recipe.pitch_deg), angle(*recipe.roll_deg)
    distance = float(np.exp(np.clip(rng.normal(np.log(1300), 0.35), near, far)))
    scale = recipe.scale * float(np.exp(np.clip(rng.normal(0, recipe.scale_jitter), -0.3, 0.3)))
    beside = (rotation_from_angles(yaw, pitch, roll) @ recipe.about_mm)[:2]
    right, down = (across - beside / (CROP_SIDE_MM * scale)).tolist()
    return ViewParams(
        yaw_deg=yaw,
        pitch_deg=pitch,
        roll_deg=roll,
        distance_mm=distance,
        off_axis_deg=(off_axis[0], off_axis[1]),
        scale=scale,
        shift=(right, down),
    )
