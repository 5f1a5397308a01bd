"""Takes the light off a photo's texture: what is left is skin that another light can shine on.

The texture is divided by the smooth shading that :mod:`backend.light` found. Harmonics of second order know
neither cast shadows nor highlights: what differs from the fitted albedo over wide areas is levelled as well,
as far as it may be light; detail stays the photo's.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from .albedo import DARKEST
from .colour import LINEAR_OF_BYTE, LUMINANCE
from .light import LightEstimate, basis_for, estimate_light, shading, strength
from .morphable import MorphableModel
from .push_pull import push_pull
from .sight import Sight
from .texture import Atlas, Image
from .vertex_colours import vertex_colours

LEAST_SHADING = 0.4
"""Of the usual shading: below it a photo holds more noise than skin, so no texel is raised further."""
GRID = 256
"""Texels a side of the correction: light is smooth, detail is the photo's own."""
SMOOTH_TEXELS = 2.5
"""Spread of the shading, of :data:`GRID`, some 4 mm: nostrils and lips turn faster than harmonics know."""
WIDE_TEXELS = 7.0
"""Spread of what counts as light and not as detail, some 12 mm on the face."""
LEVELLED = 0.75
"""Share of the wide differences from the fitted albedo that is taken for light."""
LIGHT_AT_MOST = 0.9
"""Natural logarithm of a wide difference from which on it is a beard, paint or hair, and stays."""
FINE_PX_PER_MM = 2.2
"""Photo pixels on the face from which half of the texture's texels along each side would lose detail."""
GAMMA, LIFT = 2.4, 255 * 0.055
"""Of the sRGB curve: light times s is (byte + LIFT) times s^(1 / GAMMA), but for the darkest values."""


@dataclass(frozen=True)
class Delit:
    """A face without its light, and the light."""

    texture: NDArray[np.uint8]
    """(S,S,3) sRGB."""
    light: NDArray[np.float32]
    """(9,3) harmonics; so strong that they show the seen skin as bright as the texture, on average in each
    channel: eyes, hair and clothes keep the photo's exposure and white balance, so the face must too."""
    estimate: LightEstimate


def take_off_light(
    model: MorphableModel,
    vertices_cam: NDArray[np.floating],
    sight: Sight,
    texture: NDArray[np.uint8],
    atlas: Atlas,
) -> Delit | None:
    """Find the light on a fitted head (N,3), mm, camera space, and take it off its texture (S,S,3 or 4).

    The result is half as large if the photo is coarse. None for a model that has no albedo.
    """
    if model.albedo is None:
        return None
    seen = vertex_colours(model, vertices_cam, sight)
    estimate = estimate_light(model.albedo, seen)
    level = strength(estimate, seen)
    colours = np.ascontiguousarray(texture[..., :3])
    if sight.camera.fx / float(np.median(vertices_cam[:, 2])) < FINE_PX_PER_MM:
        half = (texture.shape[1] // 2, texture.shape[0] // 2)
        colours = cv2.resize(colours, half, interpolation=cv2.INTER_AREA)
    light, expected = estimate.light / level, basis_for(seen, model.albedo).of(estimate.albedo) * level
    return Delit(delit_texture(colours, atlas, seen.normals, light, expected), light, estimate)


def delit_texture(
    texture: NDArray[np.uint8],
    atlas: Atlas,
    normals: NDArray[np.floating],
    light: NDArray[np.floating],
    albedo: NDArray[np.floating],
) -> NDArray[np.uint8]:
    """A face's texture in even light; only its brightness changes, so that no hue comes or goes.

    Args:
        texture: (S,S,3) sRGB, as painted from the photo.
        atlas: its texels.
        normals: (N,3) of the model's vertices at the photo, unit, camera axes turned y-up.
        light: (9,3) that shines on them.
        albedo: (N,3) linear, of the fitted basis: what wide areas are expected to look like without it.

    Returns:
        (S,S,3) uint8 sRGB.
    """
    shade = _over_texels(atlas, (shading(normals, light) @ LUMINANCE)[:, None])
    expected = _over_texels(atlas, (albedo @ LUMINANCE)[:, None])
    usual = float(np.median(shade))
    shade = cv2.GaussianBlur(np.maximum(shade, LEAST_SHADING * usual), (0, 0), SMOOTH_TEXELS)
    small = LINEAR_OF_BYTE[cv2.resize(texture, (GRID, GRID), interpolation=cv2.INTER_AREA)]
    found = (small @ LUMINANCE.astype(np.float32)) / shade
    gain = (np.exp(-_wide_light(found, expected)) / shade) ** (1 / GAMMA)
    gain = cv2.resize(gain, texture.shape[1::-1], interpolation=cv2.INTER_LINEAR)
    gain = cv2.merge([gain, gain, gain])
    raised = cv2.multiply(texture, gain, dtype=cv2.CV_32F)
    return cv2.addWeighted(raised, 1.0, gain, LIFT, -LIFT, dtype=cv2.CV_8U)


def _over_texels(atlas: Atlas, values: NDArray[np.floating]) -> Image:
    """Values (N,1) of vertices on a square of :data:`GRID` texels (G,G), continued past the charts."""
    grid = atlas.to_grid(atlas.spread(values)[:, 0])
    weight = cv2.resize(atlas.covered.astype(np.float32), (GRID, GRID), interpolation=cv2.INTER_AREA)
    small = cv2.resize(grid, (GRID, GRID), interpolation=cv2.INTER_AREA) / weight.clip(1e-3)
    return push_pull(small, weight)


def _wide_light(found: Image, expected: Image) -> Image:
    """Logarithm (G,G) of the light that an albedo still holds, where it differs from the expected one."""
    difference = np.log(found.clip(DARKEST) / expected.clip(DARKEST))
    level = cv2.GaussianBlur(difference, (0, 0), WIDE_TEXELS)
    return LEVELLED * level * (1 - (level / LIGHT_AT_MOST) ** 2).clip(0, 1)
