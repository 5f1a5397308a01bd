"""``python -m tools.ict_faces --model FILE --count 100 --out DIR``: a data set in the evaluation format.

The model is the user's own copy: ICT-FaceKit's folder, or the same packed into one ``.npz``.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from backend.models.registry import read_model

from .dataset import write_dataset


def main() -> None:
    """Read the command line and draw."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument(
        "--model", type=Path, required=True, metavar="PATH", help="ICT-FaceKit, file or folder"
    )
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder for the data set")
    parser.add_argument("--count", type=int, default=100, help="number of people (default: 100)")
    parser.add_argument("--seed", type=int, default=0, help="another seed gives other people")
    parser.add_argument("--size", type=int, default=512, help="pixels along one side (default: 512)")
    parser.add_argument("--first", type=int, default=0, help="number of the first person drawn")
    options = parser.parse_args()
    model = read_model(options.model)
    numbers = range(options.first, options.first + options.count)
    for identity in write_dataset(model, options.out, numbers, options.seed, options.size):
        print(identity, flush=True)


if __name__ == "__main__":
    main()
