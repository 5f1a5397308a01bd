"""The step that makes objects: a pure function of a result that is already here."""

from __future__ import annotations

import bpy
from bpy.props import BoolProperty, StringProperty

from ..properties import likeness
from ..session import session
from ..views import show_through_camera
from ..words import report_text


class LIKENESS_OT_build_head(bpy.types.Operator):
    """Build the objects of a head that the backend has already made from a photo"""

    bl_idname = "likeness.build_head"
    bl_label = "Build Head"
    bl_options = {"REGISTER", "UNDO"}

    result: StringProperty(options={"HIDDEN", "SKIP_SAVE"})
    use_camera: BoolProperty(
        name="Look Through Photo Camera",
        description="Make the photo's camera the scene's camera and render at the size of the photo",
        default=True,
    )

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Whether there is a result, and the mode allows new objects."""
        if context.mode != "OBJECT":
            cls.poll_message_set("Leave this mode for Object Mode first")
            return False
        if session.heads.get("") is None:
            cls.poll_message_set("Import a photo first")
            return False
        return True

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Build the head into the scene and select its pivot."""
        from ..build.camera import look_through
        from ..build.head import build_head

        data = session.heads.get(self.result)
        if data is None:
            self.report({"ERROR"}, report_text("This head is no longer in memory. Import the photo again"))
            return {"CANCELLED"}
        pivot = build_head(context.scene, data)
        for item in context.selected_objects:
            item.select_set(False)
        pivot.select_set(True)
        context.view_layer.objects.active = pivot
        if self.use_camera:
            properties = likeness(pivot)
            look_through(context.scene, properties.camera, properties.photo)
            show_through_camera(context)
        return {"FINISHED"}


CLASSES = (LIKENESS_OT_build_head,)
