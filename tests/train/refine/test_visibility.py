"""What one view of a head sees of what another one shows, on two flat cards."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from backend.frames import Pose, rotation_from_angles
from backend.reconstruction import Reconstruction
from tests.backend_fakes import small_reconstruction
from train.common.seed import sample_generator
from train.refine.portraits import head_window, look_at
from train.refine.visibility import head_surface, seen_by

FRONTAL = Pose(rotation_from_angles(0, 0, 0), np.array([0.0, 0.0, 600.0]))


@pytest.fixture
def card() -> Reconstruction:
    """One square that faces the camera."""
    small = small_reconstruction()
    face = replace(small.mesh("face"), expression=None, identity=None)
    return replace(small, meshes=(face,), pose=FRONTAL)


@pytest.fixture
def cards(card: Reconstruction) -> Reconstruction:
    """A small card close before the square's middle."""
    face = card.mesh("face")
    small = replace(face, name="teeth", vertices=face.vertices * np.float32([0.3, 0.3, 1]) + [0, 0, 60])
    return replace(card, meshes=(face, replace(small, vertices=small.vertices.astype(np.float32))))


def test_a_view_sees_all_that_it_shows(cards: Reconstruction) -> None:
    view = head_surface(cards, FRONTAL, cards.camera)
    shown = np.isfinite(view.depth_mm)
    seen = seen_by(view, view)
    assert shown.any() and (seen[~shown] == 0).all()
    assert (seen[shown] == 1).mean() > 0.8  # but for the jump between the cards


def test_a_grazing_view_has_few_pixels_for_a_surface(card: Reconstruction) -> None:
    front = head_surface(card, FRONTAL, card.camera)
    for yaw, least, most in ((30, 1.0, 1.0), (65, 0.15, 0.85), (100, 0.0, 0.0)):
        aside = head_surface(card, FRONTAL.turned(yaw), card.camera)
        middle = seen_by(front, aside)[24, 32]
        assert least <= middle <= most
        # The other way round there are pixels in plenty.
        if yaw == 30:
            assert seen_by(aside, front)[np.isfinite(aside.depth_mm)].mean() > 0.9


def test_what_stands_before_hides(cards: Reconstruction) -> None:
    aside = head_surface(cards, FRONTAL.turned(40), cards.camera)
    front = head_surface(cards, FRONTAL, cards.camera)
    hidden = np.isfinite(front.depth_mm) & (seen_by(front, aside) == 0)
    assert hidden[18:30, 20:44].any()


def test_portraits_stay_inside_the_photo_and_lack_what_the_turn_hides(cards: Reconstruction) -> None:
    window = head_window(cards, 32)
    corners = window.to_picture(np.array([[0.0, 0.0], [31.0, 31.0]]))
    assert corners.min() >= -0.5 and (corners[1] <= [63.5, 47.5]).all()
    found = look_at(cards, sample_generator(0, 1), poses=2)
    assert len(found.turned) == 2 and found.pixels.shape == (320, 320, 3)
    for turned in found.turned:
        assert (turned.known[turned.coarse[..., 3] == 0] == 0).all()
        assert 0 < turned.would_be_seen[found.cover > 0].mean() <= 255
