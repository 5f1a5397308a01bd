"""``likeness repose``: turn the head in a photo."""

from __future__ import annotations

import argparse

from ..engine import Engine
from ..files import write_file
from ..models.registry import chosen_model
from ..photo import read_photo
from ..repose import render_coarse
from ..wire import encode_png
from .console import libraries_silenced, print_json, progress_line


def run(options: argparse.Namespace) -> int:
    """Write ``options.photo`` with its head turned to ``options.output``."""
    photo = read_photo(options.photo)
    with progress_line() as progress, libraries_silenced():
        engine = Engine(model=chosen_model(options.model, options.model_file))
        reconstruction = engine.reconstruct(
            photo, face=options.face, quality=options.quality, progress=progress
        )
        pose = reconstruction.pose.turned(options.yaw, options.pitch, options.roll)
        coarse = render_coarse(reconstruction, pose)
        still = engine.refine(coarse, reconstruction.images["plate"], progress=progress)
        write_file(options.output, encode_png(still.pixels))
    if options.json:
        print_json(
            {
                "output": str(options.output),
                "invented_share": round(still.invented_share, 4),
                "method": still.method,
                "interim": still.interim,
                "warnings": list(reconstruction.warnings),
            }
        )
        return 0
    for warning in reconstruction.warnings:
        print(f"Note: {warning}")
    gaps = f"gaps in {still.invented_share:.1%} of the head closed by {still.method}"
    print(f"Wrote {options.output}; {gaps}")
    return 0
