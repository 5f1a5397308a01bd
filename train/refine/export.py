"""Turns a checkpoint into the product's asset: ``python -m train.refine.export --run RUN --data "…"``.

Writes ``refine.safetensors`` and ``refine.card.md``. The figures are those that the run itself measured when
the checkpoint was written; measures on data of another origin belong to ``docs/accuracy.md``.
"""

from __future__ import annotations

import sys
from pathlib import Path

from backend.nets.refine_net import ARCHITECTURE, NETS, REFINE_ASSET

from ..common.checkpoint import Checkpoint
from ..common.command import carry_out_export, export_parser, metrics_of
from ..common.experiment import from_json
from ..common.export import Card, NotExportable, export_network, figures_at, filled
from .config import RefineExperiment

PURPOSE = """\
Redraws what a photo did not show of a head that was turned, from the coarse render and a map of what is
missing in it (`backend/nets/refine_net.py`)."""
GENERATOR = "generator."
"""Names of the weights that ship begin so; the critic stays at home."""
MEASURED = "measured in holes of the run's check portraits (mean error, 0 to 255)"


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
    weights = {
        name.removeprefix(GENERATOR): values
        for name, values in checkpoint.ema.items()
        if name.startswith(GENERATOR)
    }
    metadata = {"architecture": ARCHITECTURE, "net": experiment.net}
    card = Card(PURPOSE, data, licence, {MEASURED: figures_at(metrics, checkpoint.step)})
    net = filled(NETS[experiment.net](), weights, checkpoint)
    return export_network(net, checkpoint, experiment.run, asset, metadata, card)


def main() -> int:
    """Command line; 1 if there is nothing to ship."""
    return carry_out_export(
        export_parser("refine", __doc__, REFINE_ASSET),
        lambda found, given: export(found, given.out, given.data, given.licence, metrics_of(given.run)),
    )


if __name__ == "__main__":
    sys.exit(main())
