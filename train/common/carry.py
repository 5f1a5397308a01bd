"""What one run learnt is carried over to another that grew from the same start.

``python -m train.common.carry --start A --learnt B --onto C --out D``: D = C + (B - A), weight by weight
(task arithmetic: Ilharco et al., ICLR 2023). So a quick run on small pictures serves a network of large ones.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path

from torch import Tensor

from .checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from .errors import TrainingError, WrongExperiment

LEAST_VARIANCE = 1e-4
"""A sum of running variances may fall below 0, which no variance does."""

Weights = dict[str, Tensor]


def carried(start: Checkpoint, learnt: Checkpoint, onto: Checkpoint) -> Checkpoint:
    """``onto`` with averaged weights that also hold what ``learnt`` changed since ``start``.

    The result is for ``--start`` of another run: the optimiser's state is not meant for it. Raises
    WrongExperiment if the three are not of one network.
    """
    shapes = [{name: v.shape for name, v in one.ema.items()} for one in (start, learnt, onto)]
    if not shapes[0] == shapes[1] == shapes[2]:
        raise WrongExperiment(
            f"The runs {start.experiment!r}, {learnt.experiment!r} and {onto.experiment!r} have "
            "different networks.",
            "Name three checkpoints of one network.",
        )
    both = {name: _sum(name, start.ema, learnt.ema, value) for name, value in onto.ema.items()}
    return replace(onto, model=both, ema=both)


def _sum(name: str, start: Weights, learnt: Weights, onto: Tensor) -> Tensor:
    if not onto.is_floating_point():
        return onto
    both = onto + (learnt[name] - start[name])
    return both.clamp(min=LEAST_VARIANCE) if name.endswith("running_var") else both


def main(words: list[str] | None = None) -> int:
    """Command line; 1 if a checkpoint was refused."""
    parser = argparse.ArgumentParser(
        prog="python -m train.common.carry", description=(__doc__ or "").splitlines()[0]
    )
    for name, text in (
        ("start", "checkpoint from which both runs grew"),
        ("learnt", "checkpoint of the run whose change is carried over"),
        ("onto", "checkpoint of the other run"),
        ("out", "checkpoint to write"),
    ):
        parser.add_argument(f"--{name}", type=Path, required=True, help=text)
    options = parser.parse_args(words)
    try:
        paths = (options.start, options.learnt, options.onto)
        save_checkpoint(carried(*(load_checkpoint(path) for path in paths)), options.out)
    except TrainingError as error:
        print(error, file=sys.stderr)  # noqa: T201
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
