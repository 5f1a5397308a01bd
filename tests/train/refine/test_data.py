"""Samples of the refinement network: what is missing, what may be guessed, who may be seen."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from train.common.errors import BrokenSample, EmptyDataset, HeldOutSample
from train.refine.data import RefineData, read_portraits, spoil, tensors_of, window_at, without_ring

from . import portraits

NOBODY: frozenset[str] = frozenset()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return portraits.folder(tmp_path_factory.mktemp("portraits"), 2)


def data(folder: Path, paired: bool, held_out: frozenset[str] = NOBODY) -> RefineData:
    return RefineData([folder], 64, (0.7, 1.0), 0.5, 3, held_out, paired)


def test_a_pair_hides_what_the_new_pose_does_not_see(folder: Path) -> None:
    pair = read_portraits(folder)[0].pair()
    hidden = (pair.cover > 0) & (np.arange(portraits.SIDE) > 0.6 * portraits.SIDE)
    assert (pair.known[hidden] == 0).all() and (pair.known[~hidden] == 255).all()


def test_a_render_lies_over_the_plate(folder: Path) -> None:
    view = read_portraits(folder)[0].render()
    empty = view.cover == 0
    assert (view.colour[empty] == view.plate[empty]).all() and (view.known[empty] == 255).all()
    assert (view.colour[~empty] == view.person[~empty]).all()


@pytest.mark.parametrize("paired", [True, False])
def test_samples_repeat_themselves(folder: Path, paired: bool) -> None:
    source = data(folder, paired)
    first, again, other = source.sample(5), data(folder, paired).sample(5), source.sample(6)
    assert ("truth" in first) == paired
    assert all((first[name] == again[name]).all() for name in first)
    assert (first["picture"] != other["picture"]).any()
    assert first["picture"].shape == (3, 64, 64) and first["known"].shape == (64, 64)


def test_missing_pixels_are_0_and_known_ones_are_the_truth(folder: Path) -> None:
    source = data(folder, paired=True)
    for number in range(6):
        sample = source.sample(number)
        assert (sample["picture"] == sample["truth"] * sample["known"]).all()
        assert sample["known"].min() < 0.5


def test_a_guess_from_neighbours_does_not_know_the_truth(folder: Path) -> None:
    pair = read_portraits(folder)[0].pair()
    lost = pair.known == 0
    other = pair.colour.copy()
    other[lost] = 0
    guesses = [
        tensors_of(view, hint=False)["guess"]
        for view in (pair, type(pair)(other, other, pair.plate, pair.cover, pair.known))
    ]
    assert (guesses[0] == guesses[1]).all()


def test_a_spoilt_hint_is_near_the_truth_and_not_the_truth(folder: Path) -> None:
    pair = read_portraits(folder)[0].pair()
    inside = pair.cover == 255
    rough = spoil(pair, np.random.default_rng(0))[inside]
    error = np.abs(rough - pair.colour[inside]).mean()
    assert 5 < error < 60


def test_a_ring_follows_the_outline(folder: Path) -> None:
    pair = read_portraits(folder)[0].pair()
    ring = without_ring(pair, 5)
    lost = (ring.known == 0) & (pair.known == 255)
    rows, columns = np.nonzero(lost)
    radius = np.hypot(rows - portraits.SIDE / 2, columns - portraits.SIDE / 2)
    assert np.abs(radius - portraits.SIDE / 3).max() <= 4
    assert (pair.cover[lost] > 0).any() and (pair.cover[lost] == 0).any()


def test_windows_stay_inside_and_look_at_holes() -> None:
    known = np.full((100, 120), 255, np.uint8)[:, :100]
    known[80:90, 80:90] = 0
    rng = np.random.default_rng(0)
    hits = 0
    for _ in range(60):
        window = window_at(known, 32, (0.5, 1.0), rng)
        corners = window.to_picture(np.array([[0.0, 0.0], [31.0, 31.0]]))
        assert corners.min() >= -0.5 and corners.max() <= 99.5
        hits += bool((corners[0] < 90).all() and (corners[1] > 79).all())
    assert hits > 40


def test_what_cannot_be_trained_on_is_refused(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(HeldOutSample, match="P001"):
        data(folder, True, frozenset({"P001"}))
    with pytest.raises(EmptyDataset):
        data(tmp_path, True)
    broken = portraits.folder(tmp_path / "broken", 1)
    (broken / "P000_0_seen.png").write_bytes(b"no picture")
    with pytest.raises(BrokenSample, match="P000_0_seen"):
        data(broken, True).sample(0)
    (broken / "manifest.jsonl").write_text('{"id": "P000"}\n')
    with pytest.raises(BrokenSample):
        data(broken, True)
