"""Turns a checkpoint into the product's asset: ``python -m train.face.export --run RUN --data "…"``.

Writes ``face.safetensors`` and ``face.card.md``. The figures are those that the run itself measured when
the checkpoint was written; measures on data of another origin belong to ``docs/accuracy.md``.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from backend.morphable import load_head_model
from backend.nets.face_crop import face_window
from backend.nets.face_net import ARCHITECTURE, BACKBONES, FACE_ASSET, FaceDimensions, FaceNet

from ..common.checkpoint import BEST, Checkpoint, load_checkpoint
from ..common.errors import TrainingError
from ..common.experiment import from_json
from ..common.export import NotExportable, figures_at, write_card, write_weights
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
    measured = f"on synthetic faces: {figures_at(metrics, checkpoint.step)}" if metrics else "nothing yet"
    net = BACKBONES[experiment.backbone](FaceDimensions.of(load_head_model()))
    try:
        net.load_state_dict(checkpoint.ema)
    except RuntimeError as error:
        raise NotExportable(
            "The checkpoint holds another network than this code builds.",
            f"Its commit is {checkpoint.commit}.",
        ) from error
    origin = {
        "architecture": ARCHITECTURE,
        "backbone": experiment.backbone,
        "side": str(experiment.side),
        "experiment": checkpoint.experiment,
        "step": str(checkpoint.step),
        "seed": str(experiment.run.seed),
        "commit": checkpoint.commit,
    }
    if check:
        origin |= spreads(net.eval(), check, experiment.side)
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
        "measured": measured,
    }
    write_card(card, asset.name, PURPOSE, rows)
    return card


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
    parser = argparse.ArgumentParser(
        prog="python -m train.face.export", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("--run", type=Path, required=True, help="folder of the run")
    parser.add_argument("--out", type=Path, default=FACE_ASSET)
    parser.add_argument("--check", type=Path, nargs="*", default=[], help="folders that tell its errors")
    parser.add_argument("--data", required=True, help="what it was trained on, in words")
    parser.add_argument("--licence", required=True, help="of the data, in words")
    arguments = parser.parse_args()
    metrics = arguments.run / "metrics.jsonl"
    try:
        checkpoint = load_checkpoint(arguments.run / BEST)
        found = metrics if metrics.is_file() else None
        check = [face for folder in arguments.check for face in read_faces(folder)]
        card = export(checkpoint, arguments.out, arguments.data, arguments.licence, found, check)
    except TrainingError as error:
        print(error, file=sys.stderr)  # noqa: T201
        return 1
    print(f"{arguments.out} and {card.name}, step {checkpoint.step}")  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main())
