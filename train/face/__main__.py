"""Trains the face network: ``python -m train.face --experiment cpu --data DIR --check DIR --out RUN``.

Stops cleanly after ``--minutes`` and goes on with ``--resume``.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from ..common.command import Options, carry_out, run_parser
from .config import EXPERIMENTS, FaceExperiment
from .task import FaceTask


def main(words: Sequence[str] | None = None) -> int:
    """Command line; 1 if the run was refused."""
    parser = run_parser("face", __doc__, EXPERIMENTS)
    parser.add_argument("--photos", type=Path, nargs="*", default=[], help="folders of photographs")
    parser.add_argument("--start", type=Path, help="checkpoint of another run, to begin with its weights")
    return carry_out(parser, EXPERIMENTS, _task, words)


def _task(experiment: FaceExperiment, options: Options) -> FaceTask:
    return FaceTask(experiment, options.data, options.check, options.photos, options.start)


if __name__ == "__main__":
    sys.exit(main())
