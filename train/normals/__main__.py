"""Trains the normal network: ``python -m train.normals --experiment cpu --data DIR --check DIR --out RUN``.

Stops cleanly after ``--minutes`` and goes on with ``--resume``.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from ..common.command import Options, carry_out, run_parser
from .config import EXPERIMENTS, NormalExperiment
from .task import NormalTask


def main(words: Sequence[str] | None = None) -> int:
    """Command line; 1 if the run was refused."""
    parser = run_parser("normals", __doc__, EXPERIMENTS)
    parser.add_argument("--start", type=Path, help="checkpoint to begin with, such as the face network's")
    return carry_out(parser, EXPERIMENTS, _task, words)


def _task(experiment: NormalExperiment, options: Options) -> NormalTask:
    return NormalTask(experiment, options.data, options.check, options.start)


if __name__ == "__main__":
    sys.exit(main())
