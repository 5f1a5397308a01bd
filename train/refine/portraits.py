"""Portraits to learn refinement from: ``python -m train.refine.portraits PORTRAITS OUT``.

The product rebuilds each head once; it is then turned to new poses at random. Runs on the machine that
has the product's packages, and goes on where it stopped; training reads the written folder alone. Three
files, and two for each pose::

    NAME.jpg            the photo around the head, SIDE pixels square
    NAME_plate.jpg      the background without the person
    NAME_cover.png      (S,S) how much of the background the person covers
    NAME_K.png          (S,S,3) colours of the coarse render in the K-th new pose
    NAME_K_seen.png     (S,S,3) red: how well the photo sees what the render shows;
                        green: how well the new pose would see what the photo shows;
                        blue: the render's alpha, straight

``manifest.jsonl`` has ``id``, ``poses`` (yaw, pitch and roll in degrees, away from the photo's).
"""

from __future__ import annotations

import argparse
import json
import logging
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from backend.errors import FaceUnusable, NoFaceFound
from backend.reconstruction import Reconstruction
from backend.repose import render_coarse
from backend.resample import Window, cut

from ..common.seed import sample_generator
from ..parsing.held_out import TEST_IDS, read_ids
from ..synth.write import MANIFEST, add_line, make_folder, save_picture
from .visibility import head_surface, seen_by

if TYPE_CHECKING:
    from backend.engine import Engine

SIDE = 320
"""Pixels along one side of what is kept, hardly less than the photographs have."""
ROOM_MM = 400.0
"""Side of the square at the head's depth, where the photo is that large."""
POSES = 4
FARTHEST_DEG = (45.0, 20.0, 8.0)
"""Yaw, pitch and roll of new poses, away from the photo's."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Turned:
    """The head of a portrait in one new pose."""

    turn_deg: tuple[float, float, float]
    coarse: NDArray[np.uint8]
    """(S,S,4) sRGB, straight alpha."""
    known: NDArray[np.uint8]
    """(S,S) how well the photo sees what is shown."""
    would_be_seen: NDArray[np.uint8]
    """(S,S) how well this pose sees what the photo shows."""


@dataclass(frozen=True)
class Portrait:
    """A photograph, and what its head looks like when it turns."""

    pixels: NDArray[np.uint8]
    """(S,S,3) sRGB."""
    plate: NDArray[np.uint8]
    """(S,S,3)."""
    cover: NDArray[np.uint8]
    """(S,S) alpha of the person in the photo's own pose."""
    turned: tuple[Turned, ...]


def head_window(head: Reconstruction, side: int = SIDE) -> Window:
    """The square around the head, no larger than the photo and inside it."""
    camera, centre = head.camera, head.pose.translation_mm
    side_px = min(ROOM_MM * camera.fx / float(centre[2]), camera.width, camera.height)
    half = side_px / 2
    x, y = camera.project(centre).tolist()
    x = min(max(x, half - 0.5), camera.width - 0.5 - half)
    y = min(max(y, half - 0.5), camera.height - 0.5 - half)
    return Window.centred(x, y, side_px, side)


def look_at(head: Reconstruction, generator: np.random.Generator, poses: int = POSES) -> Portrait:
    """Turn a rebuilt head to random poses."""
    window = head_window(head)
    view = head.camera.cropped(window.scale, window.offset_x, window.offset_y, window.width, window.height)
    photo = head_surface(head, head.pose, view)
    turned = []
    for turn in generator.uniform(-1, 1, (poses, 3)) * FARTHEST_DEG:
        pose = head.pose.turned(*turn)
        there = head_surface(head, pose, view)
        turned.append(
            Turned(
                tuple(turn.tolist()),
                render_coarse(head, pose, view),
                _as_bytes(seen_by(there, photo)),
                _as_bytes(seen_by(photo, there)),
            )
        )
    return Portrait(
        pixels=cut(head.images["photo"], window),
        plate=cut(head.images["plate"], window),
        cover=render_coarse(head, head.pose, view)[..., 3],
        turned=tuple(turned),
    )


def _as_bytes(share: NDArray[np.float32]) -> NDArray[np.uint8]:
    return np.rint(255 * share).astype(np.uint8)


def write_portrait(folder: Path, name: str, portrait: Portrait) -> dict[str, Any]:
    """Save all pictures; the manifest's line. Raises train.synth.write.CannotWrite."""
    save_picture(folder / f"{name}.jpg", portrait.pixels)
    save_picture(folder / f"{name}_plate.jpg", portrait.plate)
    save_picture(folder / f"{name}_cover.png", portrait.cover)
    for number, turned in enumerate(portrait.turned):
        seen = np.dstack([turned.known, turned.would_be_seen, turned.coarse[..., 3]])
        save_picture(folder / f"{name}_{number}.png", turned.coarse[..., :3])
        save_picture(folder / f"{name}_{number}_seen.png", seen)
    return {"id": name, "poses": [np.round(turned.turn_deg, 2).tolist() for turned in portrait.turned]}


def listed(folder: Path) -> frozenset[str]:
    """Names in a folder's manifest; none if there is no folder."""
    manifest = folder / MANIFEST
    lines = manifest.read_text(encoding="utf-8").splitlines() if manifest.is_file() else []
    return frozenset(json.loads(line)["id"] for line in lines)


def write_portraits(paths: list[Path], out: Path, engine: Engine) -> int:
    """Rebuild and write portraits one by one, but for those that are there; how many were added."""
    from backend.photo import read_photo

    written, present = 0, listed(out)
    for number, path in enumerate(paths):
        if path.stem in present:
            continue
        try:
            head = engine.reconstruct(read_photo(path))
        except (NoFaceFound, FaceUnusable) as refusal:
            log.info("%s left out: %s", path.name, refusal.message)
            continue
        line = write_portrait(out, path.stem, look_at(head, sample_generator(0, number)))
        # After its pictures: a training run may already read the folder.
        add_line(out, json.dumps(line) + "\n")
        written += 1
    return written


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(
        prog="python -m train.refine.portraits", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("portraits", type=Path, help="folder of JPEG portraits")
    parser.add_argument("out", type=Path, help="folder for the samples")
    parser.add_argument("--limit", type=int, help="no more portraits than this")
    parser.add_argument("--test", action="store_true", help="write those that training must not see")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    from backend.engine import Engine

    held_out = read_ids(TEST_IDS)
    paths = [p for p in sorted(arguments.portraits.glob("*.jpg")) if (p.stem in held_out) == arguments.test]
    make_folder(arguments.out)
    written = write_portraits(paths[: arguments.limit], arguments.out, Engine("cpu"))
    log.info("%d portraits added to %s", written, arguments.out)


if __name__ == "__main__":
    main()
