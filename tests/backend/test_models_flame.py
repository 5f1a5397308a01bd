"""FLAME: pickles with chumpy, without it, and archives give the same head; the jaw becomes a shape."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from model_files import COMPONENTS, Cut, write_flame, write_mediapipe_landmarks

from backend.errors import ModelUnusable
from backend.landmarks import IBUG_68_FROM_478
from backend.models.flame import read
from backend.models.registry import format_of, read_model
from backend.morphable import load_head_model


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("flame")


@pytest.fixture(scope="module")
def face(folder: Path) -> Cut:
    return write_flame(folder)


def test_metres_and_components(folder: Path, face: Cut) -> None:
    raw = read(folder)
    np.testing.assert_allclose(raw.mean, face.mean, atol=1e-9)
    np.testing.assert_allclose(raw.identity[:COMPONENTS], face.identity, atol=1e-5)
    np.testing.assert_allclose(raw.expression[1:], face.expression, atol=1e-5)


@pytest.mark.parametrize(("name", "chumpy"), [("flame2023.pkl", False), ("flame.npz", False)])
def test_forms_without_chumpy_are_the_same_head(folder: Path, face: Cut, name: str, chumpy: bool) -> None:
    write_flame(folder, name, chumpy=chumpy)
    mine, theirs = read(folder / name), read(folder / "generic_model.pkl")
    assert mine.expression_names == theirs.expression_names
    np.testing.assert_array_equal(mine.mean, theirs.mean)
    np.testing.assert_allclose(mine.expression, theirs.expression, atol=1e-9)


def test_the_jaw_opens_about_its_joint(folder: Path, face: Cut) -> None:
    raw = read(folder)
    assert raw.expression_names[:2] == ("jawOpen", "Expression 01")
    opened = raw.expression[0]
    joint = face.mean[face.keypoints[[0, 16]]].mean(0)
    moving = np.linalg.norm(opened, axis=1) > 0
    before, after = face.mean[moving] - joint, (face.mean + opened)[moving] - joint
    np.testing.assert_allclose(np.linalg.norm(before, axis=1), np.linalg.norm(after, axis=1), rtol=1e-9)
    chin = opened[face.keypoints[8]]
    assert chin[1] < -5  # it drops
    assert 20 < np.linalg.norm(chin) < 60
    assert not moving[face.keypoints[30]]  # the nose stays


def test_the_head_is_whole_and_has_eyes(folder: Path, face: Cut) -> None:
    model = read_model(folder)
    assert set(model.part_names) == {"skin", "eye_left", "eye_right"}
    assert model.has_skull
    assert (
        model.mean[model.regions["eye_left"], 0].min() > 0 > model.mean[model.regions["eye_right"], 0].max()
    )
    truth = load_head_model()
    for name in ("ear_left", "ear_right", "scalp", "neck"):
        mine, theirs = model.regions[name], truth.regions[name][face.vertices]
        assert (mine & theirs).sum() > 0.9 * theirs.sum()


def test_landmark_files(folder: Path, face: Cut, tmp_path: Path) -> None:
    assert tuple(read(folder).landmarks.rows) == (*IBUG_68_FROM_478[17:], *IBUG_68_FROM_478[:17])
    write_flame(tmp_path)
    write_mediapipe_landmarks(tmp_path, face)
    (tmp_path / "flame_dynamic_embedding.npy").unlink()
    (tmp_path / "flame_static_embedding.pkl").unlink()
    landmarks = read(tmp_path).landmarks
    np.testing.assert_allclose(landmarks.of(face.mean), face.mean[face.keypoints[17:]], atol=1e-4)
    (tmp_path / "mediapipe_landmark_embedding.npz").unlink()
    with pytest.raises(ModelUnusable, match="flame_static_embedding"):
        read(tmp_path)


def test_a_head_in_other_units_is_refused(folder: Path, face: Cut, tmp_path: Path) -> None:
    write_flame(tmp_path, "flame.npz")
    with np.load(tmp_path / "flame.npz") as file:
        arrays = {name: file[name] for name in file.files}
    np.savez(tmp_path / "flame.npz", **{**arrays, "v_template": 100 * arrays["v_template"]})
    with pytest.raises(ModelUnusable, match="times as large"):
        read_model(tmp_path)


def test_it_is_known_by_its_content(folder: Path, face: Cut, tmp_path: Path) -> None:
    renamed = tmp_path / "whatever.pkl"
    renamed.write_bytes((folder / "generic_model.pkl").read_bytes())
    assert format_of(renamed).key == format_of(folder).key == "flame"
