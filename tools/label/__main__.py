"""Command line: ``python -m tools.label --photos DIR --work DIR COMMAND ID…``.

* ``propose``: guesses of the given portraits into the work folder (once, seconds each).
* ``show``: pictures of the present labels into the work folder, ``--box x0 y0 x1 y1`` zooms in.
* ``apply``: corrections → labels in the test set, then the same pictures.
* ``score``: IoU of the guesses against the finished labels.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from backend.head_parse import EAR, FACE, HAIR, HEAD_CLASSES
from backend.photo import Photo, read_photo

from .classes import CODES, UNSURE
from .corrections import apply_corrections
from .overlay import head_box, overlay
from .score import class_iou

TEST_SET = Path(__file__).parents[2] / "train" / "parsing" / "testset"


def main() -> None:
    """See the module."""
    arguments = _arguments()
    arguments.work.mkdir(parents=True, exist_ok=True)
    if arguments.command == "propose":
        _propose(arguments)
    elif arguments.command == "score":
        _score(arguments)
    else:
        for name in arguments.ids:
            _label(name, arguments)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tools.label", description=__doc__.splitlines()[0])
    parser.add_argument("--photos", type=Path, required=True, help="folder of ID.jpg")
    parser.add_argument("--work", type=Path, required=True, help="folder for guesses and pictures")
    parser.add_argument("--teacher", type=Path, help="MediaPipe's hair segmenter, for propose")
    parser.add_argument("--test-set", type=Path, default=TEST_SET)
    parser.add_argument("--box", type=int, nargs=4, help="part of the photo to show")
    parser.add_argument("command", choices=("propose", "show", "apply", "score"))
    parser.add_argument("ids", nargs="*")
    return parser.parse_args()


def _photo(name: str, arguments: argparse.Namespace) -> Photo:
    return read_photo(arguments.photos / f"{name}.jpg")


def _propose(arguments: argparse.Namespace) -> None:
    from .proposal import Proposer

    proposer = Proposer(arguments.teacher)
    for name in arguments.ids:
        guess = proposer.propose(_photo(name, arguments))
        np.savez_compressed(arguments.work / f"{name}.npz", **vars(guess))


def _label(name: str, arguments: argparse.Namespace) -> None:
    """Corrections onto the guess; the result is written and shown."""
    pixels = _photo(name, arguments).pixels
    guess = np.load(arguments.work / f"{name}.npz")
    corrections = arguments.test_set / "corrections" / f"{name}.json"
    labels = guess["labels"]
    if corrections.exists():
        record = json.loads(corrections.read_text())
        start = record.get("start", "labels")
        labels = np.zeros_like(labels) if start == "blank" else guess[start]
        labels = apply_corrections(pixels, labels, record["operations"])
    if arguments.command == "apply":
        cv2.imwrite(str(arguments.test_set / "labels" / f"{name}.png"), labels)
    box = tuple(arguments.box) if arguments.box else head_box(labels, HEAD_CLASSES)
    picture = overlay(pixels, labels, box, f"{name}  {_summary(labels)}")
    cv2.imwrite(str(arguments.work / f"{name}.png"), picture[..., ::-1])


def _summary(labels: NDArray[np.uint8]) -> str:
    shares = {name: int((labels == code).sum()) for name, code in CODES.items()}
    head = max(1, sum(shares[name] for name in shares if CODES[name] in HEAD_CLASSES))
    text = " ".join(f"{name}={count}" for name, count in shares.items() if count)
    return f"{text} ({100 * shares['unsure'] / head:.1f} % unsure)"


def _score(arguments: argparse.Namespace) -> None:
    """Mean and median IoU of the guesses over the finished portraits, inside the working crop."""
    rows: dict[str, list[float]] = {}
    for path in sorted((arguments.test_set / "labels").glob("*.png")):
        truth = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
        guess = np.load(arguments.work / f"{path.stem}.npz")
        inside = guess["inside"]
        for name, code in CODES.items():
            if code != UNSURE:
                iou = class_iou(guess["interim"], truth, code, inside)
                rows.setdefault(f"interim {name}", []).append(iou)
        hair = np.where(guess["hair"] > 0.5, HAIR, 0).astype(np.uint8)
        rows.setdefault("teacher hair", []).append(class_iou(hair, truth, HAIR, inside))
        person = (guess["person"] > 0.5).astype(np.uint8)
        anyone = np.where(truth == UNSURE, UNSURE, truth > 0).astype(np.uint8)
        rows.setdefault("selfie person", []).append(class_iou(person, anyone, 1, inside))
        for name, code in (("face", FACE), ("hair", HAIR), ("ear", EAR)):
            rows.setdefault(f"mixture {name}", []).append(class_iou(guess["labels"], truth, code, inside))
    for name, values in rows.items():
        seen = np.array(values)[~np.isnan(values)]
        if len(seen):
            print(f"{name:22s} n={len(seen):3d} mean {seen.mean():.3f} median {np.median(seen):.3f}")


if __name__ == "__main__":
    main()
