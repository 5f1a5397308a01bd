"""Turns a checkpoint into the product's asset: ``python -m train.refine.export --run RUN --data "…"``.

Writes ``refine.safetensors`` and ``refine.card.md``. The figures are those that the run itself measured when
the checkpoint was written; measures on data of another origin belong to ``docs/accuracy.md``.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from backend.nets.refine_net import ARCHITECTURE, NETS, REFINE_ASSET

from ..common.checkpoint import BEST, Checkpoint, load_checkpoint
from ..common.errors import TrainingError
from ..common.experiment import from_json
from ..common.export import NotExportable, figures_at, write_card, write_weights
from .config import RefineExperiment

PURPOSE = """\
Redraws what a photo did not show of a head that was turned, from the coarse render and a map of what is
missing in it (`backend/nets/refine_net.py`)."""
GENERATOR = "generator."
"""Names of the weights that ship begin so; the critic stays at home."""


def export(checkpoint: Checkpoint, asset: Path, data: str, licence: str, metrics: Path | None) -> Path:
    """Write the averaged weights to ``asset`` and the card beside it; returns the card's path.

    Args:
        checkpoint: of a run of the refinement network.
        asset: ``….safetensors``.
        data, licence: what it was trained on, and under which terms that was given, in words.
        metrics: ``metrics.jsonl`` of the run; None if nothing was measured.

    Raises:
        NotExportable: weights or figures that cannot be used, or a network that gives no whole picture.
        WrongExperiment, DiskFull.
    """
    experiment = from_json(RefineExperiment, checkpoint.config)
    if experiment.mixed_output:
        raise NotExportable("This network draws holes alone.", "It is an ablation: export another run.")
    measured = figures_at(metrics, checkpoint.step) if metrics else "nothing yet"
    net = NETS[experiment.net]()
    try:
        net.load_state_dict(
            {n.removeprefix(GENERATOR): v for n, v in checkpoint.ema.items() if n.startswith(GENERATOR)}
        )
    except RuntimeError as error:
        raise NotExportable(
            "The checkpoint holds another network than this code builds.",
            f"Its commit is {checkpoint.commit}.",
        ) from error
    origin = {
        "architecture": ARCHITECTURE,
        "net": experiment.net,
        "experiment": checkpoint.experiment,
        "step": str(checkpoint.step),
        "seed": str(experiment.run.seed),
        "commit": checkpoint.commit,
    }
    size = write_weights(net, asset, origin)
    card = asset.with_name(f"{asset.stem}.card.md")
    rows = {
        "licence": "GPL-3.0-or-later, as Likeness",
        "trained by us": f"experiment `{experiment.name}`, step {checkpoint.step} of {experiment.run.steps}",
        "training time": f"{checkpoint.seconds / 3600:.1f} h",
        "data": data,
        "licence of the data": licence,
        "seed, commit": f"{experiment.run.seed}, `{checkpoint.commit or 'unknown'}`",
        "form": f"averaged weights, normalisations folded, fp16; {size / 1e6:.1f} MB",
        "measured in holes of the run's check portraits (mean error, 0 to 255)": measured,
    }
    write_card(card, asset.name, PURPOSE, rows)
    return card


def main() -> int:
    """Command line; 1 if there is nothing to ship."""
    parser = argparse.ArgumentParser(
        prog="python -m train.refine.export", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("--run", type=Path, required=True, help="folder of the run")
    parser.add_argument("--out", type=Path, default=REFINE_ASSET)
    parser.add_argument("--data", required=True, help="what it was trained on, in words")
    parser.add_argument("--licence", required=True, help="of the data, in words")
    arguments = parser.parse_args()
    metrics = arguments.run / "metrics.jsonl"
    try:
        checkpoint = load_checkpoint(arguments.run / BEST)
        found = metrics if metrics.is_file() else None
        card = export(checkpoint, arguments.out, arguments.data, arguments.licence, found)
    except TrainingError as error:
        print(error, file=sys.stderr)  # noqa: T201
        return 1
    print(f"{arguments.out} and {card.name}, step {checkpoint.step}")  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main())
