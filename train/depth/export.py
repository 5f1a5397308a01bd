"""Turns a checkpoint into the product's asset: ``python -m train.depth.export --run RUN --data "…"``.

Writes ``depth.safetensors`` and ``depth.card.md``. The figures are those that the run itself measured when
the checkpoint was written; measures on data of another origin belong to ``docs/accuracy.md``.
"""

from __future__ import annotations

import sys
from pathlib import Path

from backend.nets.depth_net import ARCHITECTURE, DEPTH_ASSET, NETS

from ..common.checkpoint import Checkpoint
from ..common.command import carry_out_export, export_parser, metrics_of
from ..common.experiment import from_json
from ..common.export import Card, NotExportable, export_network, figures_at, filled
from .config import DepthExperiment

PURPOSE = """\
Tells how far hair, ears and face stand before the head's centre, from one working crop with the fitted
face in it (`backend/nets/depth_net.py`)."""
MEASURED = "measured along the optical axis, on the run's check views"


def export(checkpoint: Checkpoint, asset: Path, data: str, licence: str, metrics: Path | None) -> Path:
    """Write the averaged weights to ``asset`` and the card beside it; returns the card's path.

    Args:
        checkpoint: of a run of the depth network.
        asset: ``….safetensors``.
        data, licence: what it was trained on, and under which terms that was given, in words.
        metrics: ``metrics.jsonl`` of the run; None if nothing was measured.

    Raises:
        NotExportable: weights or figures that cannot be used, or a network that was trained blind.
        WrongExperiment, DiskFull.
    """
    experiment = from_json(DepthExperiment, checkpoint.config)
    if not experiment.sees_face:
        raise NotExportable("This network has never seen d_f.", "It is an ablation: export another run.")
    metadata = {"architecture": ARCHITECTURE, "net": experiment.net, "side": str(experiment.side)}
    card = Card(PURPOSE, data, licence, {MEASURED: figures_at(metrics, checkpoint.step)})
    net = filled(NETS[experiment.net](), checkpoint.ema, checkpoint)
    return export_network(net, checkpoint, experiment.run, asset, metadata, card)


def main() -> int:
    """Command line; 1 if there is nothing to ship."""
    return carry_out_export(
        export_parser("depth", __doc__, DEPTH_ASSET),
        lambda found, given: export(found, given.out, given.data, given.licence, metrics_of(given.run)),
    )


if __name__ == "__main__":
    sys.exit(main())
