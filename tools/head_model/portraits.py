"""Looks at a folder of portraits: the skin's colours at the vertices of the head that is fitted to each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from backend.engine import FINER, Engine
from backend.errors import FaceUnusable, NoFaceFound
from backend.photo import read_photo
from backend.raster import rasterize_arrays, triangulate
from backend.sight import Sight
from backend.vertex_colours import VertexColours, vertex_colours

MOST_YAW_DEG = 35.0
"""Faces turned further show one half only."""
USED, OF_EACH = 2, 4
"""Two of four portraits make the basis; the others are left to measure what it does not know."""
LEAST_SEEN = 0.35
"""Share of the face's vertices below which a portrait tells too little."""
GREY_CHROMA = 0.02
"""Mean distance of red and blue from green, over green, below which a portrait is a monochrome."""


@dataclass(frozen=True)
class Observations:
    """The skin of P people."""

    names: tuple[str, ...]
    colours: NDArray[np.float32]
    """(P,N,3) linear, 0 where nothing is known."""
    weights: NDArray[np.float32]
    """(P,N) 0 to 1."""
    normals: NDArray[np.float32]
    """(P,N,3) camera axes turned y-up."""


def observe(folder: Path, without: frozenset[str]) -> Observations:
    """Half of a folder's portraits; none that is named in ``without``, none that shows too little."""
    files = [file for file in sorted(folder.iterdir()) if file.stem not in without]
    kept = list(_looks([file for number, file in enumerate(files) if number % OF_EACH < USED]))
    if not kept:
        raise SystemExit(f"{folder} holds no portrait that can be used")
    return Observations(
        tuple(name for name, _ in kept),
        np.stack([look.colours for _, look in kept]),
        np.stack([look.weights for _, look in kept]),
        np.stack([look.normals for _, look in kept]),
    )


def _looks(files: list[Path]) -> Iterator[tuple[str, VertexColours]]:
    engine = Engine("cpu")
    face = engine.model.regions["face"]
    for file in files:
        look = _look(engine, file)
        if look is not None and look.weights[face].mean() > LEAST_SEEN and not _is_grey(look):
            yield file.stem, look


def _look(engine: Engine, file: Path) -> VertexColours | None:
    """One portrait, or None where there is no face or it looks aside."""
    photo, model = read_photo(file), engine.model
    try:
        fit, _, _ = engine.fit(photo)
        crop, parse = engine.parse(photo)
    except (NoFaceFound, FaceUnusable):
        return None
    if abs(fit.pose.angles_deg["yaw"]) > MOST_YAW_DEG:
        return None
    vertices = fit.pose.to_camera(fit.vertices(model))
    size = FINER * crop.size
    camera = crop.camera.cropped(FINER, 0.5 / FINER - 0.5, 0.5 / FINER - 0.5, size, size)
    nearest = rasterize_arrays(vertices, triangulate(model.polygons[model.solid]).vertices, camera).depth
    return vertex_colours(model, vertices, Sight(photo.pixels, fit.camera, crop, nearest, parse.labels))


def _is_grey(look: VertexColours) -> bool:
    seen = look.colours[look.weights > 0]
    chroma = np.abs(seen[:, [0, 2]] - seen[:, 1:2]) / seen[:, 1:2].clip(1e-3)
    return float(chroma.mean()) < GREY_CHROMA
