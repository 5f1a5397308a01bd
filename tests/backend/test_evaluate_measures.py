"""Parsing, pose and round trip on answers whose score can be told by hand."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from backend.errors import AssetBroken, FaceUnusable
from backend.evaluate import (
    DatasetBroken,
    EvaluationItem,
    FolderPredictor,
    HeadRender,
    evaluate_parsing,
    evaluate_pose,
    evaluate_roundtrip,
    similarity_inside,
)
from backend.evaluate.parsing import class_ratios
from backend.evaluate.pose import difference_deg

YAWS = (-30.0, 0.0, 25.0, 10.0)


def true_regions(seed: int) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 5, (12, 16)).astype(np.uint8)


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    """Four photos with regions and poses; the last one will be refused where a test wants that."""
    lines = []
    for index, yaw in enumerate(YAWS):
        pixels = np.random.default_rng(index).integers(0, 255, (12, 16, 3)).astype(np.uint8)
        Image.fromarray(pixels).save(tmp_path / f"{index}.png")
        Image.fromarray(true_regions(index)).save(tmp_path / f"{index}_r.png")
        pose = {"yaw": yaw, "pitch": yaw / 2, "roll": 0.0}
        record = {"id": str(index), "image": f"{index}.png", "regions": f"{index}_r.png", "pose_deg": pose}
        lines.append(json.dumps(record))
    (tmp_path / "manifest.jsonl").write_text("\n".join(lines))
    return tmp_path


@dataclass(frozen=True)
class Scripted:
    """Answers from the truth, bent by the given numbers; refuses the ids of ``refused``."""

    yaw_factor: float = 1.0
    yaw_offset: float = 0.0
    brighter: int = 0
    wrong_class: int | None = None
    refused: frozenset[str] = field(default_factory=frozenset)

    def _check(self, item: EvaluationItem) -> None:
        if item.id in self.refused:
            raise FaceUnusable(f"Photo {item.id} shows too little.")

    def labels(self, item: EvaluationItem) -> NDArray[np.uint8]:
        self._check(item)
        truth = item.load_regions()
        return (
            truth
            if self.wrong_class is None
            else np.where(truth == self.wrong_class, 0, truth).astype(np.uint8)
        )

    def pose_deg(self, item: EvaluationItem) -> Mapping[str, float]:
        self._check(item)
        assert item.pose_deg is not None
        yaw = item.pose_deg["yaw"] * self.yaw_factor + self.yaw_offset
        return {**item.pose_deg, "yaw": yaw}

    def render(self, item: EvaluationItem) -> HeadRender:
        self._check(item)
        photo = np.asarray(Image.open(item.image)) // 2
        background = item.load_regions() == 0
        # Only the head is compared: the background may be anything.
        render = np.where(background[..., None], 255, photo + self.brighter).astype(np.uint8)
        return HeadRender(photo.astype(np.uint8), render, ~background)


def test_perfect_parsing_scores_one(dataset):
    result = evaluate_parsing(dataset, Scripted())
    assert result == {"n": 4, "iou": dict.fromkeys(("background", "face", "hair", "ear", "body"), 1.0)}


def test_iou_of_two_overlapping_stripes():
    truth, labels = np.zeros((1, 12), np.uint8), np.zeros((1, 12), np.uint8)
    truth[0, 0:6], labels[0, 4:10] = 2, 2
    ratios = class_ratios(labels, truth)
    assert ratios == {"background": 2 / 10, "hair": 2 / 10}


def test_a_missed_class_scores_zero_and_a_refused_photo_counts(dataset):
    result = evaluate_parsing(dataset, Scripted(wrong_class=3, refused=frozenset("3")))
    assert result["iou"]["ear"] == 0.0
    assert result["iou"]["hair"] == pytest.approx(3 / 4)
    assert result["n"] == 4
    assert result["refused"] == [{"id": "3", "message": "Photo 3 shows too little."}]


def test_saved_masks_score_the_same(dataset, tmp_path):
    saved = tmp_path / "masks"
    first = evaluate_parsing(dataset, Scripted(wrong_class=1), saved)
    assert evaluate_parsing(dataset, FolderPredictor(saved)) == first
    Image.fromarray(np.zeros((3, 3), np.uint8)).save(saved / "2.png")
    with pytest.raises(DatasetBroken, match="'2'"):
        evaluate_parsing(dataset, FolderPredictor(saved))


def test_pose_error_is_the_mean_of_what_was_predicted(dataset):
    result = evaluate_pose(dataset, Scripted(yaw_offset=3.0, refused=frozenset("1")))
    assert result["mae_deg"] == pytest.approx({"yaw": 3.0, "pitch": 0.0, "roll": 0.0})
    assert [entry["id"] for entry in result["refused"]] == ["1"]
    assert "warnings" not in result


def test_another_sign_convention_is_hinted_at(dataset):
    result = evaluate_pose(dataset, Scripted(yaw_factor=-1.0))
    assert result["mae_deg"]["yaw"] == pytest.approx(np.mean(np.abs(YAWS)) * 2)
    (warning,) = result["warnings"]
    assert "yaw" in warning


def test_angles_differ_the_short_way_round():
    np.testing.assert_allclose(
        difference_deg(np.array([179.0, -170, 10]), np.array([-179.0, 170, 4])), [-2, 20, 6]
    )


def test_all_refused_gives_no_number(dataset):
    everyone = Scripted(refused=frozenset("0123"))
    assert evaluate_pose(dataset, everyone)["mae_deg"] == {"yaw": None, "pitch": None, "roll": None}
    assert evaluate_roundtrip(dataset, everyone)["psnr_db"] is None


def test_faults_of_the_run_are_not_counted_as_misses(dataset):
    class Broken(Scripted):
        def pose_deg(self, item: EvaluationItem) -> Mapping[str, float]:
            raise AssetBroken("The head model is damaged.")

    with pytest.raises(AssetBroken):
        evaluate_pose(dataset, Broken())


def test_roundtrip_looks_inside_the_head_only(dataset):
    result = evaluate_roundtrip(dataset, Scripted(brighter=10))
    assert result["psnr_db"] == pytest.approx(10 * np.log10(255**2 / 100))
    assert evaluate_roundtrip(dataset, Scripted())["psnr_db"] == 100.0


def test_ssim_is_one_for_the_same_picture_and_falls_with_noise():
    random = np.random.default_rng(0)
    photo = random.integers(0, 255, (40, 40, 3)).astype(np.uint8)
    inside = np.zeros((40, 40), bool)
    inside[10:30, 10:30] = True
    assert similarity_inside(photo, photo, inside) == (100.0, pytest.approx(1.0))
    noisy = np.clip(photo + random.normal(0, 40, photo.shape), 0, 255).astype(np.uint8)
    assert similarity_inside(photo, noisy, inside)[1] < 0.9
