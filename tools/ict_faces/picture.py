"""One person's photo with its answers: depth, regions and normals of every pixel."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from backend.camera import Camera
from backend.morphable import MorphableModel
from backend.raster import FragmentArrays, rasterize_arrays

from .backdrop import develop, draw_backdrop
from .figure import MASKS, Mould
from .lamps import KEY_BIAS_MM, KEY_MAP, Light, draw_light, shadow, sky_seen, tone_mapped
from .noise import solid_noise
from .paint import Paint, Painter
from .person import Person

Array = NDArray[np.float32]

FINER = 1.5
"""Pictures are drawn at this multiple and averaged."""
FACE, HAIR, EAR, BODY, SCALP = 1, 2, 3, 4, 5
"""Codes of the evaluation format."""
SKIN_F0 = 0.04
LOWER_LASHES_MM = 18.0
"""On the mean head; they are sparser than the upper ones."""
GLINTS = 8
"""So many of the brightest directions make highlights."""
BRIGHT = (0.28, 0.55)
"""Range of the face's mean luminance in the finished picture, linear, for pale skin."""
SCATTER = np.float32([0.30, 0.12, 0.06])
"""How far red, green and blue light wraps around a soft edge (Jimenez et al. 2009 in spirit)."""


@dataclass(frozen=True)
class Answered:
    """A photo and what is known of it."""

    photo: NDArray[np.uint8]
    """(S,S,3) sRGB."""
    depth_mm: Array
    """(S,S) along the optical axis, NaN where nobody is."""
    regions: NDArray[np.uint8]
    """(S,S) codes of the evaluation format."""
    normals: Array
    """(S,S,3) unit, camera axes, of the smooth surface; 0 where nobody is."""


class Studio:
    """Draws people of one model; what they share is prepared once."""

    def __init__(self, model: MorphableModel) -> None:
        self.model = model
        self._mould = Mould(model)
        self._sky = sky_seen(self._mould)

    def draw(self, person: Person) -> Answered:
        """One person's photo and its answers."""
        figure = self._mould.cast(person)
        painter = Painter(self.model, person)
        vertices = person.pose.to_camera(figure.vertices)
        normals = figure.normals @ person.pose.rotation.T.astype(np.float32)
        view = rasterize_arrays(vertices, self._mould.triangles, person.camera)
        colour, alpha = self._drawn(painter, person, vertices, normals)
        backdrop = draw_backdrop(person.seed, person.camera.width)
        return Answered(
            photo=develop(colour + (1 - alpha[..., None]) * backdrop, person.seed),
            depth_mm=np.where(view.covered, view.depth, np.nan).astype(np.float32),
            regions=self._regions(view, painter),
            normals=_unit(view.interpolate(normals)),
        )

    def _regions(self, view: FragmentArrays, painter: Painter) -> NDArray[np.uint8]:
        at = view.covered
        masks = view.interpolate(self._mould.masks)[at]
        reference = view.interpolate(self._mould.reference)[at]
        order = [MASKS.index(name) for name in ("face", "ear", "neck", "scalp")]
        skin = np.array([FACE, EAR, BODY, SCALP], np.uint8)[masks[:, order].argmax(1)]
        # The inside of the mouth, eyes and teeth are no regions of their own: they are face.
        skin[masks[:, MASKS.index("mouth_inside")] > 0.5] = FACE
        skin[painter.hair_share(reference, masks) > 0.5] = HAIR
        regions = np.zeros(view.face.shape, np.uint8)
        regions[at] = np.where(self._mould.skin[view.face[at]], skin, FACE)
        return regions

    def _drawn(
        self, painter: Painter, person: Person, vertices: Array, normals: Array
    ) -> tuple[Array, Array]:
        """The person (S,S,3) in sRGB 0..255 over black, and its coverage (S,S)."""
        mould, size = self._mould, person.camera.width
        side = round(FINER * size)
        camera = person.camera.cropped(
            side / size, 0.5 * size / side - 0.5, 0.5 * size / side - 0.5, side, side
        )
        view = rasterize_arrays(vertices, mould.triangles, camera)
        at = view.covered
        light = draw_light(person.seed, person.pose.rotation)
        masks = view.interpolate(mould.masks)[at]
        paint = painter.paint(view.interpolate(mould.reference)[at], masks, mould.part[view.face[at]])
        points = camera.unproject(np.argwhere(at)[:, ::-1].astype(np.float32), view.depth[at]).astype(
            np.float32
        )
        occluders = mould.triangles[mould.skin]
        lit = shadow(points, vertices, occluders, light.key, KEY_MAP, light.key_blur, KEY_BIAS_MM)
        smooth = _facing(_unit(view.interpolate(normals)[at]), points)
        bumpy = _unit(smooth - paint.slope @ person.pose.rotation.T.astype(np.float32))
        colour = np.zeros((*at.shape, 3), np.float32)
        colour[at] = shade(paint, smooth, bumpy, points, view.interpolate(self._sky)[at], lit, light)
        exposure = _exposure(colour[at][masks[:, MASKS.index("face")] > 0.5], person)
        self._add_lashes(colour, view, person, vertices, camera)
        finished = tone_mapped(colour, exposure).astype(np.float32) * at[..., None]
        shrunk = (
            cv2.resize(part, (size, size), interpolation=cv2.INTER_AREA)
            for part in (finished, at.astype(np.float32))
        )
        return tuple(shrunk)

    def _add_lashes(
        self, colour: Array, view: FragmentArrays, person: Person, vertices: Array, camera: Camera
    ) -> None:
        """Darken ``colour`` in place where lashes lie before the eye."""
        if not len(self._mould.lashes):
            return
        lashes = rasterize_arrays(vertices, self._mould.lashes, camera)
        here = lashes.covered & (lashes.depth < view.depth + 1)
        places = lashes.interpolate(self._mould.reference)[here]
        streaks = solid_noise(places * [1.6, 0.2, 0.2], (*person.seed, 41))
        strength = np.where(places[:, 1] < LOWER_LASHES_MM, 0.2, 0.6)
        colour[here] *= 1 - (strength * ((streaks - 0.35) / 0.3).clip(0, 1))[:, None]


def shade(
    paint: Paint, smooth: Array, bumpy: Array, points: Array, seen: Array, lit: Array, light: Light
) -> Array:
    """Light (M,3) that M points send to the camera.

    Lambert with wrapped, coloured edges for skin, and Blinn's highlights (1977) with Schlick's Fresnel term
    (1994), both for every direction of the sky and for the lamp.

    Args:
        paint: material.
        smooth, bumpy: (M,3) unit normals, camera axes, towards the camera.
        points: (M,3) mm, camera space.
        seen: (M,D) visibility of the sky's directions.
        lit: (M,) of the lamp.
        light: where light comes from.
    """
    directions = np.concatenate([light.directions, light.key[None]])
    radiance = np.concatenate([light.radiance, light.key_radiance[None]])
    reaching = np.concatenate([seen, lit[:, None]], axis=1)
    plain, bumps = smooth @ directions.T, bumpy @ directions.T
    total = np.zeros((len(points), 3), np.float32)
    for channel, scatter in enumerate(SCATTER):
        wrap = (paint.soft * scatter)[:, None]
        falling = (bumps + 2 * wrap * (plain - bumps) + wrap).clip(0) / (1 + wrap) * reaching
        total[:, channel] = paint.albedo[:, channel] * (falling @ radiance[:, channel])
    to_camera = _unit(-points)
    power = np.exp(np.log(18.0) * (1 - paint.sharp) + np.log(400.0) * paint.sharp).astype(np.float32)
    for number in np.argsort(-radiance.sum(1))[:GLINTS]:
        half = _unit(to_camera + directions[number])
        fresnel = SKIN_F0 + (1 - SKIN_F0) * (1 - (half * to_camera).sum(1)).clip(0) ** 5
        glint = (power + 8) / 8 * (bumpy * half).sum(1).clip(0) ** power * bumps[:, number].clip(0)
        total += (paint.gloss * fresnel * glint * reaching[:, number])[:, None] * radiance[number]
    return total


def _exposure(face: Array, person: Person) -> float:
    """By which the face gets its brightness; dark skin stays darker than pale skin, as cameras leave it."""
    random = np.random.default_rng((*person.seed, 6))
    wanted = random.uniform(*BRIGHT) * (1 - 0.72 * person.looks.melanin)
    return float(wanted / max(face.mean(), 1e-4)) if len(face) else 1.0


def _facing(normals: Array, points: Array) -> Array:
    """Normals that the camera can see: what turns away by interpolation alone stands on edge."""
    ray = _unit(points)
    away = (normals * ray).sum(1, keepdims=True).clip(0)
    return _unit(normals - 1.05 * away * ray)


def _unit(vectors: Array) -> Array:
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return (vectors / np.maximum(length, 1e-9)).astype(np.float32)
