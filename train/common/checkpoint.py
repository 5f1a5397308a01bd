"""Everything that a run needs to go on as if nothing had happened, in one file."""

from __future__ import annotations

import pickle
import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from .errors import CheckpointBroken, WrongExperiment
from .storage import write_whole

LAST, BEST = "last.pt", "best.pt"
FORMAT = 1


@dataclass(frozen=True)
class Checkpoint:
    """The state of a run after ``step`` steps."""

    experiment: str
    """Name of the experiment."""
    config: str
    """Its numbers as JSON."""
    step: int
    seconds: float
    """Time spent training so far."""
    model: dict[str, Tensor]
    ema: dict[str, Tensor]
    """The averaged weights."""
    optimizer: dict[str, Any]
    random: dict[str, Tensor]
    best: float
    """Best score so far; the larger the better."""
    commit: str
    """Of the code that wrote it."""
    format: int = FORMAT


def save_checkpoint(checkpoint: Checkpoint, path: Path) -> None:
    """Write to a temporary name, then move: an older file stays whole until then. Raises DiskFull."""
    write_whole(path, lambda stream: torch.save(dict(vars(checkpoint)), stream))


def load_checkpoint(path: Path, experiment: str | None = None) -> Checkpoint:
    """Read a checkpoint to the CPU.

    Raises CheckpointBroken if the file is missing, damaged or of another format, and WrongExperiment if
    it belongs to another experiment than the named one.
    """
    if not path.is_file():
        raise CheckpointBroken(
            f"There is no checkpoint {path}.", "Start the run without --resume, or join its parts."
        )
    try:
        values = torch.load(path, map_location="cpu", weights_only=True)
        found = Checkpoint(**values)
    except (
        RuntimeError,
        OSError,
        EOFError,
        TypeError,
        ValueError,
        KeyError,
        pickle.UnpicklingError,
    ) as error:
        raise CheckpointBroken(
            f"{path} is no readable checkpoint ({type(error).__name__}).",
            "Resume from best.pt or an older copy.",
        ) from error
    if found.format != FORMAT:
        raise CheckpointBroken(f"{path} has format {found.format}, this code reads {FORMAT}.")
    if experiment is not None and found.experiment != experiment:
        raise WrongExperiment(
            f"{path} belongs to the experiment {found.experiment!r}, not to {experiment!r}.",
            "Name that experiment, or choose another folder for this one.",
        )
    return found


@cache
def current_commit() -> str:
    """Short hash of the code that runs, with a plus if it was changed; empty outside a checkout.

    Asked once: the code of a process stays what it was when it was loaded, whatever is committed later.
    """
    here = Path(__file__).parent
    try:
        arguments = ["git", "describe", "--always", "--dirty=+", "--exclude=*"]
        done = subprocess.run(arguments, cwd=here, capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip()


def begin_with(net: nn.Module, path: Path) -> nn.Module:
    """``net`` with the averaged weights of another run.

    Raises CheckpointBroken, and WrongExperiment if the weights belong to another network.
    """
    checkpoint = load_checkpoint(path)
    try:
        net.load_state_dict(checkpoint.ema)
    except RuntimeError as error:
        raise WrongExperiment(
            f"The weights of the run {checkpoint.experiment!r} belong to another network.",
            "Start from a run with the same one.",
        ) from error
    return net
