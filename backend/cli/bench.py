"""``likeness bench``: what every stage costs here."""

from __future__ import annotations

import argparse

from .. import bench
from .console import libraries_silenced, print_json, progress_line


def run(options: argparse.Namespace) -> int:
    """Measure and print."""
    with progress_line() as progress, libraries_silenced():
        data = options.photo.read_bytes() if options.photo else bench.sample_photo()
        name = options.photo.name if options.photo else "astronaut"
        result = bench.measure(data, name, options.runs, options.threads, progress)
    if options.json:
        print_json(result)
    else:
        print(bench.table(result))
    return 0
