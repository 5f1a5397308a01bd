"""Another photo's pose and expression: read, checked, and meant for a head in the scene."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import synthetic
from likeness.addon.errors import ResultBroken, SceneUnfit
from likeness.addon.measured import decode_measure, rotation_like, weights_for
from likeness.addon.placement import CAMERA_TO_BLENDER_AXES
from likeness.backend import payload
from likeness.backend.frames import HEAD_TO_BLENDER_AXES


@pytest.fixture
def measured():
    return decode_measure("bob.jpg", synthetic.measure())


def test_a_measure_arrives(measured):
    assert measured.name == "bob.jpg"
    assert measured.expression["jawOpen"] == 0.75
    assert measured.pose.rotation == pytest.approx(synthetic.SOURCE_POSE.rotation)


@pytest.mark.parametrize(
    "change",
    [
        {"rotation": ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, -1.0))},
        {"rotation": ((1.0, 0.0), (0.0, 1.0))},
        {"translation_mm": (0.0, 0.0, -600.0)},
        {"expression": {"jawOpen": "wide"}},
    ],
)
def test_a_damaged_measure_is_refused(change):
    header = replace(synthetic.measure_header(), **change)
    with pytest.raises(ResultBroken, match="damaged measurement"):
        decode_measure("bob.jpg", payload.pack(header, {}))


def test_no_measure_at_all():
    with pytest.raises(ResultBroken):
        decode_measure("bob.jpg", b"PK")


def test_the_head_faces_its_camera_as_the_source_faced_its_own(measured):
    """Compared in Blender: the place of the camera seen from the pivot, and of the source's camera."""
    place = np.array([250.0, -40.0, 700.0])
    pivot = rotation_like(measured, place)
    camera = pivot.T @ -(CAMERA_TO_BLENDER_AXES @ place)
    source = HEAD_TO_BLENDER_AXES @ synthetic.SOURCE_POSE.to_head(np.zeros(3))
    assert camera / np.linalg.norm(camera) == pytest.approx(source / np.linalg.norm(source), abs=1e-9)


def test_only_what_the_head_knows_is_taken(measured):
    assert weights_for(measured, ("jawOpen", "Expression 01"), "ellipsoids") == {"jawOpen": 0.75}


def test_another_models_components_are_not_taken(measured):
    measured = replace(measured, expression={"Expression 01": 2.0})
    assert weights_for(measured, ("Expression 01",), measured.model) == {"Expression 01": 2.0}
    with pytest.raises(SceneUnfit, match="another morphable model"):
        weights_for(measured, ("Expression 01",), "bfm-2009")
