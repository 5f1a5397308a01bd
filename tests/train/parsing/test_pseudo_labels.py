"""Teachers become labels: the hair teacher decides around hair, and doubt is left open."""

from functools import cache

import numpy as np

from backend.head_parse import BACKGROUND, BODY, FACE, FACE_OVAL, HAIR, HeadParse, ParseGuide
from train.parsing.pseudo_labels import Evidence, label
from train.parsing.sample import UNKNOWN, Sample

SIDE = 200
ROWS, COLUMNS = np.mgrid[:SIDE, :SIDE]
MIDDLE = 100
FACE_TOP, CHIN, FACE_HALF = 60, 150, 32
"""The oval of the landmarks."""
HAIRLINE, GUESSED_HAIRLINE, CROWN = 68, 76, 30
"""Rows of the hair teacher's hairline, of the interim parser's, and of the top of the hair."""


def evidence() -> Evidence:
    """A head whose parser sees hair eight rows too low, with a beard that the hair teacher takes for hair."""
    turn = np.linspace(0, 2 * np.pi, len(FACE_OVAL), endpoint=False)
    points = np.full((478, 2), (MIDDLE, 110.0), np.float32)
    height, middle = (CHIN - FACE_TOP) / 2, (CHIN + FACE_TOP) / 2
    # The oval's points run clockwise from the top of the forehead.
    points[list(FACE_OVAL)] = np.stack(
        [MIDDLE + FACE_HALF * np.sin(turn), middle - height * np.cos(turn)], axis=1
    )
    beside = np.abs(COLUMNS - MIDDLE)
    head = (beside < FACE_HALF + 8) & (ROWS > CROWN) & (ROWS < CHIN)
    theirs = np.full((SIDE, SIDE), BACKGROUND, np.uint8)
    theirs[ROWS > CHIN] = BODY
    theirs[head] = np.where(ROWS < GUESSED_HAIRLINE, HAIR, FACE)[head]
    share = (head & (ROWS < HAIRLINE) | head & (ROWS > 138)).astype(np.float32) * 0.9
    person = (theirs != BACKGROUND).astype(np.float32)
    empty = np.zeros((SIDE, SIDE), bool)
    return Evidence(
        pixels=np.full((SIDE, SIDE, 3), 128, np.uint8),
        inside=~empty,
        hair=share,
        parse=HeadParse(theirs, head.astype(np.float32), person),
        guide=ParseGuide(points, head, head, empty, empty),
    )


@cache
def sample() -> Sample:
    return label(evidence())


def test_hair_begins_where_the_hair_teacher_says() -> None:
    column = sample().regions[:, MIDDLE]
    assert (column[CROWN + 4 : HAIRLINE - 2] == HAIR).all()
    assert (column[HAIRLINE + 2 : GUESSED_HAIRLINE] == FACE).all()


def test_only_a_thin_line_stays_open_around_hair() -> None:
    unknown = sample().regions == UNKNOWN
    assert 1 <= unknown[HAIRLINE - 5 : HAIRLINE + 5, MIDDLE].sum() <= 4
    assert 1 <= unknown[CROWN - 6 : CROWN + 6, MIDDLE].sum() <= 4


def test_a_beard_is_no_hair() -> None:
    low = sample().regions[139:149, MIDDLE - 5 : MIDDLE + 5]
    assert not (low == HAIR).any()


def test_nothing_is_known_where_glasses_may_sit() -> None:
    assert (sample().regions[90:110, MIDDLE - 10 : MIDDLE + 10] == UNKNOWN).all()


def test_far_from_borders_everything_is_known() -> None:
    regions = sample().regions
    assert (regions[:20] == BACKGROUND).all() and (regions[-20:] == BODY).all()
