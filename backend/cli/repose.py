"""``likeness repose``: turn the head in a photo."""

from __future__ import annotations

import argparse

from ..engine import Engine
from ..models.registry import chosen_model
from ..photo import read_photo
from .console import libraries_silenced, progress_line
from .stills import tell, write_still


def run(options: argparse.Namespace) -> int:
    """Write ``options.photo`` with its head turned to ``options.output``."""
    photo = read_photo(options.photo)
    with progress_line() as progress, libraries_silenced():
        engine = Engine(model=chosen_model(options.model, options.model_file))
        head = engine.reconstruct(photo, face=options.face, quality=options.quality, progress=progress)
        pose = head.pose.turned(options.yaw, options.pitch, options.roll)
        still = write_still(engine, head, pose, options.output, options, progress)
    tell(still, head.warnings, options)
    return 0
