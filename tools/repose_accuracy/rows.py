"""What finishes stills: the classical refiner, and networks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from torch import Tensor

from backend.nets.refine_net import CoarseView, RefineNet, load_refine_net
from backend.refine import ClassicalRefiner, Refiner
from backend.refine_network import NetworkRefiner
from train.common.checkpoint import BEST
from train.refine.evaluate import players_of
from train.refine.task import mixed_output

CLASSICAL = "classical"


@dataclass(frozen=True)
class Row:
    """One line of the tables: a name, and a run's folder or weights as they ship; no path is no network."""

    name: str
    path: Path | None = None
    ablation: bool = False
    """Trained shortly, to be compared with its like only."""

    @property
    def file(self) -> Path | None:
        """The file that its numbers depend on."""
        return self.path / BEST if self.path is not None and self.path.is_dir() else self.path


def rows_of(runs: Sequence[Row]) -> list[Row]:
    """The classical refiner, then the networks."""
    return [Row(CLASSICAL), *runs]


@cache
def network(row: Row) -> RefineNet:
    """The averaged weights of a row, ready for inference on the CPU; raises TrainingError or AssetBroken."""
    assert row.path is not None
    if row.path.suffix == ".safetensors":
        return load_refine_net(row.path)
    experiment, _, players = players_of(row.path)
    net = players.generator.requires_grad_(False)
    return _Mixed(net) if experiment.mixed_output else net


class _Mixed(RefineNet):
    """A network that was trained to fill holes only."""

    def __init__(self, net: RefineNet) -> None:
        super().__init__()
        self.net = net

    def forward(self, view: CoarseView) -> Tensor:
        """See :class:`RefineNet`."""
        return mixed_output(self.net(view), view)


def steps_of(row: Row) -> int:
    """Of a run's folder, how many it had."""
    assert row.path is not None
    return players_of(row.path)[1]


@cache
def refiner(row: Row) -> Refiner:
    """As the product would use it."""
    return ClassicalRefiner() if row.path is None else NetworkRefiner(network(row))
