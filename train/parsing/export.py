"""Turns a checkpoint into the product's asset: ``python -m train.parsing.export --run RUN --data "…"``.

Writes ``parse.safetensors`` and ``parse.card.md``. Figures come from the files that
``train.parsing.evaluate --json`` writes, and from nowhere else.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from backend.nets.parse_net import ARCHITECTURE, PARSE_ASSET, ParseNet

from ..common.checkpoint import BEST, Checkpoint, load_checkpoint
from ..common.errors import TrainingError
from ..common.experiment import from_json
from ..common.export import NotExportable, write_card, write_weights
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
    measured = [words for path in figures for words in _measured(path)]
    net = ParseNet()
    try:
        net.load_state_dict(checkpoint.ema)
    except RuntimeError as error:
        raise NotExportable(
            "The checkpoint holds another network than this code builds.",
            f"Its commit is {checkpoint.commit}.",
        ) from error
    origin = {
        "experiment": checkpoint.experiment,
        "step": str(checkpoint.step),
        "seed": str(experiment.run.seed),
        "commit": checkpoint.commit,
    }
    size = write_weights(net, asset, {"architecture": ARCHITECTURE, **origin})
    card = asset.with_name(f"{asset.stem}.card.md")
    rows = {
        "licence": "GPL-3.0-or-later, as Likeness",
        "trained by us": f"experiment `{experiment.name}`, step {checkpoint.step} of {experiment.run.steps}",
        "samples seen": _samples(checkpoint, experiment),
        "training time": f"{checkpoint.seconds / 3600:.1f} h",
        "data": data,
        "licence of the data": licence,
        "seed, commit": f"{experiment.run.seed}, `{checkpoint.commit or 'unknown'}`",
        "form": f"averaged weights, normalisations folded, fp16; {size / 1e6:.1f} MB",
        "measured": "<br>".join(measured) or "nothing yet",
    }
    write_card(card, asset.name, PURPOSE, rows)
    return card


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
    parser = argparse.ArgumentParser(
        prog="python -m train.parsing.export", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("--run", type=Path, required=True, help="folder of the run, or one checkpoint")
    parser.add_argument("--out", type=Path, default=PARSE_ASSET)
    parser.add_argument("--data", required=True, help="what it was trained on, in words")
    parser.add_argument("--licence", required=True, help="of the data, in words")
    parser.add_argument("--figures", type=Path, nargs="*", default=[], help="results of evaluate --json")
    arguments = parser.parse_args()
    path = arguments.run / BEST if arguments.run.is_dir() else arguments.run
    try:
        checkpoint = load_checkpoint(path)
        card = export(checkpoint, arguments.out, arguments.data, arguments.licence, arguments.figures)
    except TrainingError as error:
        print(error, file=sys.stderr)  # noqa: T201
        return 1
    print(f"{arguments.out} and {card.name}, step {checkpoint.step}")  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main())
