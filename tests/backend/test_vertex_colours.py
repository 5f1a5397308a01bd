"""What the photo shows at the vertices: its own linear colours, on skin that the camera sees."""

from __future__ import annotations

import numpy as np
import pytest

from backend.colour import to_linear
from backend.head_parse import BODY, FACE, GLASSES
from backend.morphable import MorphableModel, load_head_model
from backend.vertex_colours import vertex_colours

from .head_sight import CAMERA, SIDE, sight_of, standing

SKIN = (200, 150, 120)


@pytest.fixture(scope="module")
def model() -> MorphableModel:
    return load_head_model()


def plain(colour: tuple[int, int, int] = SKIN) -> np.ndarray:
    return np.full((SIDE, SIDE, 3), colour, np.uint8)


def test_a_plain_photo_has_one_linear_colour(model: MorphableModel) -> None:
    look = vertex_colours(model, standing(model), sight_of(model, plain()))
    known = look.weights > 0
    assert known.sum() > 900
    np.testing.assert_allclose(
        look.colours[known], np.tile(to_linear(np.array(SKIN) / 255), (known.sum(), 1)), rtol=1e-4
    )
    assert not look.colours[~known].any()


def test_only_skin_that_faces_the_camera_counts(model: MorphableModel) -> None:
    look = vertex_colours(model, standing(model), sight_of(model, plain()))
    known = look.weights > 0
    ears = model.regions["ear_left"] | model.regions["ear_right"]
    assert not known[~(model.regions["face"] | ears)].any()
    assert look.normals[known, 2].min() > 0
    tip = int(np.argmax(np.where(model.regions["nose"], model.mean[:, 2], -np.inf)))
    assert look.weights[tip] == 1.0
    assert 0 <= look.weights.min() <= look.weights.max() <= 1


def test_normals_look_out_of_the_head_with_y_up(model: MorphableModel) -> None:
    look = vertex_colours(model, standing(model), sight_of(model, plain()))
    crown, chin = int(model.mean[:, 1].argmax()), int(model.landmarks_478.vertices[152, 0])
    assert look.normals[crown, 1] > 0.9
    assert look.normals[chin, 1] < 0
    np.testing.assert_allclose(np.linalg.norm(look.normals[model.regions["face"]], axis=1), 1, atol=1e-4)


def test_glasses_and_their_edge_are_left_out(model: MorphableModel) -> None:
    labels = np.full((SIDE, SIDE), FACE, np.uint8)
    labels[: SIDE // 2] = GLASSES
    look = vertex_colours(model, standing(model), sight_of(model, plain(), labels))
    row = CAMERA.project(standing(model))[:, 1]
    assert not look.weights[row < SIDE // 2 + 1].any()
    assert look.weights[row > SIDE // 2 + 8].any()


def test_nothing_is_seen_where_there_is_no_skin(model: MorphableModel) -> None:
    look = vertex_colours(
        model, standing(model), sight_of(model, plain(), np.full((SIDE, SIDE), BODY, np.uint8))
    )
    assert not look.weights.any()


@pytest.mark.parametrize("colour", [(255, 255, 255), (3, 2, 2)])
def test_what_the_camera_could_not_hold_is_not_believed(
    model: MorphableModel, colour: tuple[int, int, int]
) -> None:
    assert not vertex_colours(model, standing(model), sight_of(model, plain(colour))).weights.any()
