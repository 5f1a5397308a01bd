"""Turns a checkpoint into the product's asset: ``python -m train.parsing.export --run RUN --data "…"``.

Writes ``parse.safetensors`` and ``parse.card.md``. Figures come from the files that
``train.parsing.evaluate --json`` writes, and from nowhere else.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from backend.nets.parse_net import ARCHITECTURE, PARSE_ASSET, ParseNet

from ..common.checkpoint import Checkpoint
from ..common.command import carry_out_export, export_parser
from ..common.experiment import from_json
from ..common.export import Card, NotExportable, export_network, filled
from .config import ParsingExperiment

PURPOSE = """\
Tells face, hair, ears, body, bare scalp, headwear and glasses of a working crop apart, with mattes of head
and person (`backend/nets/parse_net.py`). The encoder began as dlib's face recogniser (public domain,
`identity.card.md`)."""


def export(checkpoint: Checkpoint, asset: Path, data: str, licence: str, figures: Sequence[Path]) -> Path:
    """Write the averaged weights to ``asset`` and the card beside it; returns the card's path.

    Args:
        checkpoint: of a parsing run.
        asset: ``….safetensors``.
        data, licence: what it was trained on, and under which terms that was given, in words.
        figures: results of ``train.parsing.evaluate --json``; none if nothing was measured.

    Raises:
        NotExportable: weights or figures that cannot be used. WrongExperiment, DiskFull.
    """
    experiment = from_json(ParsingExperiment, checkpoint.config)
    measured = "<br>".join(words for path in figures for words in _measured(path))
    card = Card(
        PURPOSE,
        data,
        licence,
        measured={"measured": measured or "nothing yet"},
        seen={"samples seen": _samples(checkpoint, experiment)},
    )
    metadata = {"architecture": ARCHITECTURE}
    net = filled(ParseNet(), checkpoint.ema, checkpoint)
    return export_network(net, checkpoint, experiment.run, asset, metadata, card)


def _samples(checkpoint: Checkpoint, experiment: ParsingExperiment) -> str:
    """A run in several processes looks at more; its checkpoint does not know, so the card says so."""
    run = experiment.run
    each = checkpoint.step * run.batch * run.accumulate
    return f"{each:,} windows of {experiment.window} px, in each process of the run"


def _measured(path: Path) -> list[str]:
    try:
        found: Mapping[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        parts = [
            f"{name} {of['mean']:.3f} ({of['median']:.3f}, {of['n']})" for name, of in found["iou"].items()
        ]
        head = f"IoU on {found['n']} hand-labelled portraits at {found['side']} px, mean (median, pictures)"
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise NotExportable(
            f"{path} holds no figures: {error}.", "Write it with train.parsing.evaluate --json."
        ) from error
    return [f"{head}: {', '.join(parts)}"]


def main() -> int:
    """Command line; 1 if there is nothing to ship."""
    parser = export_parser("parsing", __doc__, PARSE_ASSET)
    parser.add_argument("--figures", type=Path, nargs="*", default=[], help="results of evaluate --json")
    return carry_out_export(
        parser, lambda found, given: export(found, given.out, given.data, given.licence, given.figures)
    )


if __name__ == "__main__":
    sys.exit(main())
