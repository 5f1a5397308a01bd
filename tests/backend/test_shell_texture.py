"""Pictures of the hair's shells: what is solid is the photo's, soft edges bring no tint of their own."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from backend.camera import Camera
from backend.crop import HeadCrop
from backend.head_parse import FACE, HAIR, HeadParse
from backend.photo import Photo
from backend.shell_texture import back_image, front_image, over, shadowed_hair

SIDE = 128
GREY, BLUE = np.float32([120, 120, 120]), np.float32([40, 80, 220])


def _disc(radius: float) -> np.ndarray:
    """(SIDE,SIDE) soft matte of a disc."""
    y, x = np.mgrid[:SIDE, :SIDE]
    hard = (np.hypot(x - SIDE / 2, y - SIDE / 2) < radius).astype(np.float32)
    return cv2.GaussianBlur(hard, (0, 0), 2.0)


def _front(believed: np.ndarray) -> np.ndarray:
    """Shell picture of grey hair before blue, at the crop's size, told some matte (SIDE,SIDE)."""
    true = _disc(40)[..., None]
    pixels = np.rint(true * GREY + (1 - true) * BLUE).astype(np.uint8)
    crop = HeadCrop(pixels, np.ones((SIDE, SIDE), bool), Camera.centred(500.0, SIDE, SIDE), 1.0, 0.0, 0.0)
    labels = np.where(believed > 0.5, HAIR, 0).astype(np.uint8)
    plate = np.full((SIDE, SIDE, 3), BLUE, np.uint8)
    picture = front_image(Photo(pixels), crop, HeadParse(labels, believed, believed), plate)
    return cv2.resize(picture, (SIDE, SIDE), interpolation=cv2.INTER_AREA).astype(np.float32)


@pytest.mark.parametrize("error_px", [-2, 0, 2])
def test_a_matte_that_errs_leaves_no_tint_of_the_background(error_px: int) -> None:
    front = _front(_disc(40 + error_px))
    soft = (front[..., 3] > 25) & (front[..., 3] < 190)
    tint = front[soft][:, 2] - front[soft][:, 0]
    # The background's own is 180, and without care its opposite here -120.
    assert np.abs(tint).max() < 40


def test_what_is_solid_is_the_photo_s() -> None:
    front = _front(_disc(40))
    assert np.abs(front[40:88, 40:88, :3] - GREY).max() <= 1


def test_over_the_same_background_the_brightness_is_the_photo_s() -> None:
    matte = _disc(40)
    picture = over(_front(matte).astype(np.uint8), np.full((SIDE, SIDE, 3), BLUE, np.uint8))
    true = matte[..., None] * GREY + (1 - matte[..., None]) * BLUE
    assert np.abs(picture.mean(axis=2) - true.mean(axis=2)).max() < 12


def test_skin_that_shows_through_hair_does_not_colour_the_back() -> None:
    """Half of what is called hair is as bright as skin, on the side of the face."""
    labels = np.zeros((SIDE, SIDE), np.uint8)
    labels[10:60, 20:108], labels[60:110, 20:108] = HAIR, FACE
    pixels = np.full((SIDE, SIDE, 3), BLUE, np.uint8)
    pixels[10:110, 20:108] = (210, 160, 130)
    pixels[10:40, 20:108] = (40, 30, 30)
    crop = HeadCrop(pixels, np.ones((SIDE, SIDE), bool), Camera.centred(500.0, SIDE, SIDE), 1.0, 0.0, 0.0)
    matte = (labels > 0).astype(np.float32)
    back = back_image(Photo(pixels), crop, HeadParse(labels, matte, matte))
    assert np.abs(back.reshape(-1, 3).mean(axis=0) - (40, 30, 30)).max() < 10


def test_what_lies_under_the_drawn_face_shows_hair_in_its_shadow() -> None:
    labels = np.full((SIDE, SIDE), HAIR, np.uint8)
    labels[40:100, 40:90] = FACE
    pixels = np.where((labels == FACE)[..., None], (210, 160, 130), (80, 60, 40)).astype(np.uint8)
    crop = HeadCrop(pixels, np.ones((SIDE, SIDE), bool), Camera.centred(500.0, SIDE, SIDE), 1.0, 0.0, 0.0)
    matte, plate = np.ones((SIDE, SIDE), np.float32), np.full((SIDE, SIDE, 3), BLUE, np.uint8)
    under = np.zeros((SIDE, SIDE), bool)
    under[40:100, 60:120] = True  # the model's face: narrower on one side, over hair on the other
    pictures = [
        cv2.resize(
            front_image(Photo(pixels), crop, HeadParse(labels, matte, matte), plate, region),
            (SIDE, SIDE),
            interpolation=cv2.INTER_AREA,
        )[..., :3].astype(int)
        for region in (None, under)
    ]
    changed = np.abs(pictures[1] - pictures[0]).max(axis=2) > 3
    assert changed[46:94, 66:84].all()
    assert not changed[:, :58].any() and not changed[:, 92:].any()
    assert (pictures[1][70, 75] < (80, 60, 40)).all()


def test_a_head_with_hardly_any_hair_lends_no_tone() -> None:
    labels = np.full((SIDE, SIDE), FACE, np.uint8)
    labels[:2, :20] = HAIR
    matte = np.ones((SIDE, SIDE), np.float32)
    pixels = np.full((SIDE, SIDE, 3), 120, np.uint8)
    crop = HeadCrop(pixels, np.ones((SIDE, SIDE), bool), Camera.centred(500.0, SIDE, SIDE), 1.0, 0.0, 0.0)
    assert shadowed_hair(crop, HeadParse(labels, matte, matte)) is None
