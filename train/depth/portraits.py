"""Portraits without a second view: ``python -m train.depth.portraits PORTRAITS OUT``.

They join the training through eq. 7, 8 and 9 of the paper, which ask for one picture alone. Each is written
as a pair of a view with itself, of which stereo learns nothing. Runs on the machine that has the product's
packages; training reads the written folder alone.
"""

from __future__ import annotations

import argparse
import json
import logging
from pathlib import Path
from typing import Any

import cv2

from backend.errors import LikenessError

from ..common.storage import write_whole
from ..parsing.held_out import TEST_IDS, read_ids
from ..synth.write import MANIFEST, make_folder
from .pairs import WORST_FIT_MM, Frame, HeadWatcher

log = logging.getLogger(__name__)


def write_portrait(path: Path, watcher: HeadWatcher, folder: Path) -> list[dict[str, Any]]:
    """Save a portrait; its two lines of the manifest, none where no head is well found."""
    from backend.photo import Photo

    pixels = cv2.imread(str(path), cv2.IMREAD_COLOR_RGB)
    if pixels is None:
        return []
    photo = Photo(pixels)
    face = watcher.find(photo)
    if face is None:
        return []
    fit = watcher.fit(photo, face)
    if fit.rms_mm >= WORST_FIT_MM:
        return []
    entry = watcher.write(Frame(0, 0.0, photo, face, fit), folder, path.stem)
    return [{"id": path.stem + view, "subject": path.stem, **entry} for view in "ab"]


def write_portraits(paths: list[Path], watcher: HeadWatcher, folder: Path) -> int:
    """Save portraits and list them; those of the parsing network's test set are left out.

    Returns how many were written.
    """
    test = read_ids(TEST_IDS)
    make_folder(folder)
    lines: list[dict[str, Any]] = []
    for path in paths:
        if path.stem in test:
            continue
        try:
            lines += write_portrait(path, watcher, folder)
        except LikenessError as error:
            log.info("%s: %s", path.name, error.message)
    text = "".join(json.dumps(line) + "\n" for line in lines)
    write_whole(folder / MANIFEST, lambda stream: stream.write(text.encode()))
    return len(lines) // 2


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(
        prog="python -m train.depth.portraits", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("portraits", type=Path, help="folder of .jpg and .png")
    parser.add_argument("out", type=Path, help="folder for what is known of them")
    parser.add_argument("--count", type=int, help="at most so many")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    paths = sorted(p for p in arguments.portraits.iterdir() if p.suffix.lower() in (".jpg", ".png"))
    written = write_portraits(paths[: arguments.count], HeadWatcher(), arguments.out)
    log.info("%d portraits", written)


if __name__ == "__main__":
    main()
