"""The shipped head before a camera, as tests of its colours need it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from backend.camera import Camera
from backend.crop import HeadCrop
from backend.frames import HEAD_TO_CAMERA_AXES
from backend.head_parse import FACE
from backend.morphable import MorphableModel
from backend.raster import rasterize_arrays, triangulate
from backend.sight import Sight

SIDE = 240
DISTANCE_MM = 900.0
CAMERA = Camera.centred(SIDE * DISTANCE_MM / 300.0, SIDE, SIDE)


def standing(model: MorphableModel) -> NDArray[np.float32]:
    """(N,3) vertices of the mean head that looks into the camera, camera space."""
    return (model.mean @ HEAD_TO_CAMERA_AXES + [0, 0, DISTANCE_MM]).astype(np.float32)


def sight_of(
    model: MorphableModel, pixels: NDArray[np.uint8], labels: NDArray[np.uint8] | None = None
) -> Sight:
    """A photo (SIDE,SIDE,3) of that head; all of it is face unless ``labels`` (SIDE,SIDE) say otherwise."""
    crop = HeadCrop(pixels, np.ones((SIDE, SIDE), bool), CAMERA, 1.0, 0.0, 0.0)
    triangles = triangulate(model.polygons[model.solid]).vertices
    nearest = rasterize_arrays(standing(model), triangles, CAMERA).depth
    everywhere = np.full((SIDE, SIDE), FACE, np.uint8)
    return Sight(pixels, CAMERA, crop, nearest, everywhere if labels is None else labels)


def photographed(model: MorphableModel, colours: NDArray[np.floating]) -> NDArray[np.uint8]:
    """(SIDE,SIDE,3) picture of that head with sRGB colours (N,3) in [0,255] at its vertices."""
    triangles = triangulate(model.polygons[model.solid]).vertices
    drawn = rasterize_arrays(standing(model), triangles, CAMERA)
    return np.rint(drawn.interpolate(colours).clip(0, 255)).astype(np.uint8)
