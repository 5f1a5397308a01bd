"""The head as a GLB file for other programs."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import bpy
from bpy.props import StringProperty
from bpy_extras.io_utils import ExportHelper

from ..properties import CAMERA, active_head, likeness, parts
from ..words import report_text


class LIKENESS_OT_export_glb(bpy.types.Operator, ExportHelper):
    """Write the selected head with its textures and shape keys to a GLB file"""

    bl_idname = "likeness.export_glb"
    bl_label = "Export Head as GLB"
    bl_options = {"REGISTER"}

    filename_ext = ".glb"
    filter_glob: StringProperty(default="*.glb", options={"HIDDEN"})

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Whether there is a head, and the mode allows a selection."""
        cls.poll_message_set("Select a head in Object Mode first")
        return context.mode == "OBJECT" and active_head(context) is not None

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Hand the head to Blender's own exporter."""
        pivot = active_head(context)
        assert pivot is not None
        with _only_selected(context, pivot):
            outcome: set[str] = bpy.ops.export_scene.gltf(
                filepath=self.filepath,
                export_format="GLB",
                use_selection=True,
                export_apply=False,  # applying modifiers would drop the shape keys
                export_morph=True,
                export_animations=False,
                export_cameras=False,
            )
        if "FINISHED" in outcome:
            self.report({"INFO"}, report_text("{head} is exported", head=likeness(pivot).collection.name))
        return outcome


@contextlib.contextmanager
def _only_selected(context: bpy.types.Context, pivot: bpy.types.Object) -> Iterator[None]:
    """Select the visible objects of one head for a moment."""
    selected = list(context.selected_objects)
    for item in selected:
        item.select_set(False)
    chosen = [part for part in parts(pivot) if likeness(part).role != CAMERA and part.visible_get()]
    for part in chosen:
        part.select_set(True)
    try:
        yield
    finally:
        for part in chosen:
            part.select_set(False)
        for item in selected:
            item.select_set(True)


CLASSES = (LIKENESS_OT_export_glb,)
