"""Heads beyond the model: the truth costs nothing, and what is measured is what was drawn."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from backend.camera import Camera
from backend.fit import HeadFit
from backend.frames import Pose
from tools.beyond_accuracy import MODEL, SIDE, KnownHead, distance_mm, errors, known_heads


def _told(known: KnownHead) -> HeadFit:
    """The fit of who knows everything; the camera looks where the photo's does."""
    identity, expression = known.face.identity, known.face.expression
    left = known.shape - MODEL.shape(identity, expression)
    focal, principal = known.photo.focal_px or 1.0, known.face.principal_px.tolist()
    camera = Camera(focal, focal, *principal, SIDE, SIDE)
    pose = Pose(known.face.rotation, known.face.translation_mm)
    return HeadFit(identity, expression, left.astype(np.float32), pose, camera, 0.0, 0.0)


def test_who_knows_the_head_makes_no_error_and_who_does_not_does() -> None:
    (known,) = known_heads(1)
    told = _told(known)
    assert max(errors(told, known)) < 0.05
    guessed = replace(told, residual_mm=np.zeros_like(told.residual_mm))
    mm, degrees = errors(guessed, known)
    assert mm > 0.1 and degrees > 1.0


def test_a_heads_size_and_place_do_not_count() -> None:
    (known,) = known_heads(1)
    assert distance_mm(1.1 * known.shape + 30.0, known.shape) < 1e-6


def test_equal_numbers_give_equal_heads() -> None:
    (one,), (other,) = known_heads(1), known_heads(1)
    np.testing.assert_array_equal(one.photo.pixels, other.photo.pixels)
