"""``likeness import``: a photo becomes a folder of files."""

from __future__ import annotations

import argparse
import time

from ..engine import Engine
from ..evaluate.predict import render_over_plate
from ..evaluate.roundtrip import similarity_inside
from ..export import glb_bytes, json_bytes, npz_bytes, report
from ..files import write_files
from ..models.registry import chosen_model
from ..photo import read_photo
from ..preview import preview_sheet
from ..wire import encode_png
from .console import libraries_silenced, print_json, progress_line


def run(options: argparse.Namespace) -> int:
    """Import ``options.photo`` into ``options.output``."""
    photo = read_photo(options.photo)
    with progress_line() as progress, libraries_silenced():
        engine = Engine(model=chosen_model(options.model, options.model_file))
        start = time.perf_counter()
        reconstruction = engine.reconstruct(
            photo, face=options.face, quality=options.quality, progress=progress
        )
        summary = report(reconstruction, engine.device_name)
        folder = options.output
        files = {
            folder / "head.glb": glb_bytes(reconstruction),
            folder / "head.npz": npz_bytes(reconstruction),
            folder / "preview.png": encode_png(preview_sheet(reconstruction)),
        }
        psnr_db, ssim = similarity_inside(photo.pixels, *render_over_plate(reconstruction))
        summary["round_trip"] = {"psnr_db": round(psnr_db, 2), "ssim": round(ssim, 4)}
        summary["timings_ms"]["with_files"] = round(1000 * (time.perf_counter() - start), 1)
        write_files({**files, folder / "report.json": json_bytes(summary)})
    if options.json:
        print_json(summary)
        return 0
    for warning in reconstruction.warnings:
        print(f"Note: {warning}")
    print(f"Wrote {', '.join(path.name for path in files)} and report.json to {folder}")
    return 0
