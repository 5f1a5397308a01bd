"""Changes add up weight by weight, and only between networks of one kind."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from train.common.carry import LEAST_VARIANCE, carried, main
from train.common.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from train.common.errors import WrongExperiment

from .test_checkpoint import EXAMPLE


def _of(weight: float, variance: float, batches: int = 3) -> Checkpoint:
    values = {
        "conv.weight": torch.full((2, 3), weight),
        "norm.running_var": torch.full((2,), variance),
        "norm.num_batches_tracked": torch.tensor(batches),
    }
    return replace(EXAMPLE, model=values, ema=values)


def test_what_was_learnt_comes_on_top() -> None:
    found = carried(_of(1.0, 2.0), _of(1.5, 1.0), _of(4.0, 5.0, batches=9))
    assert torch.equal(found.ema["conv.weight"], torch.full((2, 3), 4.5))
    assert torch.equal(found.ema["norm.running_var"], torch.full((2,), 4.0))
    assert found.ema["norm.num_batches_tracked"] == 9
    assert found.model is found.ema


def test_nothing_learnt_changes_nothing_and_variances_stay_positive() -> None:
    onto = _of(4.0, 0.5)
    same = carried(_of(1.0, 2.0), _of(1.0, 2.0), onto)
    assert all(torch.equal(same.ema[name], value) for name, value in onto.ema.items())
    thin = carried(_of(1.0, 2.0), _of(1.0, 1.0), onto)
    assert torch.equal(thin.ema["norm.running_var"], torch.full((2,), LEAST_VARIANCE))


def test_other_networks_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    other = replace(EXAMPLE, ema={"conv.weight": torch.zeros(3, 3)})
    with pytest.raises(WrongExperiment, match="different networks"):
        carried(_of(1.0, 2.0), other, _of(1.0, 2.0))
    paths = [tmp_path / f"{name}.pt" for name in ("start", "learnt", "onto", "out")]
    for path, one in zip(paths, (_of(1.0, 2.0), other, _of(1.0, 2.0)), strict=False):
        save_checkpoint(one, path)
    words = [word for path in paths for word in (f"--{path.stem}", str(path))]
    assert main(words) == 1
    assert "different networks" in capsys.readouterr().err
    save_checkpoint(_of(2.0, 2.0), paths[1])
    assert main(words) == 0
    assert torch.equal(load_checkpoint(paths[3]).ema["conv.weight"], torch.full((2, 3), 2.0))
