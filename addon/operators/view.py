"""Looking through the photo's camera, in the photo's colours."""

from __future__ import annotations

import bpy

from ..properties import active_head, likeness
from ..views import show_through_camera


class LIKENESS_OT_look_through(bpy.types.Operator):
    """Look through the camera that took the photo and render at the photo's size"""

    bl_idname = "likeness.look_through"
    bl_label = "Look Through Photo Camera"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Whether the head still has its camera."""
        cls.poll_message_set("Select a head that still has its photo camera")
        pivot = active_head(context)
        return pivot is not None and likeness(pivot).camera is not None and likeness(pivot).photo is not None

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Set the scene's camera and the view."""
        from ..build.camera import look_through

        pivot = active_head(context)
        assert pivot is not None
        look_through(context.scene, likeness(pivot).camera, likeness(pivot).photo)
        show_through_camera(context)
        return {"FINISHED"}


class LIKENESS_OT_true_colours(bpy.types.Operator):
    """Show and render this scene without a film look, so that the photo keeps its colours"""

    bl_idname = "likeness.true_colours"
    bl_label = "Show True Photo Colours"
    bl_options = {"REGISTER", "UNDO"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Choose the view transform that leaves colours alone."""
        settings = context.scene.view_settings
        settings.view_transform = "Standard"
        settings.look = "None"
        return {"FINISHED"}


CLASSES = (LIKENESS_OT_look_through, LIKENESS_OT_true_colours)
