"""What a run is made of: numbers in frozen dataclasses, one table of experiments for each network."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol, Self, TypeVar

from .errors import WrongExperiment


@dataclass(frozen=True)
class Run:
    """How long and in which steps a network is trained."""

    steps: int
    """Steps of the optimiser."""
    batch: int
    """Samples a process looks at at once."""
    accumulate: int = 1
    """Such batches in one step."""
    rate: float = 1e-3
    """Highest learning rate of AdamW; it rises over the warm-up and falls along a cosine to 1 %."""
    warmup: int = 200
    weight_decay: float = 0.02
    clip: float = 5.0
    """Longest gradient."""
    ema: float = 0.999
    """Memory of the averaged weights, which are the ones that are evaluated and exported."""
    amp: bool = True
    """bfloat16 where torch's autocast allows it, on any device."""
    workers: int = 0
    """Processes that load samples."""
    log_every: int = 20
    save_every: int = 200
    evaluate_every: int = 1000
    seed: int = 0


class Experiment(Protocol):
    """A line in a network's table: a frozen dataclass of plain numbers, strings and tuples."""

    @property
    def name(self) -> str: ...

    @property
    def run(self) -> Run: ...

    def smoke(self) -> Self:
        """The same experiment so small that a test can really train it for two steps."""
        ...


E = TypeVar("E")


def find_experiment(table: Mapping[str, E], name: str) -> E:
    """The experiment of that name; raises WrongExperiment with the names there are."""
    if name not in table:
        raise WrongExperiment(f"There is no experiment {name!r}.", f"Choose one of: {', '.join(table)}.")
    return table[name]


def to_json(experiment: Any) -> str:
    """An experiment (a frozen dataclass) as text for checkpoints and cards."""
    return json.dumps(dataclasses.asdict(experiment), sort_keys=True)


def from_json(kind: type[E], text: str) -> E:
    """The experiment of :func:`to_json`; raises WrongExperiment if the text is of another kind."""
    try:
        values = json.loads(text)
        values["run"] = Run(**values["run"])
        return kind(**{key: tuple(v) if isinstance(v, list) else v for key, v in values.items()})
    except (TypeError, KeyError, ValueError) as error:
        raise WrongExperiment(f"These are no numbers of a {kind.__name__}: {error}.") from error
