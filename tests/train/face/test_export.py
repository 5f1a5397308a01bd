"""A run becomes a file that the product loads, with a card that says no more than is known."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from backend.morphable import load_head_model
from backend.nets.face_net import load_face_net
from train.common.checkpoint import BEST, load_checkpoint
from train.common.export import NotExportable
from train.face.__main__ import main
from train.face.export import export

from . import faces


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of two steps."""
    path = tmp_path_factory.mktemp("run")
    data = faces.folder(path / "data", 2)
    words = f"--experiment cpu --data {data} --check {data} --out {path} --smoke --device cpu"
    assert main(words.split()) == 0
    return path


def test_the_product_loads_what_was_exported(run: Path, tmp_path: Path) -> None:
    checkpoint, asset = load_checkpoint(run / BEST), tmp_path / "face.safetensors"
    card = export(checkpoint, asset, "two heads of noise", "none", run / "metrics.jsonl")
    words = card.read_text(encoding="utf-8")
    assert card.name == "face.card.md"
    for expected in ("two heads of noise", "`cpu`, step 2 of 2", "on synthetic faces: vertices_mm "):
        assert expected in words
    answer = load_face_net(load_head_model(), asset)(torch.zeros(1, 3, 64, 64))
    assert all(bool(values.isfinite().all()) for values in vars(answer).values())


def test_a_card_does_not_invent_figures(run: Path, tmp_path: Path) -> None:
    checkpoint = load_checkpoint(run / BEST)
    card = export(checkpoint, tmp_path / "face.safetensors", "noise", "none", None)
    assert "nothing yet" in card.read_text(encoding="utf-8")
    (tmp_path / "empty.jsonl").write_text("")
    card = export(checkpoint, tmp_path / "face.safetensors", "noise", "none", tmp_path / "empty.jsonl")
    assert "nothing at this step" in card.read_text(encoding="utf-8")
    (tmp_path / "broken.jsonl").write_text("{")
    with pytest.raises(NotExportable, match=r"broken\.jsonl"):
        export(checkpoint, tmp_path / "face.safetensors", "noise", "none", tmp_path / "broken.jsonl")


def test_a_checkpoint_of_another_network_is_refused(run: Path, tmp_path: Path) -> None:
    checkpoint = load_checkpoint(run / BEST)
    del checkpoint.ema["head.bias"]
    with pytest.raises(NotExportable, match="another network"):
        export(checkpoint, tmp_path / "face.safetensors", "noise", "none", None)
