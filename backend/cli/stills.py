"""What ``repose`` and ``transfer`` share: a head in a new pose becomes a picture, and an account of it."""

from __future__ import annotations

import argparse

from ..engine import Engine
from ..files import write_file
from ..frames import Pose
from ..progress import Progress
from ..reconstruction import Reconstruction
from ..repose import render_coarse
from ..still import Still
from ..wire import encode_png
from .console import print_json


def write_still(
    engine: Engine, head: Reconstruction, pose: Pose, options: argparse.Namespace, progress: Progress
) -> Still:
    """Render ``head`` in ``pose``, finish it and write it to ``options.output``."""
    coarse = render_coarse(head, pose)
    still = engine.refine(coarse, coarse[..., 3], head.images["plate"], progress=progress)
    write_file(options.output, encode_png(still.pixels))
    return still


def tell(still: Still, warnings: tuple[str, ...], options: argparse.Namespace) -> None:
    """Say on standard output what was written and how, as text or JSON."""
    if options.json:
        print_json(
            {
                "output": str(options.output),
                "invented_share": round(still.invented_share, 4),
                "method": still.method,
                "interim": still.interim,
                "warnings": list(warnings),
            }
        )
        return
    for warning in warnings:
        print(f"Note: {warning}")
    gaps = f"gaps in {still.invented_share:.1%} of the head closed by {still.method}"
    print(f"Wrote {options.output}; {gaps}")
