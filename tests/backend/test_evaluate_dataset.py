"""The manifest reader: what it accepts, and how it names what is wrong."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from backend.evaluate import DatasetBroken, read_dataset
from backend.evaluate.dataset import with_answers

CAMERA = {"fx": 100.0, "fy": 101.0, "cx": 9.5, "cy": 7.5}


def line(**changes: object) -> str:
    record = {"id": "a", "image": "a.png", "camera": CAMERA, "depth": "a.npy", "regions": "a_r.png"}
    return json.dumps({**record, **changes})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    Image.new("RGB", (20, 16)).save(tmp_path / "a.png")
    np.save(tmp_path / "a.npy", np.full((16, 20), 500, np.float32))
    Image.fromarray(np.full((16, 20), 2, np.uint8)).save(tmp_path / "a_r.png")
    return tmp_path


def write(folder: Path, *lines: str) -> Path:
    (folder / "manifest.jsonl").write_text("\n".join(lines), encoding="utf-8")
    return folder


def test_reads_an_item(folder):
    pose = {"yaw": 20, "pitch": 0, "roll": -1.5}
    (item,) = read_dataset(write(folder, line(subject="s", pose_deg=pose, colour="ignored"), ""))
    assert item.id == "a"
    assert item.subject == "s"
    assert item.pose_deg == pose
    assert item.camera is not None
    assert (item.camera.fx, item.camera.cy, item.camera.width, item.camera.height) == (100.0, 7.5, 20, 16)
    assert item.load_depth().shape == (16, 20)
    assert (item.load_regions() == 2).all()


def test_answers_may_be_missing(folder):
    write(folder, '{"id": "x", "image": "a.png"}', line())
    items = read_dataset(folder)
    assert [item.depth is None for item in items] == [True, False]
    assert [item.id for item in with_answers(items, "depth", "camera")] == ["a"]
    with pytest.raises(DatasetBroken, match="pose_deg"):
        with_answers(items, "pose_deg")


@pytest.mark.parametrize(
    ("bad", "told"),
    [
        ("{not json", "no JSON"),
        ("[1]", "no JSON object"),
        ('{"image": "a.png"}', '"id"'),
        (line(id="../a"), '"id"'),
        (line(id="b", image=None), '"image"'),
        (line(id="b", image="gone.png"), "gone.png"),
        (line(id="b", depth="gone.npy"), "gone.npy"),
        (line(id="b", camera={"fx": 1}), '"fy"'),
        (line(id="b", camera={**CAMERA, "cx": "x"}), '"cx"'),
        (line(id="b", camera={**CAMERA, "fx": 0}), "positive"),
        (line(id="b", pose_deg={"yaw": 1, "pitch": None, "roll": 0}), '"pitch"'),
        (line(id="b", pose_deg={"yaw": float("nan"), "pitch": 0, "roll": 0}), '"yaw"'),
        (line(), "twice"),
    ],
)
def test_a_bad_line_is_named(folder, bad, told):
    write(folder, line(), "", bad)
    with pytest.raises(DatasetBroken) as caught:
        read_dataset(folder)
    assert "line 3" in caught.value.message
    assert told in caught.value.message


def test_no_manifest_and_empty_manifest(tmp_path):
    with pytest.raises(DatasetBroken, match=r"manifest\.jsonl"):
        read_dataset(tmp_path)
    with pytest.raises(DatasetBroken, match="no items"):
        read_dataset(write(tmp_path, "", ""))


def test_broken_maps_are_named(folder):
    (item,) = read_dataset(write(folder, line()))
    np.save(folder / "a.npy", np.zeros((3, 3), np.float32))
    with pytest.raises(DatasetBroken, match="'a'"):
        item.load_depth()
    (folder / "a.npy").write_bytes(b"nothing")
    with pytest.raises(DatasetBroken, match=r"a\.npy"):
        item.load_depth()
    Image.fromarray(np.full((16, 20), 8, np.uint8)).save(folder / "a_r.png")
    with pytest.raises(DatasetBroken, match="unknown region 8"):
        item.load_regions()
    Image.new("RGB", (20, 16)).save(folder / "a_r.png")
    with pytest.raises(DatasetBroken, match="8-bit"):
        item.load_regions()
