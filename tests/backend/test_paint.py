"""The head's own neck: where it is shown, and where the photo's takes over."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from backend import paint
from backend.head_parse import BACKGROUND, BODY, FACE
from backend.morphable import MEDIAPIPE_POINTS, load_head_model
from backend.paint import HIDDEN_NECK_MM, SKIN_NECK_MM, HeadPainter

from .head_sight import CAMERA, SIDE, photographed, sight_of, standing

SKIN = np.float32([190, 140, 115])


@pytest.fixture(scope="module")
def painter() -> HeadPainter:
    return HeadPainter(load_head_model())


def _alpha(painter: HeadPainter, beside: int) -> NDArray[np.float32]:
    """(M,) alpha of the neck's texels, of a photo whose lower half is of class ``beside``."""
    model = painter.model
    pixels = photographed(model, np.tile(SKIN, (len(model.mean), 1)))
    labels = np.where(pixels.any(axis=2), FACE, BACKGROUND).astype(np.uint8)
    chin = CAMERA.project(standing(model)[model.regions["face"]])[:, 1].max()
    labels[round(float(chin)) :] = beside
    landmarks = np.zeros((MEDIAPIPE_POINTS, 2), np.float32)
    image = painter.face(standing(model), sight_of(model, pixels, labels), landmarks)
    atlas = painter.atlases["face"]
    step = atlas.size // atlas.grid
    small = image[step // 2 :: step, step // 2 :: step, 3] / np.float32(255)
    return atlas.from_grid(small)


def _of_neck(painter: HeadPainter) -> tuple[NDArray[np.bool_], NDArray[np.float32], NDArray[np.bool_]]:
    """Texels of the neck (M,), their distance from the jaw (M,), and whether the photo shows them (M,)."""
    model, atlas = painter.model, painter.atlases["face"]
    neck = atlas.choose(model.regions["neck"])
    blank = np.zeros((SIDE, SIDE, 3), np.uint8)
    seen = sight_of(model, blank).see(atlas.spread(standing(model)))
    return neck, atlas.spread(painter._below_jaw)[:, 0], seen.visible


def test_bare_skin_of_the_neck_leads_into_the_photos(painter: HeadPainter) -> None:
    neck, below_jaw, visible = _of_neck(painter)
    alpha = _alpha(painter, BODY)
    assert np.median(alpha[neck & visible & (below_jaw < SKIN_NECK_MM[0])]) == 1
    assert alpha[neck & (below_jaw > SKIN_NECK_MM[1] + 5)].mean() < 0.001
    # What the photo did not see of it ends sooner.
    between = (below_jaw > HIDDEN_NECK_MM[1]) & (below_jaw < SKIN_NECK_MM[1] - 13)
    assert alpha[neck & between & visible].mean() > alpha[neck & between & ~visible].mean() + 0.3


def test_no_neck_hangs_before_the_photos_background(painter: HeadPainter) -> None:
    neck, below_jaw, visible = _of_neck(painter)
    alpha = _alpha(painter, BACKGROUND)
    assert (alpha[neck & visible & (below_jaw > SKIN_NECK_MM[0])] > 0.5).mean() < 0.02


def test_colours_along_the_border_of_the_face_do_not_stain_it(
    painter: HeadPainter, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, atlas = painter.model, painter.atlases["face"]
    pixels = photographed(model, np.tile(SKIN, (len(model.mean), 1)))
    labels = np.where(pixels.any(axis=2), FACE, BACKGROUND).astype(np.uint8)
    inside = cv2.erode((labels == FACE).astype(np.uint8), np.ones((3, 3), np.uint8))
    pixels[(labels == FACE) & (inside == 0)] = (0, 0, 255)

    def stained(border_mm: float) -> float:
        monkeypatch.setattr(paint, "BORDER_MM", border_mm)
        landmarks = np.zeros((MEDIAPIPE_POINTS, 2), np.float32)
        image = painter.face(standing(model), sight_of(model, pixels, labels), landmarks)
        step = atlas.size // atlas.grid
        colour = atlas.from_grid(image[::step, ::step, :3])[atlas.choose(model.regions["face"])]
        return float((colour[:, 2] > colour[:, 0]).mean())

    # 3 pixels of this photo.
    assert stained(6.5) < 0.2 * stained(0.0)
