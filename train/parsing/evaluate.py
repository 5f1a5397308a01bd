"""Scores a parser on the hand-labelled portraits: ``python -m train.parsing.evaluate --photos DIR``.

Photos go through the product's own detection, fit and crop. Labels are codes on the photo's own grid, 255
where nobody is sure. Runs on the machine that has the product's packages.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from backend.errors import LikenessError
from backend.head_parse import HeadParser
from backend.nets.parse_net import PARSE_ASSET, load_parse_net
from backend.parse import LOOK_SIDE

from ..common.errors import BrokenSample, EmptyDataset, TrainingError
from ..common.storage import write_whole
from .sample import UNKNOWN
from .task import painted

if TYPE_CHECKING:
    from backend.engine import Engine

LABELS = Path(__file__).parent / "testset" / "labels"
WORST = 12
"""Portraits on the sheet."""
TILE_PX = 320


@dataclass(frozen=True)
class Scored:
    """One portrait's answer beside the truth."""

    id: str
    photo: Path
    labels: NDArray[np.uint8]
    """(H,W) the parser's codes."""
    truth: NDArray[np.uint8]
    """(H,W) codes, 255 where nobody is sure."""
    iou: dict[str, float]
    """Of every class that occurs in truth or answer."""

    @property
    def mean(self) -> float:
        """Over its classes."""
        return float(np.mean(list(self.iou.values())))


Answer = tuple[NDArray[np.uint8], NDArray[np.bool_]]
"""Codes (H,W) on a photo's own grid, and where its working crop reaches: only that is parsed and scored."""


def answers_of(engine: Engine) -> Callable[[Path], Answer]:
    """What the engine's parser says of a photo file; raises the product's own errors."""
    from backend.evaluate.predict import labels_on_photo
    from backend.photo import read_photo

    def answer(path: Path) -> Answer:
        photo = read_photo(path)
        crop, parse = engine.parse(photo)
        labels = labels_on_photo(crop, parse, photo)
        whole = np.ones((crop.size, crop.size), np.float32)
        within = (crop.map_to_photo(whole, photo.width, photo.height) > 0.5).astype(np.uint8)
        native = (round(photo.width / photo.scale), round(photo.height / photo.scale))
        on_file = [cv2.resize(codes, native, interpolation=cv2.INTER_NEAREST) for codes in (labels, within)]
        return on_file[0], on_file[1] > 0

    return answer


def score_all(photos: Path, labels: Path, answer: Callable[[Path], Answer]) -> Iterator[Scored]:
    """Scores of all labelled portraits in the order of their names.

    Raises EmptyDataset if there are no labels, BrokenSample for a photo that is missing or a label of another
    size, and the product's own errors for photos that it refuses: the test set holds none.
    """
    from backend.evaluate.parsing import class_ratios

    files = sorted(labels.glob("*.png"))
    if not files:
        raise EmptyDataset(f"There are no labels in {labels}.")
    for file in files:
        photo = photos / f"{file.stem}.jpg"
        truth = cv2.imread(str(file), cv2.IMREAD_UNCHANGED)
        if not photo.is_file():
            raise BrokenSample(photo, "there is no such portrait")
        found, within = answer(photo)
        if truth is None or truth.shape != found.shape:
            raise BrokenSample(file, f"it is no picture of one channel and of the photo's size {found.shape}")
        truth = np.where(within, truth, np.uint8(UNKNOWN))
        sure = truth != UNKNOWN
        yield Scored(file.stem, photo, found, truth, class_ratios(found[sure], truth[sure]))


def summary(scored: Sequence[Scored]) -> dict[str, dict[str, float]]:
    """Mean, median and number of portraits for each class."""
    classes = dict.fromkeys(name for one in scored for name in one.iou)
    values = {name: [one.iou[name] for one in scored if name in one.iou] for name in classes}
    return {
        name: {"mean": float(np.mean(of)), "median": float(np.median(of)), "n": len(of)}
        for name, of in values.items()
    }


def worst_sheet(scored: Sequence[Scored]) -> NDArray[np.uint8]:
    """Photo, answer and truth of the lowest means, worst first: (rows,columns,3) sRGB."""
    rows = []
    for one in sorted(scored, key=lambda s: s.mean)[:WORST]:
        photo = cv2.imread(str(one.photo), cv2.IMREAD_COLOR_RGB)
        window = _known_square(one.truth)
        tiles = [photo[window], *(painted(photo[window], codes[window]) for codes in (one.labels, one.truth))]
        small = [cv2.resize(tile, (TILE_PX, TILE_PX), interpolation=cv2.INTER_AREA) for tile in tiles]
        words = f"{one.id} {one.mean:.2f}"
        cv2.putText(small[0], words, (6, 16), cv2.FONT_HERSHEY_SIMPLEX, 0.45, (255, 255, 255), 1, cv2.LINE_AA)
        rows.append(np.hstack(small))
    half = (len(rows) + 1) // 2
    rows += [np.zeros_like(rows[0])] * (2 * half - len(rows))
    return np.hstack([np.vstack(rows[:half]), np.vstack(rows[half:])])


def _known_square(truth: NDArray[np.uint8]) -> tuple[slice, slice]:
    """The largest square of the photo around what is known."""
    rows, columns = np.nonzero(truth != UNKNOWN)
    side = min(*truth.shape, max(int(np.ptp(rows)), int(np.ptp(columns))) + 1)
    top, left = (
        int(np.clip((at.min() + at.max() - side) // 2, 0, length - side))
        for at, length in ((rows, truth.shape[0]), (columns, truth.shape[1]))
    )
    return slice(top, top + side), slice(left, left + side)


def main() -> int:
    """Command line; 1 if something is missing."""
    arguments = _arguments()
    try:
        found = _run(arguments)
    except (TrainingError, LikenessError) as error:
        print(error, file=sys.stderr)  # noqa: T201
        return 1
    if arguments.json:
        print(json.dumps(found, indent=1))  # noqa: T201
        return 0
    for name, of in found["iou"].items():
        print(f"{name:12} mean {of['mean']:.3f}  median {of['median']:.3f}  n {of['n']}")  # noqa: T201
    return 0


def _run(arguments: argparse.Namespace) -> dict[str, Any]:
    from backend.engine import Engine

    engine = Engine(arguments.device, parser=_parser(arguments))
    scored = list(score_all(arguments.photos, arguments.labels, answers_of(engine)))
    if arguments.sheet is not None:
        _, data = cv2.imencode(".png", cv2.cvtColor(worst_sheet(scored), cv2.COLOR_RGB2BGR))
        write_whole(arguments.sheet, lambda stream: stream.write(data.tobytes()))
    return {
        "parser": arguments.parser,
        "side": arguments.side,
        "n": len(scored),
        "iou": summary(scored),
        "portraits": {one.id: {name: round(value, 4) for name, value in one.iou.items()} for one in scored},
    }


def _parser(arguments: argparse.Namespace) -> HeadParser:
    # No fallback here: what is scored is what was asked for.
    if arguments.parser == "interim":
        from backend.parse_interim import InterimHeadParser

        return InterimHeadParser()
    from backend.parse import NetworkHeadParser

    net = load_parse_net(arguments.weights)
    return NetworkHeadParser(net, torch.device(arguments.device), side=arguments.side)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m train.parsing.evaluate", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("--photos", type=Path, required=True, help="folder of the portraits, ID.jpg")
    parser.add_argument("--labels", type=Path, default=LABELS, help="folder of ID.png")
    parser.add_argument("--parser", choices=("network", "interim"), default="network")
    parser.add_argument("--weights", type=Path, default=PARSE_ASSET)
    parser.add_argument("--side", type=int, default=LOOK_SIDE, help="pixels that the network sees of a crop")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--json", action="store_true", help="print everything as JSON")
    parser.add_argument("--sheet", type=Path, help="PNG of the worst portraits: photo, answer, truth")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
