"""Files of networks: what was written, and every way of not being sound."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from backend.errors import AssetBroken
from backend.nets.weights import read_weights

STATE = {"head.bias": torch.tensor([0.5, -2.0], dtype=torch.float16)}


def test_weights_come_back_in_single_precision(tmp_path: Path) -> None:
    path = tmp_path / "net.safetensors"
    save_file(STATE, path, {"architecture": "Net 1", "step": "7"})
    state, origin = read_weights(path, "Net 1")
    assert state["head.bias"].dtype == torch.float32 and state["head.bias"].tolist() == [0.5, -2.0]
    assert origin["step"] == "7"


@pytest.mark.parametrize("fault", ["missing", "cut", "other", "unnamed", "no number"])
def test_a_file_that_is_not_sound_is_named(fault: str, tmp_path: Path) -> None:
    path = tmp_path / "net.safetensors"
    if fault != "missing":
        values = {"head.bias": torch.tensor([float("nan")])} if fault == "no number" else STATE
        name = {"other": {"architecture": "Net 2"}, "unnamed": None}.get(fault, {"architecture": "Net 1"})
        save_file(values, path, name)
    if fault == "cut":
        path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(AssetBroken, match=r"net\.safetensors"):
        read_weights(path, "Net 1")
