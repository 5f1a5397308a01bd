"""Tones of what closed lips hide."""

from __future__ import annotations

import numpy as np
import pytest

from backend.morphable import load_head_model
from backend.mouth import DIMMEST, GUMS, TEETH, TONGUE, mouth_tones


@pytest.fixture(scope="module")
def model():
    return load_head_model()


def test_front_teeth_have_their_tone_and_molars_lie_in_the_dark(model) -> None:
    tones = mouth_tones(model, TEETH, 1.0)
    teeth = np.flatnonzero(model.regions["teeth"] & ~model.regions["gums"])
    depth = model.mean[teeth, 2]
    front, back = teeth[depth >= np.percentile(depth, 98)], teeth[depth <= np.percentile(depth, 5)]
    assert tones[front].max(axis=0) == pytest.approx(TEETH, rel=0.1)
    assert tones[back].mean() < 0.5 * tones[front].mean()
    assert tones[back].min() > 0.4 * DIMMEST * TEETH.min()


def test_gums_and_tongue_are_red_and_as_bright_as_the_face(model) -> None:
    bright, dim = mouth_tones(model, TEETH, 1.0), mouth_tones(model, TEETH, 0.5)
    for region, tone in (("gums", GUMS), ("tongue", TONGUE)):
        mine = model.regions[region]
        assert (bright[mine] <= tone + 1e-3).all()
        assert bright[mine, 0] / bright[mine, 1] == pytest.approx(tone[0] / tone[1], rel=1e-3)
        assert dim[mine] == pytest.approx(0.5 * bright[mine], rel=1e-4)
    teeth = model.regions["teeth"] & ~model.regions["gums"]
    assert dim[teeth] == pytest.approx(bright[teeth])  # their tone was measured in this light


def test_both_sides_are_alike(model) -> None:
    tones = mouth_tones(model, TEETH, 1.0)
    mine = model.regions["teeth"]
    assert np.abs(tones[mine] - tones[model.mirror[mine]]).mean() < 2.0  # the teeth are no exact mirror image
