"""The user's own models: recognised by content, kept packed, told with their licences, used by the engine."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from model_files import write_bfm
from skimage import data

from backend.cli import main
from backend.engine import Engine
from backend.errors import ModelUnusable
from backend.evaluate.predict import render_over_plate
from backend.evaluate.roundtrip import similarity_inside
from backend.models.registry import FORMATS, entries, install, installed_model, models_folder, read_model
from backend.photo import Photo
from backend.reconstruction import Reconstruction
from backend.repose import render_coarse

ROUND_TRIP_DB = 30.0


@pytest.fixture(scope="module")
def bfm(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("bfm")
    write_bfm(path)
    return path


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LIKENESS_MODELS", str(tmp_path / "models"))
    return tmp_path / "models"


def test_nothing_is_there_before_it_is_added(own_folder: Path) -> None:
    found = {entry.key: entry for entry in entries()}
    assert set(found) == {"likeness", *(kind.key for kind in FORMATS)}
    assert found["likeness"].installed
    assert found["likeness"].commercial_use
    assert not any(found[kind.key].installed for kind in FORMATS)
    assert {key for key, entry in found.items() if entry.commercial_use} == {"likeness", "ict"}
    assert not own_folder.exists()
    with pytest.raises(ModelUnusable, match="not installed") as caught:
        installed_model("bfm")
    assert "faces.dmi.unibas.ch" in caught.value.hint


def test_the_packed_copy_is_the_same_model(bfm: Path) -> None:
    install(bfm)
    direct, packed = read_model(bfm), installed_model("bfm")
    np.testing.assert_array_equal(packed.mean, direct.mean)
    np.testing.assert_allclose(packed.identity, direct.identity, atol=np.abs(direct.identity).max() / 60_000)
    np.testing.assert_array_equal(packed.landmarks_478.rows, direct.landmarks_478.rows)
    np.testing.assert_array_equal(packed.expression_bounds, direct.expression_bounds)
    assert (packed.licence, packed.commercial_use) == (direct.licence, False)


def test_a_damaged_copy_is_told_and_its_remedy(bfm: Path, own_folder: Path) -> None:
    install(bfm)
    packed = own_folder / "bfm.npz"
    packed.write_bytes(packed.read_bytes()[:1000])
    with pytest.raises(ModelUnusable, match="damaged") as caught:
        installed_model("bfm")
    assert "--add" in caught.value.hint
    assert "damaged" in next(entry for entry in entries() if entry.key == "bfm").problem


@pytest.mark.parametrize("content", [b"", b"\x80\x02}.", b"PK\x03\x04", b"v 0 0 0\n"])
@pytest.mark.parametrize("name", ["model.pkl", "model.npz", "model.obj", "model.mat"])
def test_files_of_no_known_kind(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ModelUnusable, match="no morphable model"):
        read_model(tmp_path / name)


def test_paths_and_words_that_lead_nowhere(tmp_path: Path) -> None:
    with pytest.raises(ModelUnusable, match="no file"):
        read_model(tmp_path / "nothing")
    with pytest.raises(ModelUnusable, match="no morphable model"):
        read_model(tmp_path)
    with pytest.raises(ModelUnusable, match="smpl"):
        installed_model("smpl")


@pytest.mark.parametrize(
    ("platform", "variable", "place"),
    [("linux", "XDG_DATA_HOME", "likeness/models"), ("win32", "LOCALAPPDATA", "Likeness/models")],
)
def test_the_folder_follows_the_system(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, platform: str, variable: str, place: str
) -> None:
    monkeypatch.delenv("LIKENESS_MODELS")
    monkeypatch.setattr("sys.platform", platform)
    monkeypatch.setenv(variable, str(tmp_path))
    assert models_folder() == tmp_path / place


def test_the_command_line(bfm: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "--add", str(bfm)]) == 0
    capsys.readouterr()
    assert main(["models"]) == 0
    words = capsys.readouterr().out
    assert words.count("commercial use: NOT allowed") == 2
    assert main(["models", "--json"]) == 0
    listed = {entry["key"]: entry for entry in json.loads(capsys.readouterr().out)["models"]}
    assert listed["bfm"]["installed"]
    assert not listed["flame"]["installed"]
    assert main(["models", "--add", "/nowhere"]) == 1
    assert "no file" in capsys.readouterr().err


@pytest.fixture(scope="module")
def photo() -> Photo:
    return Photo(data.astronaut(), None, "astronaut")


@pytest.fixture(scope="module")
def head(bfm: Path, photo: Photo) -> Reconstruction:
    """A head made with a model of the face alone."""
    return Engine("cpu", model=read_model(bfm)).reconstruct(photo)


def test_a_face_model_becomes_a_whole_head(head: Reconstruction, photo: Photo) -> None:
    assert [mesh.name for mesh in head.meshes] == ["face", "hair", "back", "body"]
    assert {mesh.image for mesh in head.meshes} <= set(head.images)
    assert head.expression.shape == (len(head.expression_names),)
    assert similarity_inside(photo.pixels, *render_over_plate(head))[0] > ROUND_TRIP_DB


def test_its_turned_head_has_no_hole(head: Reconstruction) -> None:
    for yaw in (-20, 20):
        alpha = render_coarse(head, head.pose.turned(yaw_deg=yaw))[..., 3]
        solid = (alpha > 127).astype(np.uint8)
        filled = cv2.morphologyEx(solid, cv2.MORPH_CLOSE, np.ones((9, 9), np.uint8))
        assert (filled - solid).sum() < 0.004 * solid.sum()


def test_the_licence_reaches_the_artist(head: Reconstruction) -> None:
    assert head.model == "Basel Face Model 2009"
    assert "must not be used commercially" in head.warnings[0]
