"""Photographs to learn from without truth: ``python -m train.face.portraits PORTRAITS OUT``.

Writes close views with what the product's own stages see in them: landmarks, the camera, and where skin
is. Runs on the machine that has the product's packages; training reads the written folder alone.
``manifest.jsonl`` has ``id``, ``image``, ``skin``, ``camera`` and ``landmarks_478`` in each line.
"""

from __future__ import annotations

import argparse
import json
import logging
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from numpy.typing import NDArray

from backend.errors import FaceUnusable, NoFaceFound
from backend.head_parse import FACE
from backend.nets.face_crop import face_window
from backend.resample import Window, cut

from ..parsing.held_out import TEST_IDS, read_ids
from ..synth.write import MANIFEST, make_folder, save_picture
from .losses import INNER_MOUTH_478

if TYPE_CHECKING:
    from backend.engine import Engine

SIDE = 320
"""Pixels along one side of what is kept, at most a little finer than the photographs are."""
ROOM = 1.4
"""By how much what is kept is wider than the network's window: windows stray."""
NO_SKIN = (
    (33, 7, 163, 144, 145, 153, 154, 155, 133, 173, 157, 158, 159, 160, 161, 246),
    (263, 249, 390, 373, 374, 380, 381, 382, 362, 398, 384, 385, 386, 387, 388, 466),
    INNER_MOUTH_478,
)
"""Outlines of the eyes and of the open mouth."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Portrait:
    """A photographed face, close."""

    pixels: NDArray[np.uint8]
    """(S,S,3) sRGB."""
    skin: NDArray[np.uint8]
    """(S,S) 255 where the face's skin is seen, 0 elsewhere; between along borders."""
    focal_px: float
    principal_px: tuple[float, float]
    landmarks_px: NDArray[np.floating]
    """(478,2)."""


def look_at(path: Path, engine: Engine) -> Portrait:
    """Fit and parse one photograph; raises NoFaceFound or FaceUnusable."""
    from backend.photo import read_photo

    photo = read_photo(path)
    fit, face, _ = engine.fit(photo)
    crop, parse = engine.parse(photo)
    close = face_window(face.points_px, SIDE)
    side_px = ROOM * SIDE / close.scale
    middle = close.to_picture(np.full(2, (SIDE - 1) / 2))
    window = Window.centred(*middle.tolist(), side_px, SIDE)
    skin = cut(np.where(parse.labels == FACE, 255, 0).astype(np.uint8), seen_from(window, crop.window))
    landmarks = window.to_window(face.points_px)
    for outline in NO_SKIN:
        cv2.fillConvexPoly(skin, cv2.convexHull(np.rint(landmarks[list(outline)]).astype(np.int32)), 0)
    x, y = window.to_window(np.array([fit.camera.cx, fit.camera.cy])).tolist()
    return Portrait(cut(photo.pixels, window), skin, fit.camera.fx * window.scale, (x, y), landmarks)


def seen_from(window: Window, other: Window) -> Window:
    """A window of a picture as a window of another window's pixels."""
    x, y = other.to_window(np.array([window.offset_x, window.offset_y])).tolist()
    return Window(window.scale / other.scale, x, y, window.width, window.height)


def write_portrait(folder: Path, name: str, portrait: Portrait) -> dict[str, Any]:
    """Save both pictures; the manifest's line. Raises train.synth.write.CannotWrite."""
    files = {"image": f"{name}.jpg", "skin": f"{name}_skin.png"}
    save_picture(folder / files["image"], portrait.pixels)
    save_picture(folder / files["skin"], portrait.skin)
    x, y = portrait.principal_px
    camera = {"fx": portrait.focal_px, "fy": portrait.focal_px, "cx": x, "cy": y}
    return {
        "id": name,
        **files,
        "camera": camera,
        "landmarks_478": np.round(portrait.landmarks_px.astype(np.float64), 3).tolist(),
    }


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("portraits", type=Path, help="folder of JPEG portraits")
    parser.add_argument("out", type=Path, help="folder for the samples")
    parser.add_argument("--held-out", type=Path, default=TEST_IDS, help="names that training must not see")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    from backend.engine import Engine

    engine, held_out = Engine("cpu"), read_ids(arguments.held_out)
    make_folder(arguments.out)
    lines = []
    for path in sorted(arguments.portraits.glob("*.jpg")):
        if path.stem in held_out:
            continue
        try:
            portrait = look_at(path, engine)
        except (NoFaceFound, FaceUnusable) as refusal:
            log.info("%s left out: %s", path.name, refusal.message)
            continue
        lines.append(write_portrait(arguments.out, path.stem, portrait))
    text = "".join(json.dumps(line) + "\n" for line in lines)
    (arguments.out / MANIFEST).write_text(text, encoding="utf-8")
    log.info("%d samples in %s", len(lines), arguments.out)


if __name__ == "__main__":
    main()
