"""Pairs on disk become tensors; what cannot be read is named."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from backend.head_parse import HAIR
from train.common.errors import BrokenSample, EmptyDataset
from train.depth.data import DepthData, mirrored, pairs_of, read_views, swayed

from . import eggs


def test_a_view_says_what_was_written(tmp_path: Path) -> None:
    view = read_views(eggs.folder(tmp_path, 1))[0].tensors(eggs.SIDE)
    truth = eggs.maps(-12.0)
    for name, key in (("truth", "depth"), ("face", "face_depth"), ("prior", "prior")):
        np.testing.assert_allclose(900 - 100 * view[name].numpy(), truth[key], atol=1e-3)
    pixels = (view["picture"].permute(1, 2, 0) + 1) * 127.5
    np.testing.assert_allclose(pixels.numpy(), truth["image"], atol=1e-3)
    np.testing.assert_array_equal(view["regions"].numpy(), truth["regions"])
    np.testing.assert_array_equal(view["matte"].numpy() > 0.5, np.isfinite(truth["depth"]))
    assert int((view["regions"] == HAIR).sum()) > 100


def test_the_pair_of_a_number_is_always_the_same(tmp_path: Path) -> None:
    folder = eggs.folder(tmp_path, 2)
    a, b = (DepthData([folder], 32, True, 5) for _ in range(2))
    for number in (3, 0, 3):
        for name, values in a.sample(number).items():
            assert torch.equal(values.nan_to_num(), b.sample(number)[name].nan_to_num()), name
    seen = {float(a.sample(number)["rotation"][0, 0, 2]) for number in range(80)}
    assert len(seen) == 2 * 2 * 2  # pairs, order, mirror


def test_mirrors_mirror_back(tmp_path: Path) -> None:
    view = read_views(eggs.folder(tmp_path, 1))[1].tensors(48)
    once = mirrored(view)
    assert not torch.equal(once["picture"], view["picture"])
    assert once["rotation"].det().item() == pytest.approx(1, abs=1e-5)
    for name, values in mirrored(once).items():
        torch.testing.assert_close(values, view[name], equal_nan=True)


def test_video_has_neither_truth_nor_prior(tmp_path: Path) -> None:
    folder = eggs.folder(tmp_path, 1)
    lines = [json.loads(line) for line in (folder / "manifest.jsonl").read_text().splitlines()]
    eggs.write_lines(folder, [{k: v for k, v in e.items() if k not in ("depth", "prior")} for e in lines])
    sample = DepthData([folder], 32, False, 0).sample(0)
    assert bool(sample["truth"].isnan().all()) and bool(sample["prior"].isnan().all())
    assert bool(sample["face"].isfinite().any())


def test_neighbours_of_one_subject_are_pairs(tmp_path: Path) -> None:
    line = {**eggs.write_view(tmp_path, "a", "one", 0.0)}
    names = ("one", "one", "two", "three", "three", "three")
    views = read_views(eggs.write_lines(tmp_path, [{**line, "subject": name} for name in names]))
    assert [a.subject for a, _ in pairs_of(views, tmp_path)] == ["one", "three", "three"]
    with pytest.raises(EmptyDataset, match="no pairs"):
        pairs_of(views[2:4], tmp_path)


def test_folders_that_hold_nothing_are_refused(tmp_path: Path) -> None:
    with pytest.raises(EmptyDataset, match="--data"):
        DepthData([], 32, False, 0)
    with pytest.raises(EmptyDataset, match=r"manifest\.jsonl"):
        read_views(tmp_path)


def test_broken_lines_and_files_are_named(tmp_path: Path) -> None:
    folder = eggs.folder(tmp_path, 1)
    manifest = folder / "manifest.jsonl"
    whole = manifest.read_text()
    for broken in ("{", '{"id": "a"}', '{"id": "a", "camera": 3}'):
        manifest.write_text(whole + broken + "\n")
        with pytest.raises(BrokenSample, match="line 3"):
            read_views(folder)
    manifest.write_text(whole)
    view = read_views(folder)[0]
    np.save(view.face_depth, np.zeros((4, 4), np.float32))
    with pytest.raises(BrokenSample, match="another size"):
        view.tensors(32)
    view.face_depth.write_bytes(b"no numbers")
    with pytest.raises(BrokenSample, match="holds no depth"):
        view.tensors(32)
    view.image.write_bytes(b"no picture")
    with pytest.raises(BrokenSample, match="no picture"):
        view.tensors(32)


def test_a_swayed_view_keeps_its_relief_against_its_face(tmp_path: Path) -> None:
    view = read_views(eggs.folder(tmp_path, 1))[0].tensors(eggs.SIDE)
    moved = swayed(view, np.array([3.0, -2.0, 5.0]))
    by_mm = 100 * (moved["truth"] - view["truth"])
    known = view["truth"].isfinite()
    rows, columns = torch.nonzero(known, as_tuple=True)
    middle = (eggs.SIDE - 1) / 2
    expected = 3.0 - 2.0 * (columns - middle) / middle + 5.0 * (rows - middle) / middle
    torch.testing.assert_close(by_mm[known], expected, atol=1e-3, rtol=0)
    for name in ("face", "prior"):
        both = known & view[name].isfinite()
        torch.testing.assert_close((moved[name] - moved["truth"])[both], (view[name] - view["truth"])[both])
    assert torch.equal(moved["picture"], view["picture"])


def test_only_a_run_that_asks_for_it_sways(tmp_path: Path) -> None:
    folder = eggs.folder(tmp_path, 1)
    still, swaying = (DepthData([folder], 32, False, 5, amount).sample(1)["truth"] for amount in (0.0, 2.0))
    known = still.isfinite()
    change = 100 * (swaying - still)[known]
    assert 0 < float(change.abs().max()) < 20 and float(change.std()) > 0
