from __future__ import annotations

from dataclasses import replace

import pytest

from train.common.errors import WrongExperiment
from train.common.experiment import find_experiment, from_json, to_json

from . import toy


def test_config_round_trip() -> None:
    experiment = toy.ToyExperiment("other", replace(toy.RUN, rate=3e-4, seed=7), (0.5, 2.0))
    assert from_json(toy.ToyExperiment, to_json(experiment)) == experiment


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"run": {"epochs": 3}}', '{"name": "toy", "run": {}}'])
def test_numbers_of_something_else_are_refused(text: str) -> None:
    with pytest.raises(WrongExperiment, match="ToyExperiment"):
        from_json(toy.ToyExperiment, text)


def test_an_unknown_experiment_is_answered_with_the_known_ones() -> None:
    with pytest.raises(WrongExperiment, match="toy"):
        find_experiment({"toy": 1}, "real")
