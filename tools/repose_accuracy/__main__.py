"""``python -m tools.repose_accuracy --portraits DIR --check DIR --vgg HED.h5 --run network=RUN``.

Portraits are photos that no training saw; ``--check`` are folders that ``train.refine.portraits --test``
wrote of such, ``--vgg`` is what ``train.refine`` takes. A run is its folder (its best checkpoint) or weights
as they ship; an ablation is a run, as short as the others, and has a row in a table of their own. What was
measured before and has not changed since is not measured again: figures and stills lie in ``--work``.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

from PIL import Image

from backend.evaluate.dataset import read_photos
from backend.files import write_file
from tools.accuracy.cache import ROOT, Cache
from tools.accuracy.timing import made_words

from .holes import hole_scores
from .measure import curve_of, likeness_of, portrait_records, turn_records
from .report import Report, page
from .rows import Row, rows_of, steps_of
from .sheet import write_sheet
from .timing import still_times


def main() -> None:
    """Measure, and write page and contact sheet."""
    options = _options()
    ablations = [replace(row, ablation=True) for row in options.ablation]
    rows = rows_of(options.run)
    items = read_photos(options.portraits)[: options.count]
    cache = Cache(options.work / "cache.json")
    records = portrait_records(items, [*rows, *ablations], cache, options.work)
    turns = turn_records(items[: options.turns], rows[:1], cache)
    filled = [*rows, *ablations]
    holes = hole_scores(options.check, options.vgg, filled, cache, options.views) if options.check else {}
    times = {row: still_times(items[0], row) for row in rows}
    chosen = options.shown or [item.id for item in items[: options.sheet]]
    sheet = write_sheet(options.work, [records[name] for name in chosen], rows[0])
    Image.fromarray(sheet).save(options.picture, quality=88, optimize=True)
    curves = {row: curve_of(list(records.values()), row) for row in rows}
    likeness = {row: likeness_of(list(records.values()), row) for row in ablations}
    steps = steps_of(ablations[0]) if ablations else 0
    report = Report(made_words(), curves, turns, holes, times, likeness, steps)
    write_file(options.out, page(report).encode())


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawTextHelpFormatter,
        prog="python -m tools.repose_accuracy",
    )
    parser.add_argument("--portraits", type=Path, required=True, metavar="DIR")
    parser.add_argument("--check", type=Path, nargs="*", default=[], metavar="DIR")
    parser.add_argument("--vgg", type=Path, metavar="FILE")
    parser.add_argument("--run", type=_run, action="append", default=[], metavar="NAME=PATH")
    parser.add_argument("--ablation", type=_run, action="append", default=[], metavar="NAME=PATH")
    parser.add_argument("--count", type=int, default=24, help="portraits at most (default: 24)")
    parser.add_argument("--turns", type=int, default=3, help="of which so many turn slowly (default: 3)")
    parser.add_argument("--views", type=int, default=24, help="views with holes (default: 24)")
    parser.add_argument("--sheet", type=int, default=12, help="portraits on the sheet (default: 12)")
    parser.add_argument("--shown", nargs="*", metavar="ID", help="portraits on the sheet instead")
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "repose.md", metavar="FILE")
    parser.add_argument("--picture", type=Path, default=ROOT / "docs/images/repose.jpg", metavar="FILE")
    parser.add_argument("--work", type=Path, default=ROOT / "out" / "repose_accuracy", metavar="DIR")
    options = parser.parse_args()
    if options.ablation and not options.check:
        parser.error("--ablation needs --check")
    if options.check and options.vgg is None:
        parser.error("--check needs --vgg")
    return options


def _run(text: str) -> Row:
    name, _, path = text.partition("=")
    if not name or not path:
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=PATH")
    row = Row(name, Path(path))
    if row.file is None or not row.file.is_file():
        raise argparse.ArgumentTypeError(f"there is no {row.file}")
    return row


if __name__ == "__main__":
    main()
