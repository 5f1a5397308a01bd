"""A trained network as the product ships it: folded half-precision weights with a card beside them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors.torch import save
from torch import nn

from backend.nets.layers import folded

from .errors import TrainingError
from .storage import write_whole


class NotExportable(TrainingError):
    """Weights or figures that may not be shipped."""


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


def figures_at(metrics: Path, step: int) -> str:
    """What a run measured at a step, in words, from its ``metrics.jsonl``; raises NotExportable."""
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
