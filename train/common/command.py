"""The command lines that all networks share: ``python -m train.NETWORK`` and ``… .export``."""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from .checkpoint import BEST, Checkpoint, load_checkpoint
from .distributed import joined
from .errors import TrainingError
from .experiment import find_experiment
from .loop import Task, train
from .metrics import METRICS

Options = argparse.Namespace


def run_parser(network: str, words: str | None, experiments: Mapping[str, Any]) -> argparse.ArgumentParser:
    """The options of every run; the first of ``words`` describes it. A network adds its own."""
    parser = _parser(f"train.{network}", words)
    parser.add_argument("--experiment", default="cpu", help=f"one of {', '.join(experiments)}")
    parser.add_argument(
        "--data", type=Path, nargs="+", required=True, help="folders of samples, equally often"
    )
    parser.add_argument("--check", type=Path, nargs="*", default=[], help="folders of samples to score on")
    parser.add_argument("--out", type=Path, required=True, help="folder of the run")
    parser.add_argument("--steps", type=int, help="end here instead; the learning rate falls to it")
    parser.add_argument("--minutes", type=float, help="stop cleanly after so long")
    parser.add_argument("--resume", action="store_true", help="go on from the last checkpoint")
    parser.add_argument("--smoke", action="store_true", help="two small steps, to see that all is in place")
    parser.add_argument("--device", help="cpu or cuda; default: the best there is")
    return parser


def carry_out(
    parser: argparse.ArgumentParser,
    experiments: Mapping[str, Any],
    task_of: Callable[[Any, Options], Task],
    words: Sequence[str] | None = None,
) -> int:
    """Train what the command line names; 1 if the run was refused.

    ``task_of`` makes the task from the experiment, already cut to ``--smoke`` and ``--steps``, and from the
    options. ``words`` stand in for those of the process.
    """
    options = parser.parse_args(words)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    try:
        experiment = find_experiment(experiments, options.experiment)
        experiment = experiment.smoke() if options.smoke else experiment
        if options.steps is not None:
            experiment = replace(experiment, run=replace(experiment.run, steps=options.steps))
        task = task_of(experiment, options)
        with joined(options.device) as world:
            progress = train(task, options.out, world, resume=options.resume, minutes=options.minutes)
    except TrainingError as error:
        print(error, file=sys.stderr)  # noqa: T201
        return 1
    logging.info("%s at step %d", "Finished" if progress.finished else "Stopped", progress.step)
    return 0


def export_parser(network: str, words: str | None, asset: Path) -> argparse.ArgumentParser:
    """The options of every export; ``asset`` is where the product looks for the weights."""
    parser = _parser(f"train.{network}.export", words)
    parser.add_argument("--run", type=Path, required=True, help="folder of the run, or one checkpoint")
    parser.add_argument("--out", type=Path, default=asset)
    parser.add_argument("--data", required=True, help="what it was trained on, in words")
    parser.add_argument("--licence", required=True, help="of the data, in words")
    return parser


def carry_out_export(parser: argparse.ArgumentParser, export: Callable[[Checkpoint, Options], Path]) -> int:
    """Export what the command line names; 1 if there is nothing to ship. ``export`` returns the card."""
    options = parser.parse_args()
    try:
        checkpoint = load_checkpoint(options.run / BEST if options.run.is_dir() else options.run)
        card = export(checkpoint, options)
    except TrainingError as error:
        print(error, file=sys.stderr)  # noqa: T201
        return 1
    print(f"{options.out} and {card.name}, step {checkpoint.step}")  # noqa: T201
    return 0


def metrics_of(run: Path) -> Path | None:
    """The figures that a run measured, beside its checkpoints; None if it measured nothing."""
    metrics = (run if run.is_dir() else run.parent) / METRICS
    return metrics if metrics.is_file() else None


def _parser(module: str, words: str | None) -> argparse.ArgumentParser:
    return argparse.ArgumentParser(prog=f"python -m {module}", description=(words or "").splitlines()[0])
