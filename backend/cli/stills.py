"""What ``repose``, ``stills`` and ``transfer`` share: a head in a new pose becomes a picture."""

from __future__ import annotations

import argparse
from pathlib import Path

from ..engine import Engine
from ..files import write_file
from ..frames import Pose
from ..progress import Progress
from ..reconstruction import Reconstruction
from ..repose import render_view
from ..still import Still
from ..wire import encode_png
from .console import print_json


def write_still(
    engine: Engine,
    head: Reconstruction,
    pose: Pose,
    target: Path,
    options: argparse.Namespace,
    progress: Progress,
) -> Still:
    """Render ``head`` in ``pose``, finish it and write it to ``target``."""
    coarse = render_view(head, pose)
    still = engine.refine(
        coarse.colour,
        coarse.known,
        head.images["plate"],
        transparent=options.transparent,
        progress=progress,
    )
    write_file(target, encode_png(still.pixels))
    return still


def account(still: Still, target: Path, warnings: tuple[str, ...]) -> dict[str, object]:
    """What was written and how, for JSON."""
    return {
        "output": str(target),
        "invented_share": round(still.invented_share, 4),
        "method": still.method,
        "interim": still.interim,
        "warnings": list(warnings),
    }


def tell(still: Still, warnings: tuple[str, ...], options: argparse.Namespace) -> None:
    """Say on standard output what was written and how, as text or JSON."""
    if options.json:
        print_json(account(still, options.output, warnings))
        return
    for warning in warnings:
        print(f"Note: {warning}")
    gaps = f"{still.invented_share:.1%} of the head made up by {still.method}"
    print(f"Wrote {options.output}; {gaps}")
