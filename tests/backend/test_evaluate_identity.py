"""Identity and baselines: heads are drawn where the fit puts them, and refusals are counted."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from backend.camera import Camera
from backend.cli import main
from backend.errors import NoFaceFound
from backend.evaluate import DatasetBroken, FittedHead, LandmarkPredictor, Look, MeanPredictor, read_photos
from backend.evaluate.baselines import seen_mesh
from backend.evaluate.identity import BACKGROUND, evaluate_identity, model_pictures, plain_albedo
from backend.fit import HeadFit
from backend.frames import Pose, rotation_from_angles
from backend.morphable import load_head_model
from backend.photo import Photo

SIZE = 96
CAMERA = Camera.centred(SIZE * 900 / 330, SIZE, SIZE)


@pytest.fixture(scope="module")
def head() -> FittedHead:
    """The mean head before a camera, under a photo that is brighter on its right."""
    model = load_head_model()
    pose = Pose(rotation_from_angles(10, 0, 0), np.array([0.0, 0.0, 900.0]))
    nobody = np.zeros(len(model.identity), np.float32), np.zeros(len(model.expression), np.float32)
    fit = HeadFit(*nobody, np.zeros_like(model.mean), pose, CAMERA, 0.0, 0.0)
    photo = np.tile(np.linspace(60, 200, SIZE)[None, :, None], (SIZE, 1, 3)).astype(np.uint8)
    landmarks = CAMERA.project(pose.to_camera(model.landmarks_478.of(model.mean)))
    face = SimpleNamespace(points_px=landmarks.astype(np.float32))
    return FittedHead(Photo(photo), face, fit, model, model.mean)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("b", "a"):
        Image.new("RGB", (SIZE, SIZE)).save(tmp_path / f"{name}.jpg")
    (tmp_path / "notes.txt").write_text("no picture")
    return tmp_path


def test_a_folder_of_portraits_is_read_in_the_order_of_names(folder, tmp_path):
    assert [item.id for item in read_photos(folder)] == ["a", "b"]
    (tmp_path / "empty").mkdir()
    with pytest.raises(DatasetBroken, match="nor pictures"):
        read_photos(tmp_path / "empty")


def test_the_head_stands_where_the_fit_puts_it_and_takes_the_photos_light(head):
    turned = head.fit.pose.turned(yaw_deg=30)
    at_photo, aside = model_pictures(head, [head.fit.pose, turned])
    assert at_photo.shape == (SIZE, SIZE, 3)
    assert (at_photo[0, 0] == BACKGROUND).all()
    row = SIZE // 2 + 4
    left, right = at_photo[row, 30:42].mean(), at_photo[row, 54:66].mean()
    assert right > left + 20
    assert np.abs(at_photo.astype(int) - aside).max() > 30


def test_a_grey_photo_is_compared_with_a_grey_head(head):
    (picture,) = model_pictures(head, [head.fit.pose])
    assert np.ptp(picture.astype(int), axis=2).max() <= 2


def test_a_model_without_colours_is_plain(head):
    basis = plain_albedo(head.model)
    assert len(basis) == 0
    assert np.ptp(basis.of(np.zeros(0)), axis=0).max() == 0


def test_refusals_are_listed_and_turning_away_costs_likeness(head, folder):
    def fitted(item):
        if item.id == "b":
            raise NoFaceFound("No face was found.")
        return head

    result = evaluate_identity(folder, SimpleNamespace(fitted=fitted), Look.MODEL, (0.0, 45.0))
    assert result["n"] == 2
    assert [entry["id"] for entry in result["refused"]] == ["b"]
    for at in result["curve"].values():
        # |a - b|^2 = |a|^2 + |b|^2 - 2 a.b: both figures speak of the same two vectors.
        assert -1 <= at["similarity"] <= 1
        assert at["distance"] >= 0
    assert result["curve"]["0"]["distance"] != result["curve"]["45"]["distance"]


def test_only_the_product_paints_with_the_photo(head, folder):
    with pytest.raises(ValueError, match="product"):
        evaluate_identity(folder, SimpleNamespace(fitted=lambda item: head), Look.PHOTO)


def test_the_mean_head_differs_from_the_landmark_fit_in_shape_alone(head, folder):
    item = read_photos(folder)[0]
    mesh = seen_mesh(head, item)
    assert mesh.triangles.max() == len(mesh.vertices_cam) - 1
    centre = head.fit.pose.translation_mm
    assert np.abs(mesh.vertices_cam.mean(0) - centre).max() < 60
    moved = HeadFit(
        head.fit.identity + 1, head.fit.expression, head.fit.residual_mm, head.fit.pose, CAMERA, 0.0, 0.0
    )
    mean = MeanPredictor.__new__(MeanPredictor)
    mean._fitter = SimpleNamespace(model=head.model)
    landmarks = LandmarkPredictor.__new__(LandmarkPredictor)
    landmarks._fitter = mean._fitter
    np.testing.assert_array_equal(mean._shape(moved), head.model.mean)
    assert np.abs(landmarks._shape(moved) - head.model.mean).max() > 1


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["parsing", "d", "--predictor", "mean"], "Leave out --predictor"),
        (["identity", "d", "--predictor", "landmarks"], "--look model"),
        (["identity", "d", "--save", "x"], "geometry or parsing"),
    ],
)
def test_options_that_contradict_each_other(arguments, words, capsys):
    assert main(["eval", *arguments]) == 1
    assert words in capsys.readouterr().err
