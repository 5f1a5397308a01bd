"""Scores on labelled portraits: what counts, what does not, and the sheet of the worst."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from train.common.errors import BrokenSample, EmptyDataset
from train.parsing.evaluate import TILE_PX, score_all, summary, worst_sheet
from train.parsing.sample import UNKNOWN

TRUTH = np.array([[0, 0, 1, 1], [0, 0, 1, UNKNOWN], [2, 2, 2, 2]], np.uint8)
EVERYWHERE = np.ones(TRUTH.shape, bool)


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    photos, labels = tmp_path / "photos", tmp_path / "labels"
    photos.mkdir()
    labels.mkdir()
    for name in ("a", "b"):
        cv2.imwrite(str(labels / f"{name}.png"), TRUTH)
        cv2.imwrite(str(photos / f"{name}.jpg"), np.full((*TRUTH.shape, 3), 128, np.uint8))
    return photos, labels


def test_a_perfect_answer_scores_one(folders: tuple[Path, Path]) -> None:
    scored = list(score_all(*folders, lambda _: (np.where(TRUTH == UNKNOWN, 5, TRUTH), EVERYWHERE)))
    assert [one.id for one in scored] == ["a", "b"]
    assert summary(scored) == {
        name: {"mean": 1.0, "median": 1.0, "n": 2} for name in ("background", "face", "hair")
    }


def test_ratios_by_hand(folders: tuple[Path, Path]) -> None:
    answer = TRUTH.copy()
    answer[0, 2], answer[1, 3] = 2, 1  # a face pixel becomes hair; the unsure one does not count
    found = summary(
        list(score_all(*folders, lambda path: (answer if path.stem == "a" else TRUTH, EVERYWHERE)))
    )
    assert found["face"] == pytest.approx({"mean": (2 / 3 + 1) / 2, "median": (2 / 3 + 1) / 2, "n": 2})
    assert found["hair"]["mean"] == pytest.approx((4 / 5 + 1) / 2)
    assert found["background"]["mean"] == 1.0


def test_only_the_working_crop_is_scored(folders: tuple[Path, Path]) -> None:
    within = EVERYWHERE.copy()
    within[2] = False
    answer = TRUTH.copy()
    answer[2] = 0
    assert set(summary(list(score_all(*folders, lambda _: (answer, within))))) == {"background", "face"}


def test_the_sheet_begins_with_the_worst(folders: tuple[Path, Path]) -> None:
    wrong = np.zeros_like(TRUTH)
    scored = list(score_all(*folders, lambda path: (wrong if path.stem == "b" else TRUTH, EVERYWHERE)))
    assert min(scored, key=lambda one: one.mean).id == "b"
    assert worst_sheet(scored).shape == (TILE_PX, 6 * TILE_PX, 3)


def test_what_is_missing_is_named(folders: tuple[Path, Path], tmp_path: Path) -> None:
    photos, labels = folders

    def scores(answer: np.ndarray) -> None:
        list(score_all(photos, labels, lambda _: (answer, np.ones(answer.shape, bool))))

    with pytest.raises(BrokenSample, match=r"a\.png"):
        scores(np.zeros((2, 2), np.uint8))
    (photos / "a.jpg").unlink()
    with pytest.raises(BrokenSample, match=r"a\.jpg"):
        scores(TRUTH)
    (tmp_path / "empty").mkdir()
    with pytest.raises(EmptyDataset, match="empty"):
        list(score_all(photos, tmp_path / "empty", lambda _: (TRUTH, EVERYWHERE)))
