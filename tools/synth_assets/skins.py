"""Re-bakes the CC0 skins from hm08's layout into the head's own, and paints masks of what lies where."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt

from backend.colour import from_linear, to_linear
from backend.morphable import MorphableModel
from backend.raster import FragmentArrays, rasterize_uv_arrays, triangulate

Array = NDArray[np.floating]

SIZE = 512
"""Texels of a baked skin: 0.9 mm on the face, finer than a pixel of any crop."""

BUST_CORNER = ((0.02, 0.012), (0.30, 0.062))
"""(u, v) of the texture's bottom strip, left of mouth cavity and eye sockets: the bust's plain skin."""

MIDDLE = 0.35
"""Linear value that a skin's own middle colour is moved to before it is stored."""

FADE_MM = 45.0
"""Height above the neck's ring over which a skin fades into plain colour, as the bust has none."""

HAIRY, HAIR_REMOVED = 31, 0.92
"""Texels by which painted hair outreaches the scalp, and how much of the picture there is left out."""


class SkinBaker:
    """Turns hm08 pictures and vertex masks into pictures of the head's own square."""

    def __init__(self, model: MorphableModel, source_uvs: Array) -> None:
        """``source_uvs`` (Qskin,4,2): corners of the skin's polygons in hm08's layout."""
        skin = model.part("skin")
        triangles = triangulate(model.polygons[skin])
        self._model = model
        self._corners = triangles.vertices.reshape(-1)
        own = triangles.of_corners(model.uvs[skin]).reshape(-1, 2)
        self._source = triangles.of_corners(source_uvs.astype(np.float32)).reshape(-1, 2)
        self._fragments: FragmentArrays = rasterize_uv_arrays(own, np.arange(len(own)).reshape(-1, 3), SIZE)

    def skin(self, file: Path, scalp: Array, plain: Array) -> NDArray[np.uint8]:
        """(SIZE,SIZE,3) sRGB, BGR: one skin over its own middle colour; no tint on the scalp (SIZE,SIZE),
        nothing at all where ``plain`` is 1."""
        picture = cv2.imread(str(file))
        if picture is None:
            raise SystemExit(f"{file} is no picture")
        places = self._fragments.interpolate(self._source)
        x, y = places[..., 0] * picture.shape[1] - 0.5, (1 - places[..., 1]) * picture.shape[0] - 0.5
        sharp = cv2.remap(picture, x.astype(np.float32), y.astype(np.float32), cv2.INTER_AREA)
        values = np.log(self._spread(to_linear(sharp / 255.0).clip(0.004)))
        middle = np.median(values[self._mask("cheek") > 0.5], axis=0)
        detail = values - middle
        hairy = cv2.GaussianBlur(cv2.dilate(scalp, np.ones((HAIRY, HAIRY))), (0, 0), HAIRY / 3)
        detail *= 1 - HAIR_REMOVED * hairy[..., None].clip(0, 1)
        detail *= 1 - plain[..., None]
        out = from_linear(np.exp(detail) * MIDDLE)
        return (out.clip(0, 1) * 255 + 0.5).astype(np.uint8)

    def mask(self, values: Array) -> Array:
        """(SIZE,SIZE) vertex values (N,) in [0,1] over the square, spread past the islands' borders."""
        return self._spread(self._fragments.interpolate(values[self._corners][:, None].astype(np.float64)))[
            ..., 0
        ]

    def _mask(self, name: str) -> Array:
        return self.mask(MASKS[name](self._model))

    def masks(self) -> dict[str, NDArray[np.uint8]]:
        """All of :data:`MASKS` as uint8."""
        masks = {name: self._mask(name) for name in MASKS}
        _, (right, high) = BUST_CORNER
        corner = np.s_[int((1 - high) * SIZE) - 4 :, : int(right * SIZE) + 8]
        for name, mask in masks.items():
            mask[corner] = float(name == "plain")
        return {name: (mask * 255 + 0.5).astype(np.uint8) for name, mask in masks.items()}

    def _spread(self, values: Array) -> Array:
        nearest = distance_transform_edt(
            ~self._fragments.covered, return_distances=False, return_indices=True
        )
        return values[tuple(nearest)]


def _bump(model: MorphableModel, place: tuple[float, float], radius: tuple[float, float]) -> Array:
    """(N,) soft ellipses on both halves of the face round |x|, y in mm, only on its front."""
    x, y, z = model.mean.T
    inside = ((np.abs(x) - place[0]) / radius[0]) ** 2 + ((y - place[1]) / radius[1]) ** 2
    return np.exp(-inside) * (z > 20.0)


def _step(values: Array, low: float, high: float) -> Array:
    t = ((values - low) / (high - low)).clip(0, 1)
    return t * t * (3 - 2 * t)


def _scalp(model: MorphableModel) -> Array:
    """Where hair grows: above the hairline, down to nape and sideburns, not on the ears."""
    x, y, z = model.mean.T
    front = _step(y - (82.0 - 0.006 * x**2), -6, 10)
    side = _step(18.0 + 0.45 * np.maximum(y - 10.0, 0.0) - z, -4, 10) * _step(y, -12, 0)
    nape = _step(-z, 20, 45) * _step(y, -62, -42)
    ears = model.regions["ear_left"] | model.regions["ear_right"]
    return np.maximum(np.maximum(front, side), nape) * ~ears


def _beard(model: MorphableModel) -> Array:
    """Cheeks below the line from sideburn to mouth, upper lip, chin and the throat's upper half."""
    x, y, z = model.mean.T
    cheek = _step(-(y + 30.0 + 12.0 * (1 - (np.abs(x) / 62.0).clip(0, 1)) * (np.abs(x) > 26)), -6, 8)
    lip = _step(-y, 30, 37) * (np.abs(x) < 30)
    sideburn = _step(-(y - 5.0), 0, 20) * _step(np.abs(x), 60, 68) * _step(z, 2, 14)
    throat = _step(y, -135, -110) * _step(z, -5, 15)
    lips = np.where(model.regions["lips"], 0.0, 1.0)
    return np.maximum(np.maximum(cheek, lip), sideburn) * throat * lips


MASKS = {
    "lips": lambda m: _lips(m),
    "beard": _beard,
    "scalp": _scalp,
    "cheek": lambda m: _bump(m, (42.0, -18.0), (17.0, 15.0)),
    "nose_tip": lambda m: _bump(m, (0.0, -12.0), (14.0, 12.0)) * (m.mean[:, 2] > 95),
    "under_eye": lambda m: _bump(m, (29.0, 8.0), (14.0, 5.5)) * (m.mean[:, 2] > 60),
    "eye_lid": lambda m: _bump(m, (32.0, 31.0), (15.0, 6.0)) * (m.mean[:, 2] > 60),
    "lash_line": lambda m: (m.regions["eyelids"] & _near_socket(m)).astype(float),
    "freckles": lambda m: np.maximum(
        _bump(m, (34.0, -8.0), (24.0, 16.0)), _bump(m, (0.0, 2.0), (16.0, 14.0))
    ),
    "brows": lambda m: m.regions["brows"].astype(float),
    "plain": lambda m: 1 - _step(_above_ring(m), 5.0, FADE_MM),
}
"""Vertex values (N,) in [0,1] by name, in the order in which they are stored."""


def _lips(model: MorphableModel) -> Array:
    """The lips' red: fullest at the line between the lips, gone at the border of the red."""
    lips = model.regions["lips"]
    x, y, _ = model.mean.T
    inside = 1 - _step(((np.abs(x) / 29.0) ** 2 + ((y + 50.5) / 10.5) ** 2), 0.6, 1.1)
    return inside * (lips | model.regions["mouth_inside"])


def _near_socket(model: MorphableModel) -> NDArray[np.bool_]:
    sockets = model.regions["socket_left"] | model.regions["socket_right"]
    quads = model.polygons[model.part("skin")]
    touched = np.zeros(len(sockets), np.bool_)
    touched[quads[sockets[quads].any(axis=1)]] = True
    return touched & ~sockets


def _above_ring(model: MorphableModel) -> Array:
    """(N,) height over the slanted plane of the neck's cut, mm."""
    _, y, z = model.mean.T
    return y - np.interp(z, [-90.0, 60.0], [-133.0, -184.0])
