"""One run in several processes, started by torchrun; alone it costs nothing."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
import torch.distributed as dist
from torch import nn
from torch.nn.parallel import DistributedDataParallel


@dataclass(frozen=True)
class World:
    """Which of how many processes this is."""

    device: torch.device
    rank: int = 0
    size: int = 1

    @property
    def leads(self) -> bool:
        """Whether this process writes logs and checkpoints."""
        return self.rank == 0

    def wrapped(self, net: nn.Module) -> nn.Module:
        """The network, with its gradients averaged over all processes if there are several."""
        if self.size == 1:
            return net
        devices = [self.device.index] if self.device.type == "cuda" else None
        return DistributedDataParallel(net, device_ids=devices)

    def any(self, flag: bool) -> bool:
        """Whether any process says so, such as that time is over."""
        if self.size == 1:
            return flag
        shared = torch.tensor([float(flag)], device=self.device)
        dist.all_reduce(shared, op=dist.ReduceOp.MAX)
        return bool(shared.item() > 0)

    def wait(self) -> None:
        """Let all processes come here."""
        if self.size > 1:
            dist.barrier()


@contextmanager
def joined(device: str | None = None) -> Iterator[World]:
    """The world that torchrun's variables describe; one process on ``device`` (default: the best) without."""
    kind = device or ("cuda" if torch.cuda.is_available() else "cpu")
    if "WORLD_SIZE" not in os.environ:
        yield World(torch.device(kind))
        return
    on_gpu = kind.startswith("cuda")
    here = torch.device("cuda", int(os.environ["LOCAL_RANK"])) if on_gpu else torch.device(kind)
    if on_gpu:
        torch.cuda.set_device(here)
    dist.init_process_group("nccl" if on_gpu else "gloo")
    try:
        yield World(here, dist.get_rank(), dist.get_world_size())
    finally:
        dist.destroy_process_group()
