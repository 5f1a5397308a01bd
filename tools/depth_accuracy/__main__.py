"""``python -m tools.depth_accuracy --heads DIR --run likeness=RUN --run "without d_f"=RUN``.

Heads are drawn by ``python -m train.synth --count 200 --seed 6000000 --hair new --out DIR``. A run is its
folder (its best checkpoint), a checkpoint, or weights as they ship; the first one is the one that ships. What
was measured before and has not changed since is not measured again: figures lie in ``--work``.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from backend.files import write_file
from tools.accuracy.cache import ROOT, Cache
from tools.accuracy.timing import made_words

from .heads import read_heads
from .measure import product_records, score_of, told_records
from .report import Report, page
from .rows import Run, rows_of
from .timing import network_times


def main() -> None:
    """Measure and write the page."""
    options = _options()
    heads = read_heads(options.heads, options.count)
    cache = Cache(options.work / "cache.json")
    rows = rows_of(options.run)
    told = {row: score_of(told_records(row, heads, cache, options.workers)) for row in rows}
    few = heads[: options.product_count]
    ends = [row for row in rows if row.run is None or row.joined] if few else []
    product = {row: score_of(product_records(row, few, cache, options.workers)) for row in ends}
    times = {run.name: network_times(run) for run in options.run}
    write_file(options.out, page(Report(made_words(), told, product, times)).encode())


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawTextHelpFormatter,
        prog="python -m tools.depth_accuracy",
    )
    parser.add_argument("--heads", type=Path, required=True, metavar="DIR")
    parser.add_argument("--run", type=_run, action="append", default=[], metavar="NAME=PATH")
    parser.add_argument("--count", type=int, default=200, help="heads at most (default: 200)")
    parser.add_argument("--product-count", type=int, default=20, help="heads of the product (default: 20)")
    parser.add_argument("--workers", type=int, default=1, help="processes (default: 1)")
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "depth.md", metavar="FILE")
    parser.add_argument("--work", type=Path, default=ROOT / "out" / "depth_accuracy", metavar="DIR")
    return parser.parse_args()


def _run(text: str) -> Run:
    name, _, path = text.partition("=")
    if not name or not path:
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=PATH")
    run = Run(name, Path(path))
    if not run.file.is_file():
        raise argparse.ArgumentTypeError(f"there is no {run.file}")
    return run


if __name__ == "__main__":
    main()
