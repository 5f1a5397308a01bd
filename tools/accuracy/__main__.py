"""``python -m tools.accuracy --ict FILE --portraits DIR --out docs/accuracy.md``.

What was measured before and has not changed since is not measured again: figures lie in ``--work``, a folder
that may be deleted at any time, together with the rendered faces.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from backend.evaluate import Look, read_dataset, read_photos
from backend.files import write_file
from backend.models.registry import read_model
from backend.nets.identity_net import load_identity_net
from tools.ict_faces.dataset import write_dataset

from .cache import ROOT, Cache
from .measure import identity_curve, shape_of
from .report import Report, page
from .rows import ROWS
from .timing import fit_words, made_words, network_ms

LOOKS = {"product": (Look.PHOTO, Look.MODEL), "landmarks": (Look.MODEL,), "mean": (Look.MODEL,)}


def main() -> None:
    """Measure and write the page."""
    options = _options()
    faces = options.faces
    if faces is None:
        faces = options.work / "ict"
        for _ in write_dataset(read_model(options.ict), faces, range(options.count), seed=0, size=512):
            pass
    items = read_dataset(faces)[: options.count]
    portraits = read_photos(options.portraits)[: options.portrait_count] if options.portraits else []
    cache = Cache(options.work / "cache.json")
    net = load_identity_net()
    identity = {
        (row.key, look.value): (row.words, identity_curve(row, look, portraits, cache, net))
        for row in ROWS
        for look in LOOKS.get(row.key, ())
        if portraits
    }
    report = Report(
        made=made_words(),
        shapes={row.key: (row.words, shape_of(row, items, cache)) for row in ROWS},
        identity=identity,
        times=f"{fit_words(items[0])}; medians of ten warm runs on the machine named above.",
        network_ms=network_ms(),
    )
    write_file(options.out, page(report).encode())


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--ict", type=Path, metavar="PATH", help="ICT-FaceKit, file or folder")
    source.add_argument("--faces", type=Path, metavar="DIR", help="faces that tools.ict_faces drew before")
    parser.add_argument("--portraits", type=Path, metavar="DIR", help="portraits for the identity measure")
    parser.add_argument("--count", type=int, default=100, help="faces at most (default: 100)")
    parser.add_argument("--portrait-count", type=int, default=100, help="portraits at most (default: 100)")
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "accuracy.md", metavar="FILE")
    parser.add_argument("--work", type=Path, default=ROOT / "out" / "accuracy", metavar="DIR")
    return parser.parse_args()


if __name__ == "__main__":
    main()
