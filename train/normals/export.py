"""Turns a checkpoint into the product's asset: ``python -m train.normals.export --run RUN --data "…"``.

Writes ``normals.safetensors`` and ``normals.card.md``, with the figures that the run itself measured when the
checkpoint was written.
"""

from __future__ import annotations

import sys
from pathlib import Path

from backend.nets.normal_net import ARCHITECTURE, NORMAL_ASSET, NormalNet

from ..common.checkpoint import Checkpoint
from ..common.command import Options, carry_out_export, export_parser, metrics_of
from ..common.experiment import from_json
from ..common.export import Card, export_network, figures_at, filled
from .config import NormalExperiment

PURPOSE = """\
Reads which way the skin of a face looks from one picture of it (`backend/nets/normal_net.py`); the fit bends
the shipped head towards that. Its encoder began as that of the face network (`face.card.md`)."""


def export(checkpoint: Checkpoint, asset: Path, data: str, licence: str, metrics: Path | None) -> Path:
    """Write the averaged weights to ``asset`` and the card beside it; returns the card's path.

    Args:
        checkpoint: of a run of the normal network.
        asset: ``….safetensors``.
        data, licence: what it was trained on, and under which terms that was given, in words.
        metrics: ``metrics.jsonl`` of the run; None if nothing was measured.

    Raises:
        NotExportable: weights or figures that cannot be used. WrongExperiment, DiskFull.
    """
    experiment = from_json(NormalExperiment, checkpoint.config)
    net = filled(NormalNet(), checkpoint.ema, checkpoint)
    metadata = {"architecture": ARCHITECTURE, "side": str(experiment.side)}
    measured = {"measured on synthetic faces": figures_at(metrics, checkpoint.step)}
    return export_network(
        net, checkpoint, experiment.run, asset, metadata, Card(PURPOSE, data, licence, measured)
    )


def main() -> int:
    """Command line; 1 if there is nothing to ship."""
    return carry_out_export(export_parser("normals", __doc__, NORMAL_ASSET), _export)


def _export(checkpoint: Checkpoint, given: Options) -> Path:
    return export(checkpoint, given.out, given.data, given.licence, metrics_of(given.run))


if __name__ == "__main__":
    sys.exit(main())
