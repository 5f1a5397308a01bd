"""Turns a checkpoint into the product's asset: ``python -m train.face.export --run RUN --data "…"``.

Writes ``face.safetensors`` and ``face.card.md``. The figures are those that the run itself measured when
the checkpoint was written; measures on data of another origin belong to ``docs/accuracy.md``.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from backend.morphable import load_head_model
from backend.nets.face_crop import face_window
from backend.nets.face_net import ARCHITECTURE, BACKBONES, FACE_ASSET, FaceDimensions, FaceNet

from ..common.checkpoint import Checkpoint
from ..common.command import Options, carry_out_export, export_parser, metrics_of
from ..common.experiment import from_json
from ..common.export import Card, export_network, figures_at, filled
from .config import FaceExperiment
from .data import KnownFace, read_faces, tensors

PURPOSE = """\
Reads shape, expression, light and pose of the shipped head from one picture of a face
(`backend/nets/face_net.py`). The light backbone began as dlib's face recogniser (public domain,
`identity.card.md`)."""


def export(
    checkpoint: Checkpoint,
    asset: Path,
    data: str,
    licence: str,
    metrics: Path | None,
    check: Sequence[KnownFace] = (),
) -> Path:
    """Write the averaged weights to ``asset`` and the card beside it; returns the card's path.

    Args:
        checkpoint: of a run of the face network.
        asset: ``….safetensors``.
        data, licence: what it was trained on, and under which terms that was given, in words.
        metrics: ``metrics.jsonl`` of the run; None if nothing was measured.
        check: synthetic faces that tell how sure the network may be; with none the fit assumes.

    Raises:
        NotExportable: weights or figures that cannot be used. WrongExperiment, DiskFull.
    """
    experiment = from_json(FaceExperiment, checkpoint.config)
    empty = BACKBONES[experiment.backbone](FaceDimensions.of(load_head_model()))
    net = filled(empty, checkpoint.ema, checkpoint)
    metadata = {
        "architecture": ARCHITECTURE,
        "backbone": experiment.backbone,
        "side": str(experiment.side),
        **(spreads(net.eval(), check, experiment.side) if check else {}),
    }
    measured = {"measured on synthetic faces": figures_at(metrics, checkpoint.step)}
    card = Card(PURPOSE, data, licence, measured)
    return export_network(net, checkpoint, experiment.run, asset, metadata, card)


@torch.no_grad()
def spreads(net: FaceNet, faces: Sequence[KnownFace], side: int) -> dict[str, str]:
    """How far the network's answers lie from the truth, for the metadata of its file.

    Root mean squares over faces that it was not trained on: ``identity_sigma`` (K,) and
    ``expression_sigma`` (E,) as JSON, ``rotation_sigma_deg``. The fit trusts the network so far.
    """
    off: dict[str, list[Tensor]] = {"identity": [], "expression": [], "rotation": []}
    for face in faces:
        truth = tensors(face, *face.read(), face_window(face.landmarks_px, side))
        answer = net(truth["picture"][None])
        off["identity"].append(answer.identity[0] - truth["identity"])
        off["expression"].append(answer.expression[0] - truth["expression"])
        cosine = ((answer.rotation[0] * truth["rotation"]).sum() - 1) / 2
        off["rotation"].append(cosine.clamp(-1, 1).acos().rad2deg())
    size = {name: torch.stack(values).square().mean(dim=0).sqrt() for name, values in off.items()}
    return {
        "identity_sigma": json.dumps([round(x, 4) for x in size["identity"].tolist()]),
        "expression_sigma": json.dumps([round(x, 4) for x in size["expression"].tolist()]),
        "rotation_sigma_deg": f"{size['rotation'].item():.3f}",
    }


def main() -> int:
    """Command line; 1 if there is nothing to ship."""
    parser = export_parser("face", __doc__, FACE_ASSET)
    parser.add_argument("--check", type=Path, nargs="*", default=[], help="folders that tell its errors")
    return carry_out_export(parser, _export)


def _export(checkpoint: Checkpoint, given: Options) -> Path:
    check = [face for folder in given.check for face in read_faces(folder)]
    return export(checkpoint, given.out, given.data, given.licence, metrics_of(given.run), check)


if __name__ == "__main__":
    sys.exit(main())
