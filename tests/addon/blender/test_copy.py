"""*Copy Pose and Expression from Photo* in a real Blender, with a backend process."""

from __future__ import annotations

import bpy
import numpy as np
import pytest
import synthetic


def keys_of(addon, head):
    return addon("properties").likeness(head).face.data.shape_keys.key_blocks


def camera_direction(head) -> np.ndarray:
    """Where the photo's camera stands, seen from the head, Blender's axes."""
    bpy.context.view_layer.update()
    place = head.matrix_world.inverted() @ bpy.context.scene.camera.matrix_world.translation
    return np.array(place.normalized())


def source_direction() -> np.ndarray:
    from backend.frames import HEAD_TO_BLENDER_AXES

    place = HEAD_TO_BLENDER_AXES @ synthetic.SOURCE_POSE.to_head(np.zeros(3))
    return place / np.linalg.norm(place)


def test_the_head_does_as_in_the_photo(addon, backend, head, photo):
    assert bpy.ops.likeness.copy_from_photo(filepath=photo()) == {"FINISHED"}
    assert camera_direction(head) == pytest.approx(source_direction(), abs=1e-5)
    keys = keys_of(addon, head)
    assert keys["jawOpen"].value == pytest.approx(0.75)
    assert keys["mouthSmileLeft"].value == pytest.approx(0.5)
    assert keys["Identity 01"].value == 0
    assert head.animation_data is None


@pytest.mark.parametrize("taken", ["use_pose", "use_expression"])
def test_either_alone(addon, backend, head, photo, taken):
    before = tuple(head.rotation_euler)
    chosen = dict.fromkeys(("use_pose", "use_expression"), False) | {taken: True}
    bpy.ops.likeness.copy_from_photo(filepath=photo(), **chosen)
    assert (tuple(head.rotation_euler) != before) is (taken == "use_pose")
    assert (keys_of(addon, head)["jawOpen"].value > 0.7) is (taken == "use_expression")


def test_one_undo_takes_it_back(addon, backend, head, photo):
    before = tuple(head.rotation_euler)
    bpy.ops.likeness.copy_from_photo("EXEC_DEFAULT", True, filepath=photo())  # True: as from a button
    assert tuple(head.rotation_euler) != before
    bpy.ops.ed.undo()
    head = bpy.data.objects["Head"]
    assert tuple(head.rotation_euler) == before
    assert keys_of(addon, head)["jawOpen"].value == pytest.approx(0.25)


def test_auto_keying_records_it(addon, backend, head, photo):
    scene = bpy.context.scene
    scene.tool_settings.use_keyframe_insert_auto = True
    scene.frame_set(12)
    bpy.ops.likeness.copy_from_photo(filepath=photo())
    turned = tuple(head.rotation_euler)
    head.rotation_euler = (0, 0, 0)
    keys = keys_of(addon, head)
    keys["jawOpen"].value = 0
    scene.frame_set(12)
    assert tuple(head.rotation_euler) == pytest.approx(turned)
    assert keys["jawOpen"].value == pytest.approx(0.75)


def test_warnings_and_refusals_reach_the_artist(addon, backend, head, photo):
    bpy.ops.likeness.copy_from_photo(filepath=photo("warn"))
    assert "blurred" in addon("session").session.notice
    before = tuple(head.rotation_euler)
    with pytest.raises(RuntimeError, match="Words of the backend"):
        bpy.ops.likeness.copy_from_photo(filepath=photo("fail:no_face"))
    assert tuple(head.rotation_euler) == before


def test_another_morphable_model_moves_nothing_unless_pose_alone_is_asked_for(addon, backend, head, photo):
    before = tuple(head.rotation_euler)
    with pytest.raises(RuntimeError, match="another morphable model"):
        bpy.ops.likeness.copy_from_photo(filepath=photo("other"))
    assert tuple(head.rotation_euler) == before
    bpy.ops.likeness.copy_from_photo(filepath=photo("other"), use_expression=False)
    assert tuple(head.rotation_euler) != before


def test_a_head_that_was_deleted_meanwhile(addon, head):
    operators = addon("operators.copy_from_photo")
    reports = []
    operator = type(
        "Operator",
        (addon("operators.job_operator").JobOperator,),
        {
            "_head_uid": head.session_uid,
            "report": lambda _, kind, text: reports.append(text),
            "finished": operators.LIKENESS_OT_copy_from_photo.finished,
        },
    )()
    bpy.data.objects.remove(head)
    measured = addon("measured").decode_measure("bob.jpg", synthetic.measure())
    assert operator.finished(bpy.context, measured) == {"CANCELLED"}
    assert "no longer in this scene" in reports[0]


def test_without_a_head_it_is_not_offered(backend, photo):
    with pytest.raises(RuntimeError, match="Select a head"):
        bpy.ops.likeness.copy_from_photo(filepath=photo())
