"""Turning a head by numbers, and back."""

from __future__ import annotations

import bpy
from bpy.props import FloatProperty

from ..properties import active_head, likeness


class LIKENESS_OT_turn_head(bpy.types.Operator):
    """Turn the head by angles counted from the photo's pose"""

    bl_idname = "likeness.turn_head"
    bl_label = "Turn Head"
    bl_options = {"REGISTER", "UNDO"}

    yaw: FloatProperty(name="Yaw", description="Turn the face to the side", subtype="ANGLE")
    pitch: FloatProperty(name="Pitch", description="Let the face look down or up", subtype="ANGLE")
    roll: FloatProperty(name="Roll", description="Tip the head to a shoulder", subtype="ANGLE")

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Whether there is a head to turn."""
        cls.poll_message_set("Select a head first")
        return active_head(context) is not None

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Set the three angles."""
        pivot = active_head(context)
        assert pivot is not None
        properties = likeness(pivot)
        properties.yaw, properties.pitch, properties.roll = self.yaw, self.pitch, self.roll
        return {"FINISHED"}


class LIKENESS_OT_reset_pose(bpy.types.Operator):
    """Turn the head back to the pose in the photo"""

    bl_idname = "likeness.reset_pose"
    bl_label = "Reset Pose"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Whether there is a head to turn."""
        cls.poll_message_set("Select a head first")
        return active_head(context) is not None

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Restore place and rotation of the pivot."""
        pivot = active_head(context)
        assert pivot is not None
        pivot.location = (0.0, 0.0, 0.0)
        pivot.rotation_euler = likeness(pivot).photo_rotation
        return {"FINISHED"}


CLASSES = (LIKENESS_OT_turn_head, LIKENESS_OT_reset_pose)
