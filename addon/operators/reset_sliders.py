"""From whatever was made of a face back to the photo."""

from __future__ import annotations

import bpy

from ..properties import IDENTITY, RECORD, active_head, likeness


class _ResetSliders:
    """What both operators share."""

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Whether there is a head with sliders."""
        cls.poll_message_set("Select a head whose face still has its shape keys")
        pivot = active_head(context)
        face = likeness(pivot).face if pivot is not None else None
        return face is not None and face.data.shape_keys is not None


class LIKENESS_OT_reset_expression(_ResetSliders, bpy.types.Operator):
    """Give the face back the expression that it has in the photo"""

    bl_idname = "likeness.reset_expression"
    bl_label = "Reset Expression"
    bl_options = {"REGISTER", "UNDO"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Set the expression sliders to the photo's values."""
        from ..build.posing import set_sliders

        pivot = active_head(context)
        assert pivot is not None
        set_sliders(context, likeness(pivot).face, pivot[RECORD]["expression"].to_dict())
        return {"FINISHED"}


class LIKENESS_OT_reset_shape(_ResetSliders, bpy.types.Operator):
    """Turn the face back into the person in the photo. Backspace over a slider does so for this one alone"""

    bl_idname = "likeness.reset_shape"
    bl_label = "Reset Shape"
    bl_options = {"REGISTER", "UNDO"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Set the identity sliders to 0."""
        from ..build.posing import set_sliders

        pivot = active_head(context)
        assert pivot is not None
        face = likeness(pivot).face
        names = [key.name for key in face.data.shape_keys.key_blocks if key.name.startswith(IDENTITY)]
        set_sliders(context, face, dict.fromkeys(names, 0.0))
        return {"FINISHED"}


CLASSES = (LIKENESS_OT_reset_expression, LIKENESS_OT_reset_shape)
