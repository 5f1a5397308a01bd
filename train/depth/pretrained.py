"""Starts the light depth network from a run of the parsing network, whose layers it shares."""

from __future__ import annotations

from pathlib import Path

import torch

from backend.nets.depth_net import LikenessDepthNet

from ..common.checkpoint import load_checkpoint
from ..common.errors import WrongExperiment

STEM = "encoder.stem.conv.weight"
COLOURS = 3
"""The first inputs of both networks are the picture's colours."""


def start_from_parser(net: LikenessDepthNet, path: Path) -> None:
    """Copy all layers that both networks have; what only depth sees counts nothing at first.

    Raises CheckpointBroken, and WrongExperiment if the checkpoint is of another network.
    """
    checkpoint = load_checkpoint(path)
    state = net.state_dict()
    shared = {
        name: checkpoint.ema[name]
        for name, values in state.items()
        if name != STEM and name in checkpoint.ema and checkpoint.ema[name].shape == values.shape
    }
    if STEM not in checkpoint.ema or checkpoint.ema[STEM].shape[2:] != state[STEM].shape[2:]:
        raise WrongExperiment(
            f"The run {checkpoint.experiment!r} is none of the parsing network.",
            "Name a checkpoint of train.parsing.",
        )
    stem = torch.zeros_like(state[STEM])
    stem[:, :COLOURS] = checkpoint.ema[STEM]
    net.load_state_dict({**state, **shared, STEM: stem})
