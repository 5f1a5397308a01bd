"""Do synthetic portraits look like real ones in numbers? Their means and deviations side by side.

::

    python -m train.synth.statistics --portraits DIR --count 200

Real photos are measured by the product itself (landmarks, fit, parser: what is wrong with those shows here,
too), synthetic ones by their truth. Needs everything the product needs.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Iterator
from dataclasses import astuple, dataclass, fields
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from backend.errors import LikenessError
from backend.head_parse import FACE, HAIR

from .sample import SynthSample, generate
from .scene import Recipe, sample_scene

SUFFIXES = {".jpg", ".jpeg", ".png", ".webp"}
LUMA = (0.299, 0.587, 0.114)
"""Rec. 601, of encoded values: the brightness that a viewer of a file speaks of."""


@dataclass(frozen=True)
class Measures:
    """What is compared; shares are of the working crop."""

    yaw_deg: float
    pitch_deg: float
    roll_deg: float
    distance_mm: float
    face_share: float
    hair_share: float
    brightness: float
    """Mean of the whole crop, 0 to 255."""
    contrast: float
    """Deviation within the crop."""
    skin_brightness: float
    """Mean of the face, 0 to 255."""
    skin_redness: float
    """Red over green in the face."""


def of_picture(
    pixels: NDArray[np.uint8], labels: NDArray[np.uint8], angles: dict[str, float], distance_mm: float
) -> Measures:
    """Measures of one crop (S,S,3) with its classes (S,S)."""
    luma = pixels @ np.array(LUMA)
    face = labels == FACE
    colour = pixels[face].mean(axis=0) if face.any() else np.full(3, np.nan)
    return Measures(
        yaw_deg=angles["yaw"],
        pitch_deg=angles["pitch"],
        roll_deg=angles["roll"],
        distance_mm=distance_mm,
        face_share=float(face.mean()),
        hair_share=float((labels == HAIR).mean()),
        brightness=float(luma.mean()),
        contrast=float(luma.std()),
        skin_brightness=float(luma[face].mean()) if face.any() else float("nan"),
        skin_redness=float(colour[0] / max(colour[1], 1.0)),
    )


def of_sample(sample: SynthSample) -> Measures:
    """Measures of one synthetic sample."""
    view = sample.scene.view
    return of_picture(sample.photo, sample.regions, view.pose.angles_deg, view.distance_mm)


def of_portraits(paths: Iterable[Path]) -> Iterator[Measures]:
    """Measures of photos; those that the product refuses are left out."""
    from backend.engine import Engine
    from backend.photo import read_photo

    engine = Engine("cpu")
    for path in paths:
        try:
            photo = read_photo(path)
            fit, _, _ = engine.fit(photo)
            crop, parse = engine.parse(photo)
        except LikenessError:
            continue
        yield of_picture(crop.pixels, parse.labels, fit.pose.angles_deg, float(fit.pose.translation_mm[2]))


def table(columns: dict[str, list[Measures]]) -> str:
    """Mean and deviation of every measure, one column pair for each set."""
    lines = [" " * 16 + "".join(f"{f'{name} ({len(rows)})':>24}" for name, rows in columns.items())]
    values = [np.array([astuple(row) for row in rows]) for rows in columns.values()]
    for i, field in enumerate(fields(Measures)):
        cells = (f"{np.nanmean(v[:, i]):>13.3f} +-{np.nanstd(v[:, i]):>8.3f}" for v in values)
        lines.append(f"{field.name:<16}" + "".join(cells))
    return "\n".join(lines)


def main(arguments: list[str] | None = None) -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="python -m train.synth.statistics", description=__doc__)
    parser.add_argument("--portraits", type=Path, required=True, help="folder of real photos")
    parser.add_argument("--count", type=int, default=200, help="how many of each")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    paths = sorted(path for path in options.portraits.iterdir() if path.suffix.lower() in SUFFIXES)
    if not paths:
        print(f"There are no pictures in {options.portraits}.", file=sys.stderr)  # noqa: T201
        return 1
    # Every so many, not the first: files that were named one after another resemble each other.
    chosen = paths[:: max(len(paths) // options.count, 1)][: options.count]
    scenes = (sample_scene(options.seed + i, Recipe()) for i in range(options.count))
    synthetic = [of_sample(generate([scene]).sample(0)) for scene in scenes]
    print(table({"portraits": list(of_portraits(chosen)), "synthetic": synthetic}))  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main())
