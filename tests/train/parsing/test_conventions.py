"""Scalp in generated regions becomes what a painter of labels would call it."""

import numpy as np

from backend.head_parse import BACKGROUND, FACE, HAIR, OTHER_HEAD
from train.parsing.conventions import painted


def head(hair_from: int) -> np.ndarray:
    """A square head of 60 px: hair down to a row, then scalp to row 40, then face; 20 px of background."""
    regions = np.full((100, 100), BACKGROUND, np.uint8)
    regions[20:80, 20:80] = FACE
    regions[20:40, 20:80] = OTHER_HEAD
    regions[20:hair_from, 20:80] = HAIR
    return regions


def test_forehead_reaches_up_to_the_hair():
    regions = head(hair_from=30)
    regions[20:80, 20:24] = HAIR
    regions[20:80, 76:80] = HAIR
    assert (painted(regions)[30:40, 24:76] == FACE).all()


def test_bald_head_keeps_its_scalp():
    regions = head(hair_from=20)
    np.testing.assert_array_equal(painted(regions), regions)


def test_parting_amid_hair_is_hair():
    regions = head(hair_from=40)
    regions[25:35, 50:52] = OTHER_HEAD
    assert (painted(regions)[25:35, 50:52] == HAIR).all()


def test_nothing_but_scalp_changes():
    regions = np.random.default_rng(0).integers(0, 8, (64, 64)).astype(np.uint8)
    out = painted(regions)
    untouched = regions != OTHER_HEAD
    np.testing.assert_array_equal(out[untouched], regions[untouched])
    assert set(np.unique(out[~untouched])) <= {FACE, HAIR, OTHER_HEAD}
