"""``likeness stills``: many photos, many poses, one picture each."""

from __future__ import annotations

import argparse
import sys
from itertools import product
from pathlib import Path

from ..engine import Engine
from ..models.registry import chosen_model
from ..photo import read_photo
from . import REFUSALS, REFUSED
from .console import libraries_silenced, print_json, progress_line
from .stills import account, write_still


def run(options: argparse.Namespace) -> int:
    """Write every photo of ``options.photos`` in every pose; a photo that is refused stops no other."""
    done: list[dict[str, object]] = []
    refused: dict[str, str] = {}
    with progress_line() as progress, libraries_silenced():
        engine = Engine(model=chosen_model(options.model, options.model_file))
        for path in options.photos:
            try:
                head = engine.reconstruct(read_photo(path), quality=options.quality, progress=progress)
            except REFUSALS as error:
                refused[str(path)] = f"{error.message} {error.hint}".strip()
                continue
            for yaw, pitch in product(options.yaw, options.pitch):
                target = picture_path(options.output, path, yaw, pitch)
                still = write_still(
                    engine, head, head.pose.turned(yaw, pitch, 0.0), target, options, progress
                )
                done.append(account(still, target, head.warnings))
    if options.json:
        print_json({"stills": done, "refused": refused})
    else:
        for entry in done:
            print(f"Wrote {entry['output']}")
    for name, words in refused.items():
        print(f"{name}: {words}", file=sys.stderr)
    return REFUSED if refused and not done else 0


def picture_path(folder: Path, photo: Path, yaw_deg: float, pitch_deg: float) -> Path:
    """``<photo>_yaw+30.png``, with the pitch where the head nods."""
    nod = f"_pitch{pitch_deg:+g}" if pitch_deg else ""
    return folder / f"{photo.stem}_yaw{yaw_deg:+g}{nod}.png"
