"""Viewports and image editors of the open windows."""

from __future__ import annotations

import bpy


def redraw_sidebars(context: bpy.types.Context) -> None:
    """Ask Blender to draw the 3D viewports (and so the tab) and the preferences again."""
    for window in context.window_manager.windows:
        for area in window.screen.areas:
            if area.type in ("VIEW_3D", "PREFERENCES"):
                area.tag_redraw()


def show_through_camera(context: bpy.types.Context) -> None:
    """Let the largest viewport look through the scene's camera, with the photo's colours if it is solid."""
    window, area = _largest(context, "VIEW_3D")
    if window is None or area is None:
        return
    space = area.spaces.active
    space.region_3d.view_perspective = "CAMERA"
    if space.shading.type == "SOLID":
        space.shading.light = "FLAT"
        space.shading.color_type = "TEXTURE"
        space.shading.show_object_outline = False  # lines of hidden parts would cover the face
    with context.temp_override(window=window, area=area, region=_main_region(area)):
        if bpy.ops.view3d.view_center_camera.poll():
            bpy.ops.view3d.view_center_camera()


def show_image(context: bpy.types.Context, image: bpy.types.Image) -> None:
    """Show a picture in an Image Editor; opens a window with one if there is none (as F12 does)."""
    window, area = _largest(context, "IMAGE_EDITOR")
    if window is None or area is None:
        if bpy.app.background:
            return
        bpy.ops.wm.window_new()
        window = context.window_manager.windows[-1]
        area = window.screen.areas[0]
        area.type = "IMAGE_EDITOR"
    area.spaces.active.image = image
    with context.temp_override(window=window, area=area, region=_main_region(area)):
        if bpy.ops.image.view_all.poll():
            bpy.ops.image.view_all(fit_view=True)


def _main_region(area: bpy.types.Area) -> bpy.types.Region:
    return next(region for region in area.regions if region.type == "WINDOW")


def _largest(
    context: bpy.types.Context, kind: str
) -> tuple[bpy.types.Window, bpy.types.Area] | tuple[None, None]:
    """The largest area of a kind and the window that shows it."""
    found = [
        (window, area)
        for window in context.window_manager.windows
        for area in window.screen.areas
        if area.type == kind
    ]
    return max(found, key=lambda pair: pair[1].width * pair[1].height, default=(None, None))
