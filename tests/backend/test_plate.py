from __future__ import annotations

import cv2
import numpy as np
import pytest

from backend.camera import Camera
from backend.crop import HeadCrop, square_crop
from backend.head_parse import BACKGROUND, BODY, FACE, HAIR, HeadParse
from backend.photo import Photo
from backend.plate import _believable, background_plate, body_card

SKIN, COAT, HAIR_COLOUR, WALL = (220, 170, 150), (40, 60, 120), (60, 40, 20), (150, 160, 150)


@pytest.fixture(scope="module")
def scene() -> tuple[Photo, HeadCrop, HeadParse]:
    """A head on a neck over a coat, drawn with exact classes: photo and crop are one."""
    y, x = np.mgrid[:512, :512]
    labels = np.full((512, 512), BACKGROUND, np.uint8)
    labels[(y > 400) & (abs(x - 256) < 200)] = BODY
    neck = (y > 300) & (y <= 400) & (abs(x - 256) < 55)
    labels[neck] = BODY
    labels[((x - 256) / 100) ** 2 + ((y - 200) / 140) ** 2 < 1] = HAIR
    face = ((x - 256) / 75) ** 2 + ((y - 230) / 105) ** 2 < 1
    labels[face] = FACE
    pixels = np.empty((512, 512, 3), np.uint8)
    for label, colour in ((BACKGROUND, WALL), (BODY, COAT), (HAIR, HAIR_COLOUR), (FACE, SKIN)):
        pixels[labels == label] = colour
    pixels[neck & (labels == BODY)] = SKIN
    photo = Photo(pixels)
    crop = square_crop(photo, Camera.centred(900.0, 512, 512), 255.5, 255.5, 512.0)
    person = (labels != BACKGROUND).astype(np.float32)
    matte = ((labels == HAIR) | (labels == FACE)).astype(np.float32)
    return photo, crop, HeadParse(labels, matte, person)


def test_plate_keeps_the_background_and_removes_the_person(
    scene: tuple[Photo, HeadCrop, HeadParse],
) -> None:
    photo, _, parse = scene
    plate = background_plate(photo, parse.person)
    assert plate.shape == photo.pixels.shape and plate.dtype == np.uint8
    np.testing.assert_array_equal(plate[:100, :100], photo.pixels[:100, :100])
    assert np.abs(plate.astype(int) - WALL).max() <= 2


def test_plate_continues_the_grain_of_the_background(scene: tuple[Photo, HeadCrop, HeadParse]) -> None:
    _, _, parse = scene
    noise = np.random.default_rng(0).normal(0, 5, (512, 512, 1))
    photo = Photo(np.clip(np.array(WALL) + noise, 0, 255).astype(np.uint8))
    plate = background_plate(photo, parse.person)
    inside = plate[150:250, 200:300, 1].std()
    assert inside == pytest.approx(plate[20:120, 20:120, 1].std(), rel=0.3)


def test_plate_without_a_person_is_the_photo_and_without_background_is_defined() -> None:
    photo = Photo(np.random.default_rng(0).integers(0, 256, (60, 80, 3), np.uint8))
    np.testing.assert_array_equal(background_plate(photo, np.zeros((60, 80), np.float32)), photo.pixels)
    assert background_plate(photo, np.ones((60, 80), np.float32)).shape == (60, 80, 3)


def test_card_shows_the_visible_body_as_it_is(scene: tuple[Photo, HeadCrop, HeadParse]) -> None:
    photo, crop, parse = scene
    card = body_card(photo, crop, parse)
    assert card.shape == (512, 512, 4) and card.dtype == np.uint8
    assert (card[350:500, 230:280, 3] >= 254).all()
    assert np.abs(card[450:500, 100:400, :3].astype(int) - COAT).max() <= 1
    assert (card[:100, :, 3] == 0).all() and (card[200, :130, 3] == 0).all()


def test_neck_goes_on_behind_the_chin_in_its_own_colour(scene: tuple[Photo, HeadCrop, HeadParse]) -> None:
    photo, crop, parse = scene
    card = body_card(photo, crop, parse)
    behind = card[310:330, 245:268]
    assert (behind[..., 3] > 250).all()
    assert np.abs(behind[..., :3].astype(int) - SKIN).mean() < 12
    hidden = (card[..., 3] > 0) & (parse.labels != BODY)
    headed = cv2.dilate((parse.matte > 0.02).astype(np.uint8), np.ones((25, 25), np.uint8)) > 0
    beside = hidden & ~headed  # only the rim that continues the photo looks out
    assert (card[..., :3][beside] == photo.pixels[beside]).all()


def test_beneath_long_hair_beside_the_neck_lies_more_of_it(
    scene: tuple[Photo, HeadCrop, HeadParse],
) -> None:
    photo, crop, parse = scene
    short = body_card(photo, crop, parse)
    y, x = np.mgrid[:512, :512]
    long = (y > 150) & (y < 400) & (abs(x - 256) < 110) & (parse.labels != FACE)
    long &= ~((parse.labels == BODY) & (abs(x - 256) < 55))
    labels = np.where(long, HAIR, parse.labels).astype(np.uint8)
    pixels = np.where(long[..., None], np.uint8(HAIR_COLOUR), photo.pixels).astype(np.uint8)
    longer = Photo(pixels)
    matte = np.maximum(parse.matte, long).astype(np.float32)
    around = square_crop(longer, Camera.centred(900.0, 512, 512), 255.5, 255.5, 512.0)
    card = body_card(longer, around, HeadParse(labels, matte, np.maximum(parse.person, matte)))
    beside = card[320:380, 330:340]
    assert (beside[..., 3] > 250).all() and (short[320:330, 330:340, 3] == 0).all()
    assert (beside[..., :3] < HAIR_COLOUR).all()
    assert (card[300:390, 364:, 3] == 0).all()  # not out to the hair's outline
    np.testing.assert_array_equal(card[350:380, 240:270], short[350:380, 240:270])  # the neck itself


def test_beyond_the_crop_the_person_matte_decides(scene: tuple[Photo, HeadCrop, HeadParse]) -> None:
    photo, _, parse = scene
    small = square_crop(photo, Camera.centred(900.0, 512, 512), 255.5, 255.5, 400.0)
    grid = small.to_photo(np.stack([np.arange(512.0)] * 2, axis=1))[:, 0].round().astype(int)
    at = np.ix_(grid, grid)
    resized = HeadParse(parse.labels[at], parse.matte[at], parse.person[at])
    card = body_card(photo, small, resized, parse.person)
    assert (card[490:, 100:400, 3] == 255).all()
    np.testing.assert_array_equal(card[500, 256, :3], COAT)


def test_no_body_in_the_picture_gives_an_empty_card(scene: tuple[Photo, HeadCrop, HeadParse]) -> None:
    photo, crop, parse = scene
    labels = np.where(parse.labels == BODY, BACKGROUND, parse.labels).astype(np.uint8)
    alone = HeadParse(labels, parse.matte, parse.matte)
    assert not body_card(photo, crop, alone)[..., 3].any()


def test_a_matte_that_misses_a_piece_of_the_body_becomes_solid() -> None:
    plate = np.full((1, 4, 3), (200, 190, 180), np.float32)
    orange = np.float32([230, 90, 40])
    half = 0.5 * np.float32([120, 110, 60]) + 0.5 * plate[0, 0]
    pixels = np.stack([orange, half, plate[0, 0] + 8, orange])[None].astype(np.float32)
    matte = np.float32([[0.2, 0.5, 0.2, 0.0]])
    solid = _believable(matte, pixels, plate)
    assert solid[0] == pytest.approx([1.0, 0.5, 0.2, 0.0])  # missed, an honest edge, grain, background
