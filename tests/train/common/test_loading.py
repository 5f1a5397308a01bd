from __future__ import annotations

from dataclasses import replace
from itertools import chain

import torch
from hypothesis import given
from hypothesis import strategies as st

from train.common.distributed import World
from train.common.experiment import Run
from train.common.loading import load_batches, numbers_of_batch

from . import toy

CPU = torch.device("cpu")


@given(st.integers(0, 50), st.integers(1, 7), st.integers(1, 5))
def test_processes_share_consecutive_samples(batch: int, size: int, processes: int) -> None:
    run = Run(steps=1, batch=size)
    shares = [numbers_of_batch(batch, run, World(CPU, rank, processes)) for rank in range(processes)]
    whole = size * processes
    assert sorted(chain(*shares)) == list(range(batch * whole, (batch + 1) * whole))
    assert {len(share) for share in shares} == {size}


def test_later_batches_and_more_workers_change_nothing() -> None:
    run = replace(toy.RUN, steps=3)
    all_of_them = list(load_batches(toy.Numbers(), 0, run, World(CPU)))
    later = list(load_batches(toy.Numbers(), 2, run, World(CPU)))
    by_worker = list(load_batches(toy.Numbers(), 0, replace(run, workers=1), World(CPU)))
    assert len(all_of_them) == 3 and len(later) == 1
    assert torch.equal(later[0]["x"], all_of_them[2]["x"])
    for ours, theirs in zip(by_worker, all_of_them, strict=True):
        assert torch.equal(ours["x"], theirs["x"])
