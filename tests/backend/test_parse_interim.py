from __future__ import annotations

import cv2
import numpy as np
import pytest

from backend.crop import HeadCrop, rough_crop
from backend.head_parse import (
    BACKGROUND,
    BODY,
    EAR,
    FACE,
    HAIR,
    HeadParse,
    ParseGuide,
    face_oval,
    guide_from_landmarks,
)
from backend.landmarks import MediaPipeDetector
from backend.parse_interim import InterimHeadParser
from backend.person_mask import PersonSegmenter, colour_matte
from backend.photo import Photo

from . import bad_input


@pytest.fixture(scope="module")
def crop_and_guide() -> tuple[HeadCrop, ParseGuide]:
    photo = Photo(bad_input.astronaut())
    face = MediaPipeDetector().detect(photo.pixels)[0]
    crop = rough_crop(photo, face)
    return crop, guide_from_landmarks(crop.to_crop(face.points_px), crop.size)


@pytest.fixture(scope="module")
def parse(crop_and_guide: tuple[HeadCrop, ParseGuide]) -> HeadParse:
    return InterimHeadParser().parse(*crop_and_guide)


def label_at(parse: HeadParse, crop: HeadCrop, x: float, y: float) -> int:
    """Class at a pixel of the astronaut photo."""
    column, row = np.rint(crop.to_crop(np.array([x, y]))).astype(int)
    return int(parse.labels[row, column])


def test_shapes_and_ranges(parse: HeadParse) -> None:
    assert parse.labels.shape == (512, 512) and parse.labels.dtype == np.uint8
    for matte in (parse.matte, parse.person):
        assert matte.dtype == np.float32 and matte.min() >= 0 and matte.max() <= 1
    assert (parse.matte <= parse.person + 1e-6).all()


@pytest.mark.parametrize(
    ("x", "y", "expected"),
    [
        (225, 110, FACE),  # nose
        (195, 125, FACE),  # cheek
        (240, 92, FACE),  # beside the eye
        (230, 30, HAIR),  # crown
        (168, 80, HAIR),  # side
        (285, 90, HAIR),
        (225, 215, BODY),  # neck of the suit
        (120, 260, BODY),  # shoulder
        (80, 100, BACKGROUND),
        (350, 120, BACKGROUND),
    ],
)
def test_astronaut(
    parse: HeadParse, crop_and_guide: tuple[HeadCrop, ParseGuide], x: float, y: float, expected: int
) -> None:
    crop, _ = crop_and_guide
    assert label_at(parse, crop, x, y) == expected


def test_head_has_plausible_shares(parse: HeadParse, crop_and_guide: tuple[HeadCrop, ParseGuide]) -> None:
    _, guide = crop_and_guide
    oval = face_oval(guide.landmarks_px, 512)
    assert (parse.labels[oval] == FACE).mean() > 0.9
    head = np.isin(parse.labels, (FACE, HAIR, EAR))
    assert parse.matte[head].mean() > 0.95
    assert parse.matte[parse.labels == BACKGROUND].mean() < 0.03
    assert parse.matte[parse.labels == BODY].mean() < 0.1


def test_the_same_crop_gives_the_same_answer(
    parse: HeadParse, crop_and_guide: tuple[HeadCrop, ParseGuide]
) -> None:
    again = InterimHeadParser().parse(*crop_and_guide)
    np.testing.assert_array_equal(again.labels, parse.labels)


def test_parse_turns_with_the_picture(parse: HeadParse, crop_and_guide: tuple[HeadCrop, ParseGuide]) -> None:
    crop, guide = crop_and_guide
    flipped = HeadCrop(
        np.ascontiguousarray(crop.pixels[:, ::-1]), crop.inside[:, ::-1], crop.camera, crop.scale, 0.0, 0.0
    )
    points = guide.landmarks_px * (-1, 1) + (511, 0)
    mirrored = ParseGuide(
        points.astype(np.float32), *(m[:, ::-1] for m in (guide.skull, guide.face, guide.ears, guide.neck))
    )
    other = InterimHeadParser().parse(flipped, mirrored).labels[:, ::-1]
    assert (other == parse.labels).mean() > 0.95


def test_picture_without_a_person_has_no_head(crop_and_guide: tuple[HeadCrop, ParseGuide]) -> None:
    crop, guide = crop_and_guide

    class Nobody(PersonSegmenter):
        def segment_head(self, pixels: np.ndarray) -> np.ndarray:
            return np.zeros(pixels.shape[:2], np.float32)

    empty = InterimHeadParser(Nobody()).parse(crop, guide)
    assert (empty.labels == BACKGROUND).all() and not empty.matte.any()


def test_person_matte_of_a_whole_photo() -> None:
    matte = PersonSegmenter().segment(bad_input.astronaut())
    assert matte.shape == (512, 512)
    assert matte[120, 225] > 0.9 and matte[60, 60] < 0.1


def test_matte_solves_the_mixture_of_two_colours() -> None:
    true = np.zeros((128, 128), np.float32)
    true[:, :64] = 1.0
    true = cv2.blur(true, (11, 11))
    colours = true[..., None] * (40.0, 30.0, 20.0) + (1 - true[..., None]) * (200.0, 210.0, 230.0)
    coarse = cv2.GaussianBlur((true > 0.8).astype(np.float32), (0, 0), 4.0)
    matte = colour_matte(colours.astype(np.uint8), coarse)
    assert np.abs(matte - true).mean() < 0.3 * np.abs(coarse - true).mean()


def test_the_skull_is_head_whatever_the_colours_say(crop_and_guide: tuple[HeadCrop, ParseGuide]) -> None:
    crop, guide = crop_and_guide

    class Blind(PersonSegmenter):
        """Loses the upper half of the head and sees a hole in the face."""

        def segment_head(self, pixels: np.ndarray) -> np.ndarray:
            person = super().segment_head(pixels)
            person[: int(guide.landmarks_px[9, 1])] = 0.0
            x, y = np.rint(guide.landmarks_px[5]).astype(int)
            person[y - 5 : y + 5, x - 5 : x + 5] = 0.0
            return person

    parse = InterimHeadParser(Blind()).parse(crop, guide)
    inner = cv2.erode((guide.skull & ~guide.ears).astype(np.uint8), np.ones((31, 31), np.uint8)) > 0
    above_chin = inner & (np.arange(crop.size)[:, None] < guide.landmarks_px[152, 1] - 20)
    assert parse.matte[above_chin].min() > 0.9
    assert (parse.labels[above_chin] != BACKGROUND).all()
