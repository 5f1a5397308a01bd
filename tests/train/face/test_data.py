"""Samples become windows whose truth holds in them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from backend.landmarks import IRIS_LANDMARKS
from backend.morphable import load_head_model
from backend.nets.face_crop import WindowCameras, face_window
from backend.resample import Window
from train.common.errors import BrokenSample, EmptyDataset
from train.face.data import DARKEST, FaceData, Jitter, even_out, light_of, photographed, read_faces, strayed
from train.face.render import shading
from train.face.shape import shape_model
from train.synth.sample import generate
from train.synth.scene import sample_scene
from train.synth.write import write_evaluation

from . import faces

STRAYING = Jitter(0.05, 0.1)


def test_truth_holds_in_every_window(tmp_path: Path) -> None:
    model = shape_model(load_head_model(), torch.device("cpu"))
    data = FaceData([faces.folder(tmp_path)], 64, STRAYING, seed=3)
    for number in range(6):
        sample = {name: values[None] for name, values in data.sample(number).items()}
        assert sample["picture"].shape == (1, 3, 64, 64) and sample["picture"].abs().max() <= 1
        cameras = WindowCameras(sample["focal"], sample["principal"], 64)
        points = model.landmarks_478.of(model.vertices(sample["identity"], sample["expression"]))
        seen = cameras.project(cameras.to_camera(points, sample["rotation"], sample["place"]))
        torch.testing.assert_close(seen, sample["landmarks"], rtol=0, atol=0.01)


def test_faces_without_depth_have_none(tmp_path: Path) -> None:
    entry = {name: value for name, value in faces.line(1).items() if name != "face_depth"}
    data = FaceData([faces.write(tmp_path, [{**entry, "face_depth": "x.npy"}])], 64, STRAYING, seed=3)
    assert torch.isfinite(data.sample(0)["depth"]).any()
    (tmp_path / "manifest.jsonl").write_text(json.dumps(entry))
    assert not torch.isfinite(FaceData([tmp_path], 64, STRAYING, seed=3).sample(0)["depth"]).any()


def test_what_the_generator_writes_is_understood(tmp_path: Path) -> None:
    """The generator bends necks, turns eyes and knows its own landmarks: ours must agree."""
    batch = generate([sample_scene(11)], size=64)
    write_evaluation(batch.sample(0), tmp_path)
    (face,) = read_faces(tmp_path)
    model = shape_model(load_head_model(), torch.device("cpu"))
    sample = {name: v[None] for name, v in FaceData([tmp_path], 224, Jitter(0.0, 0.0), 0).sample(0).items()}
    cameras = WindowCameras(sample["focal"], sample["principal"], 224)
    shape = model.vertices(sample["identity"], sample["expression"])
    points = cameras.to_camera(model.landmarks_478.of(shape), sample["rotation"], sample["place"])
    off = (cameras.project(points) - sample["landmarks"]).norm(dim=-1)[0]
    assert off[: IRIS_LANDMARKS.start].max() < 0.5
    window = face_window(face.landmarks_px)
    assert np.isclose(window.scale * face.focal_px, sample["focal"].item(), rtol=1e-5)
    depth = sample["depth"][0]
    assert torch.isfinite(depth).float().mean() > 0.2
    assert (depth[torch.isfinite(depth)] - face.translation_mm[2]).abs().max() < 200


def test_equal_numbers_give_equal_windows(tmp_path: Path) -> None:
    folder = faces.folder(tmp_path)
    first, second = (FaceData([folder], 64, STRAYING, seed=3) for _ in range(2))
    for name, values in first.sample(5).items():
        torch.testing.assert_close(values, second.sample(5)[name], equal_nan=True)
    assert not torch.equal(first.sample(5)["landmarks"], first.sample(6)["landmarks"])


def test_windows_stray_as_far_as_they_should() -> None:
    window, rng = Window.centred(50.0, 40.0, 100.0, 64), np.random.default_rng(1)
    found = [strayed(window, STRAYING, rng) for _ in range(2000)]
    middles = np.array([w.to_picture(np.full(2, 31.5)) for w in found])
    sides = np.log([64 / w.scale for w in found])
    np.testing.assert_allclose(middles.mean(0), [50, 40], atol=0.5)
    np.testing.assert_allclose(middles.std(0), 5.0, rtol=0.1)
    assert sides.mean() == pytest.approx(np.log(100), abs=0.01) and sides.std() == pytest.approx(0.1, rel=0.1)


def test_depth_is_never_mixed(tmp_path: Path) -> None:
    depth = FaceData([faces.folder(tmp_path)], 64, STRAYING, seed=0).sample(0)["depth"]
    known = depth[torch.isfinite(depth)]
    assert 0 < len(known) < depth.numel()
    assert torch.equal(known, known.round())


def test_a_lamp_by_hand() -> None:
    light = faces.line(0)["scene"]["light"]
    towards = torch.tensor([[0.0, -0.6, -0.8]])  # in camera axes
    shown = shading(towards, torch.from_numpy(light_of(light))[None])[0]
    # Where it faces the lamp the three bands of the clamped cosine add up to 1/4 + 1/2 + 5/16.
    expected = 0.282095 * np.array(light["sky"][0]) + 1.0625 * np.array(faces.COLOUR)
    np.testing.assert_allclose(shown, expected, rtol=1e-5)


def test_light_is_metered_and_grey_in_grey_pictures() -> None:
    coloured, grey = (faces.line(seed)["scene"] for seed in (0, 1))
    light = even_out(photographed(light_of(coloured["light"]), coloured["finish"]))
    # Normals of a ball, one for each pixel of its picture.
    x, y = np.meshgrid(*[np.linspace(-1, 1, 201)] * 2)
    inside = x**2 + y**2 < 1
    normals = np.stack([x, y, -np.sqrt(np.clip(1 - x**2 - y**2, 0, 1))], axis=-1)[inside]
    ball = shading(torch.from_numpy(normals), torch.from_numpy(light).double().expand(len(normals), -1, -1))
    assert ball.mean().item() == pytest.approx(1.0, abs=0.01)
    assert light[0, 0] / light[0, 1] > 1.2
    without = photographed(light_of(grey["light"]), grey["finish"])
    np.testing.assert_array_equal(without[:, 0], without[:, 2])
    behind = np.zeros((9, 3), np.float32)
    behind[0], behind[3] = 1.0, -0.8
    assert np.isclose(0.282095 * even_out(behind)[0, 0], 1 / DARKEST)
    with pytest.raises(ValueError, match="without light"):
        even_out(np.zeros((9, 3), np.float32))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("camera", "fx"), None),
        (("landmarks_478",), [[1.0, 2.0, 3.0]]),
        (("scene", "view"), {"yaw": 3}),
        (("scene", "person"), {}),
        (("scene", "light", "sky"), [[0.0, 0.0, 0.0]] * 9),
    ],
)
def test_a_broken_line_is_named(tmp_path: Path, path: tuple[str, ...], value: Any) -> None:
    entry = json.loads(json.dumps(faces.line(1)))
    if path[-1] == "sky":
        entry["scene"]["light"]["lamps"] = []
    place = entry
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    folder = faces.write(tmp_path, [faces.line(0), entry])
    with pytest.raises(BrokenSample, match="line 2"):
        read_faces(folder)


def test_missing_and_unfit_files_are_named(tmp_path: Path) -> None:
    data = faces.folder(tmp_path / "a", 1)
    np.save(data / "0_face.npy", np.zeros((3, 3), np.float32))
    with pytest.raises(BrokenSample, match=r"0_face\.npy"):
        FaceData([data], 64, STRAYING, 0).sample(0)
    (data / "0_face.npy").write_bytes(b"no array")
    with pytest.raises(BrokenSample, match=r"0_face\.npy"):
        FaceData([data], 64, STRAYING, 0).sample(0)
    (data / "0.png").write_bytes(b"no picture")
    with pytest.raises(BrokenSample, match=r"0\.png"):
        FaceData([data], 64, STRAYING, 0).sample(0)


def test_empty_folders_are_refused(tmp_path: Path) -> None:
    for folders in ([], [tmp_path]):
        with pytest.raises(EmptyDataset):
            FaceData(folders, 64, STRAYING, 0)
    (tmp_path / "manifest.jsonl").write_text("\n")
    with pytest.raises(EmptyDataset):
        FaceData([tmp_path], 64, STRAYING, 0)
