"""Training samples from portraits that were labelled by hand (``handmade/``, made with ``tools/label``).

python -m train.parsing.hand_labels PORTRAITS OUT
"""

from __future__ import annotations

import argparse
import logging
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from backend.errors import FaceUnusable, NoFaceFound
from backend.head_parse import HAIR
from backend.nets.parse_net import CLASSES
from backend.resample import Window, cut

from .held_out import TEST_IDS, read_ids
from .pseudo_labels import HANDMADE, Evidence, Look, look_at, mattes_of
from .sample import UNKNOWN, Sample, write_manifest, write_sample

log = logging.getLogger(__name__)


def on_window(labels: NDArray[np.uint8], window: Window) -> NDArray[np.uint8]:
    """Labels (H,W) of a photo on a window of it: the class with the largest share, without steps."""
    codes = (*range(CLASSES), UNKNOWN)
    shares = [cut(np.where(labels == code, 255, 0).astype(np.uint8), window) for code in codes]
    return np.array(codes, np.uint8)[np.argmax(shares, axis=0)]


def sample_of(look: Look, labels: NDArray[np.uint8]) -> Sample:
    """A sample of the working crop from labels (H,W) at the photo's own size."""
    crop = look.crop
    regions = on_window(labels, crop.window)
    regions[~crop.inside] = UNKNOWN
    evidence = Evidence(
        crop.pixels, crop.inside, (regions == HAIR).astype(np.float32), look.parse, look.guide
    )
    head, person, trusted = mattes_of(evidence, regions)
    full = np.float32(255)
    return Sample(
        crop.pixels,
        regions,
        np.rint(head * full).astype(np.uint8),
        np.rint(person * full).astype(np.uint8),
        np.where(trusted, np.uint8(255), np.uint8(0)),
    )


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("portraits", type=Path, help="folder of JPEG portraits")
    parser.add_argument("out", type=Path, help="folder for the samples")
    parser.add_argument("--labels", type=Path, default=HANDMADE, help="folder of label PNGs")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    from backend.engine import Engine

    engine, held_out, lines = Engine("cpu"), read_ids(TEST_IDS), []
    for path in sorted(arguments.labels.glob("*.png")):
        if path.stem in held_out:
            continue
        try:
            look = look_at(arguments.portraits / f"{path.stem}.jpg", engine)
        except (NoFaceFound, FaceUnusable) as refusal:
            log.info("%s left out: %s", path.name, refusal.message)
            continue
        labels = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
        lines.append(write_sample(arguments.out, path.stem, sample_of(look, labels)))
    write_manifest(arguments.out, lines)
    log.info("%d samples in %s", len(lines), arguments.out)


if __name__ == "__main__":
    main()
