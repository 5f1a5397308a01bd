"""How well the photo saw the head: what it is at the photo's pose, beside it, and where nothing was seen."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.head_parse import BODY, FACE, HAIR
from backend.known import facing, known_vertices, worth
from backend.morphable import MorphableModel, load_head_model
from backend.protocol import UNNOTICED_STRETCH
from backend.raster import triangulate
from backend.reconstruction import TexturedMesh

from .head_sight import CAMERA, SIDE, sight_of, standing

GREY = np.full((SIDE, SIDE, 3), 128, np.uint8)


@pytest.fixture(scope="module")
def model() -> MorphableModel:
    return load_head_model()


def mesh(model: MorphableModel, name: str = "face") -> TexturedMesh:
    """The whole head as one mesh."""
    solid = model.polygons[model.solid]
    return TexturedMesh(name, model.mean, solid, np.zeros((len(solid), 4, 2), np.float32), name)


def test_the_front_is_known_by_its_cosine_and_the_far_side_is_not(model: MorphableModel) -> None:
    at = standing(model)
    head = mesh(model)
    known = known_vertices(head, at, sight_of(model, GREY))
    cosine = facing(at, triangulate(head.polygons).vertices)
    assert (known[cosine < 0] == 0).all()
    nose = np.argmin(at[:, 2])
    assert known[nose] == pytest.approx(cosine[nose], abs=1e-6)
    assert known[nose] > 0.6
    assert (known[known > 0] == cosine[known > 0]).all()
    assert 0.1 < (known > 0).mean() < 0.6


def test_everything_that_was_seen_is_worth_all_from_where_it_was_seen(model: MorphableModel) -> None:
    at = standing(model)
    head = mesh(model)
    known = known_vertices(head, at, sight_of(model, GREY))
    here = worth(known, facing(at, triangulate(head.polygons).vertices))
    assert (here[known > 0.02] == 1).all()
    assert (here[known == 0] == 0).all()


def test_skin_under_hair_is_not_known_but_the_hair_there_is(model: MorphableModel) -> None:
    hair = np.full((SIDE, SIDE), HAIR, np.uint8)
    at = standing(model)
    sight = sight_of(model, GREY, hair)
    assert known_vertices(mesh(model), at, sight).max() == 0
    assert known_vertices(mesh(model, "hair"), at, sight).max() > 0.9


@pytest.mark.parametrize("name", ["back", "lashes"])
def test_guesses_are_not_known(model: MorphableModel, name: str) -> None:
    assert known_vertices(mesh(model, name), standing(model), sight_of(model, GREY)).max() == 0


def test_the_body_is_known_where_no_head_was_before_it(model: MorphableModel) -> None:
    labels = np.full((SIDE, SIDE), BODY, np.uint8)
    labels[:, : SIDE // 2] = FACE
    pixels = np.array([[10, 50], [10, 150], [200, 150], [200, 50]])
    at = CAMERA.unproject(pixels.astype(float), np.full(4, 950.0)).astype(np.float32)
    card = TexturedMesh(
        "body", at, np.array([[0, 1, 2, 3]], np.int32), np.zeros((1, 4, 2), np.float32), "body"
    )
    known = known_vertices(card, at, sight_of(model, GREY, labels))
    assert (known[:2] == 0).all()
    assert (known[2:] > 0.9).all()


@given(st.floats(0, 1), st.floats(-1, 1))
def test_worth_is_a_share_that_only_a_steeper_photo_lessens(known: float, cosine: float) -> None:
    value = float(worth(np.float32([known]), np.float32([cosine]))[0])
    assert 0 <= value <= 1
    if cosine <= 0 or known == 0:
        assert value == 0
    elif cosine > 0.02:
        assert value == pytest.approx(min(1.0, UNNOTICED_STRETCH * known / cosine), abs=1e-5)


def test_a_vertex_without_polygons_faces_nowhere() -> None:
    points = np.float32([[0, 0, 500], [10, 0, 500], [0, 10, 500], [5, 5, 400]])
    assert facing(points, np.array([[0, 2, 1]])).tolist() == pytest.approx([1, 1, 1, 0], abs=1e-3)
