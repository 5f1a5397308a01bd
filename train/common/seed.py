"""Random numbers that depend on the number of a sample alone, so that a resumed run repeats itself."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor


def sample_generator(seed: int, number: int) -> np.random.Generator:
    """The generator of the run's ``number``-th sample, whichever process and slice of the run draws it."""
    return np.random.default_rng([seed, number])


def seed_torch(seed: int) -> None:
    """Seed the generators of torch, on all devices."""
    torch.manual_seed(seed)


def random_state(device: torch.device) -> dict[str, Tensor]:
    """State of the generators that a step may draw from, for checkpoints."""
    state = {"cpu": torch.get_rng_state()}
    if device.type == "cuda":
        state["cuda"] = torch.cuda.get_rng_state(device)
    return state


def restore_random_state(state: dict[str, Tensor], device: torch.device) -> None:
    """Set the generators to a saved state; one of another kind of device is left out."""
    torch.set_rng_state(state["cpu"].cpu())
    if device.type == "cuda" and "cuda" in state:
        torch.cuda.set_rng_state(state["cuda"].cpu(), device)
