"""Trains the depth network: ``python -m train.depth --experiment cpu --data DIR --check DIR --out RUN``.

Stops cleanly after ``--minutes`` and goes on with ``--resume``.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from ..common.command import Options, carry_out, run_parser
from .config import EXPERIMENTS, DepthExperiment
from .task import DepthTask


def main(words: Sequence[str] | None = None) -> int:
    """Command line; 1 if the run was refused."""
    parser = run_parser("depth", __doc__, EXPERIMENTS)
    parser.add_argument("--start", type=Path, help="checkpoint of another run, to begin with its weights")
    parser.add_argument("--parser", type=Path, help="checkpoint of train.parsing, to begin with its layers")
    parser.add_argument("--without-df", action="store_true", help="ablation: hide d_f from the network")
    parser.add_argument("--without-order", action="store_true", help="ablation: leave out eq. 9")
    return carry_out(parser, EXPERIMENTS, _task, words)


def _task(experiment: DepthExperiment, options: Options) -> DepthTask:
    experiment = experiment.without_df() if options.without_df else experiment
    experiment = experiment.without_order() if options.without_order else experiment
    return DepthTask(experiment, options.data, options.check, options.start, options.parser)


if __name__ == "__main__":
    sys.exit(main())
