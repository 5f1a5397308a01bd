"""A trained network as the product ships it: folded half-precision weights with a card beside them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import torch
from safetensors.torch import save
from torch import Tensor, nn

from backend.nets.layers import folded

from .checkpoint import Checkpoint
from .errors import TrainingError
from .experiment import Run
from .storage import write_whole

N = TypeVar("N", bound=nn.Module)


class NotExportable(TrainingError):
    """Weights or figures that may not be shipped."""


@dataclass(frozen=True)
class Card:
    """What a model card says beyond what its checkpoint knows; all in words."""

    purpose: str
    data: str
    """What the network was trained on."""
    licence: str
    """Terms under which that was given."""
    measured: Mapping[str, str]
    """Figures by what was measured on what."""
    seen: Mapping[str, str] = field(default_factory=dict)
    """How much of the data it saw, where the run can tell."""


def export_network(
    net: nn.Module,
    checkpoint: Checkpoint,
    run: Run,
    asset: Path,
    metadata: Mapping[str, str],
    card: Card,
) -> Path:
    """Write weights for the product to ``asset`` and the card beside it; returns the card's path.

    Args:
        net: as :func:`filled` gives it.
        checkpoint, run: where they come from.
        asset: ``….safetensors``.
        metadata: what the product must know to load the file, ``architecture`` at least.
        card: what the card says besides.

    Raises:
        NotExportable: weights beyond half precision. DiskFull.
    """
    origin = {
        "experiment": checkpoint.experiment,
        "step": str(checkpoint.step),
        "seed": str(run.seed),
        "commit": checkpoint.commit,
    }
    size = write_weights(net, asset, {**metadata, **origin})
    rows = {
        "licence": "GPL-3.0-or-later, as Likeness",
        "trained by us": f"experiment `{checkpoint.experiment}`, step {checkpoint.step} of {run.steps}",
        **card.seen,
        "training time": f"{checkpoint.seconds / 3600:.1f} h",
        "data": card.data,
        "licence of the data": card.licence,
        "seed, commit": f"{run.seed}, `{checkpoint.commit or 'unknown'}`",
        "form": f"averaged weights, normalisations folded, fp16; {size / 1e6:.1f} MB",
        **card.measured,
    }
    path = asset.with_name(f"{asset.stem}.card.md")
    write_card(path, asset.name, card.purpose, rows)
    return path


def filled(net: N, weights: Mapping[str, Tensor], checkpoint: Checkpoint) -> N:
    """A network that was built as the product builds it, with weights of a checkpoint by their names in it.

    Raises NotExportable where they are another network's.
    """
    try:
        net.load_state_dict(weights)
    except RuntimeError as error:
        raise NotExportable(
            "The checkpoint holds another network than this code builds.",
            f"Its commit is {checkpoint.commit}.",
        ) from error
    return net


def write_weights(net: nn.Module, path: Path, metadata: Mapping[str, str]) -> int:
    """Write a network for inference: normalisations folded, then half precision. Returns its bytes.

    Folding comes first: variances may be smaller than half precision can hold, folded weights are not.
    Raises NotExportable for weights beyond half precision, DiskFull.
    """
    state = {name: value.half().contiguous() for name, value in folded(net).cpu().state_dict().items()}
    for name, value in state.items():
        if not bool(torch.isfinite(value).all()):
            raise NotExportable(f"{name} does not fit into 16 bits.", "Train on, or clip it.")
    data = save(state, dict(metadata))
    write_whole(path, lambda stream: stream.write(data))
    return len(data)


def figures_at(metrics: Path | None, step: int) -> str:
    """What a run measured at a step, in words, from its ``metrics.jsonl``; raises NotExportable."""
    if metrics is None:
        return "nothing yet"
    try:
        lines = [json.loads(line) for line in metrics.read_text(encoding="utf-8").splitlines()]
    except (OSError, ValueError) as error:
        raise NotExportable(f"{metrics} holds no figures: {error}.", "Name the run's own folder.") from error
    found = {
        name.removeprefix("test_"): value
        for line in lines
        if line.get("step") == step
        for name, value in line.items()
        if name.startswith("test_") and name != "test_score"
    }
    return ", ".join(f"{name} {value:.2f}" for name, value in found.items()) or "nothing at this step"


def write_card(path: Path, title: str, purpose: str, rows: Mapping[str, str]) -> None:
    """Write a model card in Markdown: a title, a sentence and a table. Raises DiskFull."""
    table = "".join(f"| {name} | {words} |\n" for name, words in rows.items())
    text = f"# {title}\n\n{purpose}\n\n| | |\n| --- | --- |\n{table}"
    write_whole(path, lambda stream: stream.write(text.encode()))
