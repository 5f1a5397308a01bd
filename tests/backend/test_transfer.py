"""Pose and expression of one photo on another head: what moves, what stays, what cannot be compared."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from backend_fakes import small_measure, small_reconstruction

from backend.errors import ExpressionsDiffer
from backend.frames import Pose, rotation_from_angles
from backend.repose import posed_vertices
from backend.transfer import FaceMeasure, transferred

SIGNED = ("jawOpen", "Expression 01")


def test_pose_and_expression_are_taken_and_the_person_stays() -> None:
    target = small_reconstruction()
    moved, pose = transferred(target, small_measure())
    assert moved.expression.tolist() == [0.75, 0.125]
    face = target.mesh("face")
    assert face.expression is not None
    open_mouth = face.vertices + 0.75 * face.expression[0].astype(float) + 0.125 * face.expression[1]
    assert posed_vertices(moved, moved.mesh("face")) == pytest.approx(open_mouth, abs=1e-5)
    assert (moved.identity, moved.meshes, moved.images) == (target.identity, target.meshes, target.images)
    assert (moved.pose, moved.camera) == (target.pose, target.camera)  # the body stays where it was
    assert pose.translation_mm is target.pose.translation_mm


def test_the_head_faces_its_camera_as_the_source_faced_its_own() -> None:
    """The camera's direction, seen from the head, is what a viewer sees of it."""
    source = replace(small_measure(), pose=Pose(rotation_from_angles(25, 8, -4), np.array([200.0, -90, 800])))
    target = small_reconstruction()
    _, pose = transferred(target, source)
    seen, wanted = pose.to_head(np.zeros(3)), source.pose.to_head(np.zeros(3))
    assert seen / np.linalg.norm(seen) == pytest.approx(wanted / np.linalg.norm(wanted), abs=1e-9)


def test_either_may_stay() -> None:
    target, source = small_reconstruction(), small_measure()
    moved, pose = transferred(target, source, pose=False)
    assert pose is target.pose
    assert moved.expression.tolist() == [0.75, 0.125]
    moved, pose = transferred(target, source, expression=False)
    assert moved is target
    assert pose.angles_deg != target.pose.angles_deg


def test_expressions_go_by_name_and_unknown_ones_stay() -> None:
    target = small_reconstruction()
    source = replace(small_measure(), expression={"mouthClose": 0.5, "tongueOut": 1.0}, model="another")
    moved, _ = transferred(target, source)
    assert moved.expression.tolist() == [target.expression[0], 0.5]


@pytest.mark.parametrize(("model", "second"), [("test", -2.0), ("another", 1.5)])
def test_a_statistical_component_belongs_to_its_own_model(model: str, second: float) -> None:
    own = replace(
        small_reconstruction(), expression_names=SIGNED, expression=np.array([0.0, 1.5], np.float32)
    )
    source = FaceMeasure(own.pose, {"jawOpen": 0.5, "Expression 01": -2.0}, model)
    assert transferred(own, source)[0].expression.tolist() == [0.5, second]


def test_models_without_a_common_expression() -> None:
    source = FaceMeasure(small_measure().pose, {"Expression 01": 1.0}, "a face model")
    with pytest.raises(ExpressionsDiffer, match="a face model and test"):
        transferred(small_reconstruction(), source)
    transferred(small_reconstruction(), source, expression=False)
