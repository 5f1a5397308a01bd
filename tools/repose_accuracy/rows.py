"""What finishes stills: the classical refiner, and networks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from backend.nets.refine_net import RefineNet, load_refine_net
from backend.refine import ClassicalRefiner, Refiner
from backend.refine_network import NetworkRefiner
from train.common.checkpoint import BEST
from train.refine.evaluate import players_of

CLASSICAL = "classical"


@dataclass(frozen=True)
class Row:
    """One line of the tables: a name, and a run's folder or weights as they ship; no path is no network."""

    name: str
    path: Path | None = None

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
    return players_of(row.path)[2].generator.requires_grad_(False)


@cache
def refiner(row: Row) -> Refiner:
    """As the product would use it."""
    return ClassicalRefiner() if row.path is None else NetworkRefiner(network(row))
