"""Whole samples: the same bytes for a seed, truth that agrees with itself, and files that read back."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import pytest

from backend.evaluate.dataset import read_dataset
from backend.fit import HeadFit
from backend.frames import Pose
from backend.head_parse import BACKGROUND, BODY, FACE, HAIR, HEAD_CLASSES
from backend.morphable import load_head_model
from backend.project import project_head
from backend.raster import TorchRasterizer
from train.synth.__main__ import main
from train.synth.sample import SynthSample, generate
from train.synth.scene import Scene, sample_scene
from train.synth.workers import draw_all
from train.synth.write import CannotWrite, make_folder, save_compact, write_evaluation

SIZE = 128


def scenes() -> list[Scene]:
    return [sample_scene(seed) for seed in (3, 4, 11)]


@pytest.fixture(scope="module")
def samples() -> list[SynthSample]:
    batch = generate(scenes(), SIZE)
    return [batch.sample(i) for i in range(len(batch))]


def test_the_same_scenes_give_the_same_bytes(samples):
    again = generate(scenes(), SIZE)
    for i, sample in enumerate(samples):
        for name in ("photo", "regions", "depth", "face_depth", "hair_alpha", "matte", "landmarks_478"):
            np.testing.assert_array_equal(getattr(again.sample(i), name), getattr(sample, name))


def test_a_scene_looks_the_same_alone_and_among_others(samples):
    alone = generate(scenes()[1:2], SIZE).sample(0)
    assert (alone.regions == samples[1].regions).mean() > 0.999
    assert np.abs(alone.photo.astype(int) - samples[1].photo).mean() < 1.0


def test_classes_mattes_and_depth_tell_one_story(samples):
    for sample in samples:
        person = sample.regions != BACKGROUND
        head = np.isin(sample.regions, HEAD_CLASSES)
        assert (sample.person[person] > 0.4).mean() > 0.99
        assert (sample.matte[head] > 0.3).mean() > 0.98
        assert (sample.matte <= sample.person + 1e-5).all()
        assert (sample.hair_alpha[sample.regions == HAIR] > 0.5).all()
        assert np.isfinite(sample.depth[person]).mean() > 0.999
        assert np.isnan(sample.depth[~person]).all()
        middle = sample.scene.view.distance_mm
        assert (np.abs(sample.depth[head & np.isfinite(sample.depth)] - middle) < 320).all()
        assert (sample.regions == FACE).mean() > 0.03
        assert (sample.regions == BODY).any()


def test_bare_face_shows_the_face_depth(samples):
    for sample in samples:
        face = (sample.regions == FACE) & np.isfinite(sample.face_depth)
        difference = np.abs(sample.depth - sample.face_depth)[face]
        assert np.median(difference) < 0.5


def test_landmarks_lie_on_the_visible_surface(samples):
    for sample in samples:
        x, y, z = sample.landmarks_478.T
        column, row = np.rint(x).astype(int), np.rint(y).astype(int)
        inside = (column >= 0) & (column < SIZE) & (row >= 0) & (row < SIZE)
        seen = sample.face_depth[row[inside], column[inside]]
        # Landmarks of the far side lie behind what is seen; none lies before it.
        assert np.nanquantile(np.abs(seen - z[inside]), 0.4) < 4.0
        assert np.nanquantile(seen - z[inside], 0.9) < 6.0


def test_face_depth_is_the_product_s(samples):
    """``backend.project`` on the same coefficients, for the part that clothes and busts do not move."""
    model = load_head_model()
    for sample in samples:
        head = sample.scene.person.head
        fit = HeadFit(
            np.array(head.identity, np.float32),
            np.array(head.expression, np.float32),
            np.zeros_like(model.mean),
            Pose(sample.scene.view.pose.rotation, sample.scene.view.pose.translation_mm),
            sample.camera,
            0.0,
            0.0,
        )
        ours = project_head(model, fit, sample.camera, TorchRasterizer()).face_mm
        both = np.isfinite(ours) & np.isfinite(sample.face_depth)
        either = np.isfinite(ours) | np.isfinite(sample.face_depth)
        assert both.sum() / either.sum() > 0.9
        assert np.median(np.abs(ours - sample.face_depth)[both]) < 0.5


def test_files_read_back_as_an_evaluation_set(samples, tmp_path):
    for sample in samples:
        write_evaluation(sample, tmp_path)
    items = read_dataset(tmp_path)
    assert [item.id for item in items] == ["00000003", "00000004", "00000011"]
    np.testing.assert_array_equal(items[1].load_regions(), samples[1].regions)
    np.testing.assert_array_equal(items[1].load_depth(), samples[1].depth)
    assert items[1].pose_deg["yaw"] == pytest.approx(samples[1].scene.view.yaw_deg)
    assert items[1].camera.fx == pytest.approx(samples[1].camera.fx)


def test_compact_files_hold_photo_classes_and_alphas(samples, tmp_path):
    save_compact(replace(samples[0], scene=replace(samples[0].scene, view_number=1)), tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "00000003b.jpg",
        "00000003b_alpha.png",
        "00000003b_regions.png",
    ]
    regions = cv2.imread(str(tmp_path / "00000003b_regions.png"), cv2.IMREAD_UNCHANGED)
    np.testing.assert_array_equal(regions, samples[0].regions)
    blue = cv2.imread(str(tmp_path / "00000003b_alpha.png"))[..., 0]
    np.testing.assert_allclose(blue / 255, samples[0].person, atol=0.003)


def test_what_cannot_be_written_is_named(samples, tmp_path, monkeypatch):
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(CannotWrite, match="taken"):
        make_folder(tmp_path / "taken" / "folder")

    def full(self: Path, data: bytes) -> None:
        with self.open("wb") as file:
            file.write(data[:10])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(CannotWrite, match=r"00000003_regions\.png.*No space"):
        save_compact(samples[0], tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["taken"]


def test_the_command_line_shows_and_saves(tmp_path, capsys):
    sheet, out = tmp_path / "sheet.png", tmp_path / "out"
    arguments = ["--count", "1", "--size", "64", "--pairs", "--device", "cpu"]
    assert main([*arguments, "--preview", str(sheet), "--out", str(out), "--compact"]) == 0
    assert cv2.imread(str(sheet)).shape == (64, 128, 3)
    assert len(list(out.iterdir())) == 6
    assert main([*arguments, "--out", str(sheet / "inside")]) == 1
    assert "sheet.png" in capsys.readouterr().err


def test_two_workers_draw_what_one_draws():
    orders = [partial(several, seed) for seed in (3, 4, 5, 6, 7)]
    alone, shared = (list(draw_all(orders, 32, "cpu", workers)) for workers in (1, 2))
    assert [sample.scene.seed for sample in shared] == [3, 4, 5, 6, 7]
    for one, other in zip(alone, shared, strict=True):
        np.testing.assert_array_equal(one.photo, other.photo)
        np.testing.assert_array_equal(one.regions, other.regions)
        np.testing.assert_array_equal(one.landmarks_478, other.landmarks_478)


def several(seed: int) -> list[Scene]:
    return [sample_scene(seed)]


def test_sizes_that_do_not_divide_are_refused():
    with pytest.raises(ValueError, match="multiple of 4"):
        generate(scenes()[:1], 126)
