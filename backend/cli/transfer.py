"""``likeness transfer``: pose and expression of one photo on the head of another."""

from __future__ import annotations

import argparse
import contextlib
from collections.abc import Iterator
from pathlib import Path

from ..engine import Engine
from ..errors import FaceUnusable, NoFaceFound
from ..models.registry import chosen_model
from ..photo import read_photo
from ..transfer import transferred
from .console import libraries_silenced, progress_line
from .stills import tell, write_still


def run(options: argparse.Namespace) -> int:
    """Write ``options.target`` with what the person in ``options.source`` does to ``options.output``."""
    source, target = read_photo(options.source), read_photo(options.target)
    pose, expression = options.take != "expression", options.take != "pose"
    with progress_line() as progress, libraries_silenced():
        engine = Engine(model=chosen_model(options.model, options.model_file))
        how = {"quality": options.quality, "progress": progress}
        with _naming(options.source):
            measure = engine.measure(source, face=options.source_face, **how)
        with _naming(options.target):
            head = engine.reconstruct(target, face=options.face, **how)
        moved, turned = transferred(head, measure, pose=pose, expression=expression)
        still = write_still(engine, moved, turned, options.output, options, progress)
    warnings = [f"{options.source.name}: {warning}" for warning in measure.warnings]
    warnings += [f"{options.target.name}: {warning}" for warning in head.warnings]
    tell(still, tuple(dict.fromkeys(warnings)), options)
    return 0


@contextlib.contextmanager
def _naming(photo: Path) -> Iterator[None]:
    """Say which of the two photos was refused."""
    try:
        yield
    except (NoFaceFound, FaceUnusable) as error:
        raise type(error)(f"{photo.name}: {error.message}", error.hint) from error
