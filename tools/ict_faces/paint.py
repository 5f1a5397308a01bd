"""Colours of skin, hair, eyes and mouth as functions of the place on the mean head."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from backend.morphable import MorphableModel

from .figure import MASKS
from .noise import solid_noise, vector_noise
from .person import Person
from .strokes import Strokes, draw_strokes

Array = NDArray[np.float32]

IRIS_MM, PUPIL_MM, LIMBUS_MM = 5.9, 2.0, 0.8
SCLERA = (0.45, 0.40, 0.37)
TEETH, GUMS = (0.60, 0.53, 0.42), (0.36, 0.13, 0.12)
BLOOD = np.array([0.02, 0.16, 0.12])
"""Optical depth of a flush in red, green and blue: haemoglobin takes green most (Jacques 2013)."""
PIGMENT = np.array([0.35, 0.62, 0.85])
"""The same of a freckle's melanin."""
FLUSHED = (
    (0, -11, 1.0, 13),
    (-38, -8, 0.7, 22),
    (38, -8, 0.7, 22),
    (0, -78, 0.5, 18),
    (0, 44, -0.5, 32),
    (0, 8, 0.3, 12),
)
"""Cheeks, nose and chin have more blood, the forehead less: x, y in mm, strength, radius in mm."""
FRONT_MM = 35.0
"""Strokes show only before this plane: the plane would print them on the nape, too."""
COLLAR_MM = (-105.0, -150.0, 92.0)
"""Highest place of a collar, where it begins to close in front, and its radius."""
SKIN_GLOSS, HAIR_GLOSS, EYE_GLOSS, LIP_GLOSS = 0.35, 0.25, 0.45, 0.5


@dataclass(frozen=True)
class Paint:
    """Material of M pixels."""

    albedo: Array
    """(M,3) linear."""
    gloss: Array
    """(M,) strength of the reflection."""
    sharp: Array
    """(M,) 0 skin .. 1 wet: how small highlights are."""
    slope: Array
    """(M,3) by which bumps tilt the normal, head frame."""
    soft: Array
    """(M,) how far light travels under the surface, 0..1."""
    hair: Array
    """(M,) share of scalp hair."""


class Painter:
    """Paints one person."""

    def __init__(self, model: MorphableModel, person: Person) -> None:
        self._person = person
        self._strokes: Strokes = draw_strokes(model, person)
        self._parts = model.part_names
        self._eyes = {
            name: model.eye_centre(name.removeprefix("eye_"), model.mean)
            for name in model.part_names
            if name.startswith("eye_")
        }

    def hair_share(self, reference: Array, masks: Array) -> Array:
        """(M,) how much a place is covered by hair of the head."""
        looks = self._person.looks
        if looks.hair_mm == 0:
            return np.zeros(len(reference), np.float32)
        scalp = masks[:, MASKS.index("scalp")]
        ragged = solid_noise(reference * [0.9, 0.25, 0.25], self._seed(11), 2) - 0.5
        receded = 0.25 + 0.35 * looks.hairline * np.exp(-((np.abs(reference[:, 0]) - 40) ** 2) / 400)
        return ((scalp - receded - 0.35 * ragged) / 0.22).clip(0, 1).astype(np.float32)

    def paint(self, reference: Array, masks: Array, part: NDArray[np.integer]) -> Paint:
        """Material at ``reference`` (M,3) places with ``masks`` (M,5) and ``part`` (M,) numbers."""
        paint = self._skin(reference, masks)
        for number, name in enumerate(self._parts):
            here = part == number
            if name in self._eyes:
                self._eye(paint, here, reference[here] - self._eyes[name])
            elif name in ("teeth", "tongue"):
                colour = TEETH if name == "teeth" else GUMS
                self._plain(paint, here, colour, gloss=0.6, sharp=0.6, soft=0.4)
        return paint

    def _seed(self, number: int) -> tuple[int, ...]:
        return (*self._person.seed, number)

    def _skin(self, reference: Array, masks: Array) -> Paint:
        looks = self._person.looks
        drawn = reference[:, 2] > FRONT_MM
        at = {
            name: np.where(drawn, self._strokes.look_up(name, reference), 0) for name in vars(self._strokes)
        }
        tone = self._tone(reference, at)
        lips = at["lips"][:, None]
        lip = (
            tone
            * np.exp(-(0.9 + 3.0 * looks.lip) * 0.8 * BLOOD * (1.6 - looks.melanin))
            * (0.92 - 0.1 * looks.lip)
        )
        tone = tone * (1 - lips) + lip * lips
        inside = masks[:, [MASKS.index("mouth_inside")]]
        tone = tone * (1 - inside) + np.float32(GUMS) * 0.6 * inside
        for name, strength in (("stubble", 0.75), ("brows", 1.5), ("lids", 0.55)):
            share = (strength * at[name][:, None]).clip(0, 0.95)
            dark = looks.hair * 0.7 if name != "lids" else tone * 0.3
            tone = tone * (1 - share) + dark * share
        hair = self.hair_share(reference, masks)
        tone = tone * (1 - hair[:, None]) + self._strands(reference) * hair[:, None]
        shirt = self._shirt(reference)
        tone = np.where(
            shirt[:, None],
            looks.shirt * (0.85 + 0.3 * solid_noise(reference / 1.3, self._seed(8)))[:, None],
            tone,
        )
        return Paint(
            albedo=tone.clip(0.003, 0.95).astype(np.float32),
            gloss=np.where(
                shirt, 0.03, looks.oil * SKIN_GLOSS * (1 - hair) + HAIR_GLOSS * hair + LIP_GLOSS * at["lips"]
            ).astype(np.float32),
            sharp=(0.35 * at["lips"]).astype(np.float32),
            slope=self._bumps(reference, hair, shirt),
            soft=((1 - hair) * ~shirt).astype(np.float32),
            hair=hair,
        )

    def _tone(self, reference: Array, at: dict[str, Array]) -> NDArray[np.float64]:
        """(M,3) bare skin: its own colour, blood, mottling and freckles."""
        looks = self._person.looks
        flush = np.zeros(len(reference))
        for x, y, strength, radius in FLUSHED:
            flush += strength * np.exp(
                -((reference[:, 0] - x) ** 2 + (reference[:, 1] - y) ** 2) / (2 * radius**2)
            )
        flush = np.where(reference[:, 2] > 0, flush, 0.4) * (0.5 + 1.5 * looks.redness)
        flush += 2.2 * (solid_noise(reference / 14, self._seed(1), 3) - 0.5)
        mottled = 1 + 0.16 * (solid_noise(reference / 2.2, self._seed(2), 3) - 0.5)
        broad = 1 + 0.22 * (solid_noise(reference / 45, self._seed(3)) - 0.5)
        rings = sum(
            np.exp(-(((reference[:, 0] - side * 29) / 14) ** 2 + ((reference[:, 1] - 9) / 6) ** 2))
            for side in (-1, 1)
        )
        pigment = (
            at["freckles"][:, None] * PIGMENT * 1.6
            + (0.25 * rings * (0.4 + looks.melanin))[:, None] * PIGMENT
        )
        return (
            looks.skin
            * (mottled * broad)[:, None]
            * np.exp(-flush[:, None] * BLOOD * (1.3 - looks.melanin) - pigment)
        )

    def _strands(self, reference: Array) -> NDArray[np.float64]:
        """(M,3) hair that runs from the crown in all directions."""
        about = reference - np.float32([0, 40, -35])
        around = np.arctan2(about[:, 0], about[:, 2]) * 75
        down = np.hypot(about[:, 0], about[:, 2])
        along = np.stack([around / 0.9, down / 22, about[:, 1] / 22], axis=1)
        locks = np.stack([around / 9, down / 30, about[:, 1] / 30], axis=1)
        streaks = (
            0.45
            + 0.7 * solid_noise(along, self._seed(5), 2)
            + 0.5 * (solid_noise(locks, self._seed(6), 2) - 0.5)
        )
        return self._person.looks.hair * streaks[:, None] * 1.1

    @staticmethod
    def _shirt(reference: Array) -> NDArray[np.bool_]:
        """(M,) what a shirt hides: a round collar about the neck's axis, lower in front."""
        x, y, z = reference.T
        from_axis = np.hypot(x, z + 25)
        return (y < COLLAR_MM[0]) & (from_axis + 1.2 * (COLLAR_MM[1] - y).clip(0) > COLLAR_MM[2])

    def _bumps(self, reference: Array, hair: Array, shirt: NDArray[np.bool_]) -> Array:
        slope = vector_noise(reference / 1.1, self._seed(21)) * 0.10
        slope += vector_noise(reference / 4.0, self._seed(22)) * 0.06
        hairy = hair > 0
        strands = vector_noise(reference[hairy] * [0.8, 0.12, 0.5], self._seed(23)) * 0.5
        slope[hairy] += (strands - slope[hairy]) * hair[hairy, None]
        slope[shirt] = vector_noise(reference[shirt] / 35, self._seed(24)) * 0.35
        return slope

    def _eye(self, paint: Paint, here: NDArray[np.bool_], place: Array) -> None:
        """Iris and sclera by the distance from the axis, which is +z on the mean head."""
        radius = np.hypot(place[:, 0], place[:, 1])
        turn = np.arctan2(place[:, 1], place[:, 0])
        fibres = solid_noise(np.stack([9 * np.cos(turn), 9 * np.sin(turn), radius / 3], 1), self._seed(31), 2)
        iris = (
            self._person.looks.iris
            * (0.45 + 1.1 * fibres * np.interp(radius, [0, 3, IRIS_MM], [1.3, 1.2, 0.6]))[:, None]
        )
        pupil = _step(radius, PUPIL_MM, 0.35)[:, None]
        limbus = np.exp(-(((radius - IRIS_MM) / LIMBUS_MM) ** 2))[:, None]
        white = np.array(SCLERA) * np.exp(-np.clip((radius - 8) / 5, 0, 1.2)[:, None] * BLOOD * 4)
        edge = _step(radius, IRIS_MM, 0.35)[:, None]
        colour = (iris * pupil + 0.004 * (1 - pupil)) * (1 - edge) + white * edge
        self._plain(paint, here, colour * (1 - 0.6 * limbus), gloss=EYE_GLOSS, sharp=1.0, soft=0.2)
        paint.albedo[here] *= np.where(place[:, 2:] > 0, 1.0, 0.3)

    @staticmethod
    def _plain(
        paint: Paint, here: NDArray[np.bool_], colour: object, *, gloss: float, sharp: float, soft: float
    ) -> None:
        paint.albedo[here] = colour
        paint.gloss[here], paint.sharp[here], paint.soft[here] = gloss, sharp, soft
        paint.slope[here], paint.hair[here] = 0, 0


def _step(values: Array, edge: float, width: float) -> Array:
    """0 below the edge, 1 above it, over a width."""
    share = ((values - edge) / width + 0.5).clip(0, 1)
    return share * share * (3 - 2 * share)
