"""Trains the parsing network: ``python -m train.parsing --experiment cpu --data DIR DIR --out RUN``.

Stops cleanly after ``--minutes`` and goes on with ``--resume``.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from ..common.command import Options, carry_out, run_parser
from .config import EXPERIMENTS, ParsingExperiment
from .held_out import TEST_IDS, read_ids
from .task import ParsingTask


def main(words: Sequence[str] | None = None) -> int:
    """Command line; 1 if the run was refused."""
    return carry_out(run_parser("parsing", __doc__, EXPERIMENTS), EXPERIMENTS, _task, words)


def _task(experiment: ParsingExperiment, options: Options) -> ParsingTask:
    return ParsingTask(experiment, options.data, options.check, read_ids(TEST_IDS))


if __name__ == "__main__":
    sys.exit(main())
