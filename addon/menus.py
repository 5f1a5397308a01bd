"""Entries in Blender's own menus."""

from __future__ import annotations

import bpy

STEPS = (
    "import_photo",
    "turn_head",
    "copy_from_photo",
    "reset_pose",
    "reset_expression",
    "reset_shape",
    "look_through",
    "true_colours",
    "add_light",
    "render_new_pose",
    "render_new_pose_animation",
    "export_glb",
)
"""What the menu offers. Blender's search (F3) finds what stands in a menu, so no step needs a mouse."""


class LIKENESS_MT_head(bpy.types.Menu):
    """Every step from photo to picture."""

    bl_idname = "LIKENESS_MT_head"
    bl_label = "Likeness"

    def draw(self, context: bpy.types.Context) -> None:
        """All steps, in the order of work."""
        for step in STEPS:
            self.layout.operator(f"likeness.{step}")


def _draw_object(self: bpy.types.Menu, context: bpy.types.Context) -> None:
    self.layout.separator()
    self.layout.menu(LIKENESS_MT_head.bl_idname)


def _draw_import(self: bpy.types.Menu, context: bpy.types.Context) -> None:
    self.layout.operator("likeness.import_photo", text="Head from Photo (.jpg/.png/.webp)")


def _draw_export(self: bpy.types.Menu, context: bpy.types.Context) -> None:
    self.layout.operator("likeness.export_glb", text="Likeness Head (.glb)")


def register() -> None:
    """Add the entries."""
    bpy.types.TOPBAR_MT_file_import.append(_draw_import)
    bpy.types.TOPBAR_MT_file_export.append(_draw_export)
    bpy.types.VIEW3D_MT_object.append(_draw_object)


def unregister() -> None:
    """Remove them."""
    bpy.types.TOPBAR_MT_file_import.remove(_draw_import)
    bpy.types.TOPBAR_MT_file_export.remove(_draw_export)
    bpy.types.VIEW3D_MT_object.remove(_draw_object)


CLASSES = (LIKENESS_MT_head,)
