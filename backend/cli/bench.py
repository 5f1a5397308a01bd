"""``likeness bench``: what every stage costs here."""

from __future__ import annotations

import argparse

from .. import bench
from ..photo import read_photo
from .console import libraries_silenced, print_json, progress_line


def run(options: argparse.Namespace) -> int:
    """Measure and print."""
    with progress_line() as progress, libraries_silenced():
        if options.photo:
            read_photo(options.photo)  # refuses in words what cannot be read
            data, name = options.photo.read_bytes(), options.photo.name
        else:
            data, name = bench.sample_photo(), "astronaut"
        result = bench.measure(data, name, options.runs, options.threads, progress)
    if options.json:
        print_json(result)
    else:
        print(bench.table(result))
    return 0
