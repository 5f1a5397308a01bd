"""How well holes are filled: a table of runs, their first guess and cv2.inpaint.

python -m train.refine.evaluate --check DIR --vgg HED.h5 --runs RUN RUN_without_adversarial …

Holes are what a turn hides of portraits that were not trained on (``train.refine.portraits --test``), guessed
by their neighbours: no row knows the truth. ``colour`` is the mean distance of colours in the holes, 0 to
255; ``features`` the distance of VGG's features (eq. 13) between filled picture and photo.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from backend.nets.parse_net import normalised

from ..common.checkpoint import BEST, LAST, load_checkpoint
from ..common.errors import EmptyDataset, TrainingError
from ..common.experiment import from_json
from ..common.storage import write_whole
from .config import RefineExperiment
from .critic import Critic
from .data import PosedPortrait, read_portraits
from .features import Features, load_features
from .losses import feature_loss
from .task import NETS, Players, answers_to, hole_error

NETWORK, GUESS, INPAINT = "hole", "guess_hole", "inpaint_hole"

Row = dict[str, float]


def players_of(run: Path) -> tuple[RefineExperiment, int, Players]:
    """Experiment, step and averaged networks of a run's folder; raises TrainingError."""
    checkpoint = load_checkpoint(run / BEST if (run / BEST).is_file() else run / LAST)
    experiment = from_json(RefineExperiment, checkpoint.config)
    critic = Critic(experiment.critic) if experiment.adversarial else None
    players = Players(NETS[experiment.net](), critic)
    players.load_state_dict(checkpoint.ema)
    return experiment, checkpoint.step, players.eval()


@torch.inference_mode()
def scores(
    portraits: Sequence[PosedPortrait], features: Features | None, players: Players, mixed: bool
) -> dict[str, Row]:
    """``colour`` and ``features`` of the network, its guess and cv2.inpaint: means over portraits."""
    found: dict[str, list[tuple[float, float]]] = {}
    for portrait in portraits:
        pair = portrait.pair()
        truth = None if features is None else _layers(features, pair.colour)
        for name, picture in answers_to(pair, players.generator, torch.device("cpu"), mixed).items():
            told = np.nan if features is None else feature_loss(_layers(features, picture), truth).item()
            found.setdefault(name, []).append((hole_error(picture, pair), told))
    means = {name: np.nanmean(values, axis=0) for name, values in found.items()}
    return {name: {"colour": float(m[0]), "features": float(m[1])} for name, m in means.items()}


def _layers(net: Features, picture: NDArray[np.uint8]) -> list[torch.Tensor]:
    return net(normalised(torch.from_numpy(picture))[None])


def table(rows: dict[str, Row]) -> str:
    """Rows as Markdown, each against the row of cv2.inpaint."""
    lines = ["| | colour | features | better than cv2.inpaint |", "| --- | --- | --- | --- |"]
    for name, row in rows.items():
        better = (f"{1 - row[key] / rows['cv2.inpaint'][key]:.0%}" for key in ("colour", "features"))
        lines.append(f"| {name} | {row['colour']:.2f} | {row['features']:.3f} | {', '.join(better)} |")
    return "\n".join(lines)


def main(words: Sequence[str] | None = None) -> int:
    """Command line; 1 if there is nothing to score."""
    parser = argparse.ArgumentParser(
        prog="python -m train.refine.evaluate", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("--check", type=Path, nargs="+", required=True, help="folders of held-out portraits")
    parser.add_argument("--runs", type=Path, nargs="+", required=True, help="folders of runs")
    parser.add_argument("--vgg", type=Path, required=True, help="as for training")
    parser.add_argument("--limit", type=int, help="no more portraits than this, evenly chosen")
    parser.add_argument("--json", type=Path, help="write the figures here")
    arguments = parser.parse_args(words)
    try:
        portraits = [p for folder in arguments.check for p in read_portraits(folder)]
        count = min(arguments.limit or len(portraits), len(portraits))
        if count < 1:
            raise EmptyDataset("There is no portrait to score.", "Ask for one at least.")
        chosen = [portraits[k] for k in np.linspace(0, len(portraits) - 1, count).round().astype(int)]
        features = load_features(arguments.vgg)
        rows: dict[str, Row] = {}
        for run in arguments.runs:
            experiment, step, players = players_of(run)
            found = scores(chosen, features, players, experiment.mixed_output)
            rows |= {"cv2.inpaint": found[INPAINT], "guess from the neighbours": found[GUESS]}
            rows[f"{experiment.name}, step {step}"] = found[NETWORK]
        if arguments.json is not None:
            data = json.dumps({"n": count, "rows": rows}, indent=1).encode()
            write_whole(arguments.json, lambda stream: stream.write(data))
    except TrainingError as error:
        print(error, file=sys.stderr)  # noqa: T201
        return 1
    print(f"{count} views\n\n{table(rows)}")  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main())
