"""Which of the model's ears lie where the photo shows one, and what skin meshes draw."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from backend.head_parse import EAR, HAIR
from backend.project import ProjectedHead, shown_skin, well_fitted_ears

SIZE = 64


def box(x0: int, x1: int, y0: int = 20, y1: int = 40) -> np.ndarray:
    mask = np.zeros((SIZE, SIZE), bool)
    mask[y0:y1, x0:x1] = True
    return mask


def head(left: np.ndarray, right: np.ndarray) -> ProjectedHead:
    nothing, none = np.full((SIZE, SIZE), np.nan, np.float32), np.zeros((SIZE, SIZE), bool)
    return ProjectedHead(nothing, nothing, nothing, none, none, left, right, none)


def labels(ears: np.ndarray) -> np.ndarray:
    return np.where(ears, EAR, HAIR).astype(np.uint8)


def test_each_ear_is_judged_by_its_own_patch() -> None:
    left, right = box(45, 55), box(9, 19)
    seen = labels(box(46, 56) | box(2, 11))
    assert well_fitted_ears(head(left, right), seen) == ("ear_left",)


def test_ears_under_hair_are_not_shown() -> None:
    fitted = head(box(45, 55), box(9, 19))
    assert well_fitted_ears(fitted, labels(np.zeros((SIZE, SIZE), bool))) == ()
    # A lobe that peeps out of the hair is no whole ear.
    assert well_fitted_ears(fitted, labels(box(45, 55, 36, 40))) == ()


def test_a_large_seen_ear_is_more_than_the_models() -> None:
    fitted = head(box(45, 50, 25, 35), box(9, 19))
    assert well_fitted_ears(fitted, labels(box(40, 60, 15, 45) | box(9, 19))) == ("ear_right",)


def test_shown_skin_is_what_meshes_draw_before_the_shells() -> None:
    face, neck, left, right = box(20, 40), box(20, 40, 40, 60), box(45, 55), box(9, 19)
    none = np.zeros((SIZE, SIZE), bool)
    front = np.full((SIZE, SIZE), 600, np.float32)
    fitted = ProjectedHead(front, front, front, face, box(0, 8), left, right, neck)
    np.testing.assert_array_equal(np.isfinite(shown_skin(fitted, ("ear_left",))), face | neck | left)
    np.testing.assert_array_equal(np.isfinite(shown_skin(fitted, ())), face | neck)
    # Of another head's skull no mesh shows anything.
    fitted = replace(fitted, own_ears=False, scalp=none)
    np.testing.assert_array_equal(np.isfinite(shown_skin(fitted, ())), face)
