"""The test faces: the same seed gives the same person, and the answers belong to the picture."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from backend.evaluate import read_dataset
from backend.morphable import load_head_model
from tools.ict_faces.dataset import write_dataset
from tools.ict_faces.figure import MASKS, Mould
from tools.ict_faces.lamps import shadow
from tools.ict_faces.noise import solid_noise
from tools.ict_faces.paint import Painter
from tools.ict_faces.person import PITCH_DEG, ROLL_DEG, YAW_DEG, draw_person

MODEL = load_head_model()
"""The shipped head has all that the painter asks of ICT's, in a quarter of its size."""
SIZE = 48


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    out = tmp_path_factory.mktemp("faces")
    assert list(write_dataset(MODEL, out, range(1), 3, SIZE)) == ["s3_0000"]
    return out


def test_a_person_depends_on_seed_and_number_alone():
    first, again, other = (draw_person(MODEL, 1, number, SIZE) for number in (4, 4, 5))
    np.testing.assert_array_equal(first.identity, again.identity)
    assert first.camera == again.camera
    assert np.abs(first.identity - other.identity).max() > 0.1


def test_people_stay_within_what_was_promised():
    people = [draw_person(MODEL, 0, number, SIZE) for number in range(60)]
    angles = np.array([list(person.pose.angles_deg.values()) for person in people])
    assert (np.abs(angles).max(0) <= np.array([YAW_DEG, PITCH_DEG, ROLL_DEG]) + 1e-6).all()
    assert np.abs(angles[:, 0]).max() > 25
    weights = np.stack([person.expression for person in people])
    assert weights.min() >= 0
    assert weights.max() <= 1
    assert 0.9 < np.std([person.identity for person in people]) < 1.1


def test_depth_regions_and_normals_agree_with_the_picture(folder):
    item = read_dataset(folder)[0]
    depth, regions = item.load_depth(), item.load_regions()
    np.testing.assert_array_equal(np.isfinite(depth), regions > 0)
    assert (regions == 1).sum() > 0.05 * SIZE**2
    packed = cv2.imread(str(folder / "s3_0000_normals.png"), cv2.IMREAD_UNCHANGED)[..., ::-1]
    normals = packed / 32767.5 - 1
    np.testing.assert_allclose(np.linalg.norm(normals[regions > 0], axis=1), 1, atol=1e-3)
    # What is seen faces the camera: in OpenCV's axes towards -z.
    assert np.median(normals[regions == 1][:, 2]) < -0.5


def test_the_face_lies_where_camera_and_pose_say(folder):
    item, person = read_dataset(folder)[0], draw_person(MODEL, 3, 0, SIZE)
    assert item.pose_deg == pytest.approx(person.pose.angles_deg)
    shape = MODEL.shape(person.identity, person.expression)
    nose = person.pose.to_camera(MODEL.landmarks_68.of(shape)[30])
    x, y = np.rint(item.camera.project(nose)).astype(int)
    assert item.load_regions()[y, x] == 1
    assert item.load_depth()[y, x] == pytest.approx(nose[2], abs=12)


def test_what_is_drawn_already_is_left(folder):
    before = (folder / "s3_0000.npy").stat().st_mtime_ns
    assert list(write_dataset(MODEL, folder, range(1), 3, SIZE)) == ["s3_0000"]
    assert (folder / "s3_0000.npy").stat().st_mtime_ns == before


def test_shoulders_close_the_neck_and_hair_lifts_the_scalp():
    mould = Mould(MODEL)
    person = draw_person(MODEL, 0, 1, SIZE)
    bald = replace(person, looks=replace(person.looks, hair_mm=0.0))
    hairy = replace(person, looks=replace(person.looks, hair_mm=10.0))
    lifted = np.linalg.norm(mould.cast(hairy).vertices - mould.cast(bald).vertices, axis=1)
    assert lifted[mould.masks[:, MASKS.index("scalp")] > 0.95].min() > 2
    assert lifted[mould.masks[:, MASKS.index("face")] > 0.95].max() == 0
    assert mould.reference[:, 1].min() < MODEL.mean[:, 1].min() - 100


def test_lips_are_redder_than_cheeks_and_shaven_heads_have_no_hair():
    person = draw_person(MODEL, 0, 1, SIZE)
    person = replace(person, looks=replace(person.looks, hair_mm=0.0, lip=1.0, melanin=0.2, stubble=0.0))
    marks = MODEL.landmarks_68.of(MODEL.mean)
    places = np.stack([(marks[51] + marks[62]) / 2, (marks[2] + marks[31]) / 2]).astype(np.float32)
    masks = np.eye(len(MASKS), dtype=np.float32)[[0, 0]]
    paint = Painter(MODEL, person).paint(places, masks, np.zeros(2, int))
    lip, cheek = paint.albedo
    assert lip[0] / lip[1] > cheek[0] / cheek[1]
    assert paint.hair.max() == 0


def test_noise_is_smooth_and_repeats():
    places = np.random.default_rng(0).uniform(-50, 50, (200, 3))
    values = solid_noise(places, (1, 2), 2)
    np.testing.assert_array_equal(values, solid_noise(places, (1, 2), 2))
    assert values.min() >= 0
    assert values.max() <= 1
    assert np.abs(solid_noise(places + 1e-3, (1, 2)) - solid_noise(places, (1, 2))).max() < 0.01
    assert np.abs(values - solid_noise(places, (1, 3), 2)).max() > 0.1


def test_a_wall_casts_a_shadow_on_what_is_behind_it():
    wall = np.array([[-50, -50, 0], [50, -50, 0], [50, 50, 0], [-50, 50, 0]], np.float32)
    triangles = np.array([[0, 1, 2], [0, 2, 3]])
    points = np.array([[0, 0, 100], [0, 0, -100], [200, 0, 100]], np.float32)
    lit = shadow(points, wall, triangles, np.array([0, 0, -1.0]), 128, 1.0, 3.0)
    np.testing.assert_allclose(lit, [0, 1, 1])
