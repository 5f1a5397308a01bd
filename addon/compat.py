"""What differs between Blender 4.2 and 5.2, and nothing else."""

from __future__ import annotations

import bpy

VERSION = bpy.app.version

IMAGE_SETTINGS_HAVE_MEDIA_TYPE = VERSION >= (5, 0, 0)
MATERIALS_START_WITH_NODES = VERSION >= (5, 0, 0)
"""From 5.0 on ``use_nodes`` is always true and setting it is deprecated."""

EEVEE = "BLENDER_EEVEE" if VERSION >= (5, 0, 0) else "BLENDER_EEVEE_NEXT"


def render_engine() -> str:
    """The engine of the coarse render: Cycles, which needs no graphics card; EEVEE where it is off."""
    return "CYCLES" if "cycles" in bpy.context.preferences.addons else EEVEE


def artists_engine(scene: bpy.types.Scene) -> str:
    """The scene's own engine if it can be trusted to run: EEVEE and others need a graphics card, which nobody
    promises where there is no window (without one, Blender 4.5 waits for it for ever)."""
    return "CYCLES" if bpy.app.background else scene.render.engine


def enable_nodes(material: bpy.types.Material | bpy.types.World) -> bpy.types.NodeTree:
    """The node tree of a material or a world."""
    if not MATERIALS_START_WITH_NODES:
        material.use_nodes = True
    tree = material.node_tree
    assert tree is not None
    return tree


def use_png(settings: bpy.types.ImageFormatSettings, color_mode: str, depth: str = "8") -> None:
    """Write PNG files with so many bits a channel."""
    if IMAGE_SETTINGS_HAVE_MEDIA_TYPE:
        settings.media_type = "IMAGE"
    settings.file_format = "PNG"
    settings.color_mode = color_mode
    settings.color_depth = depth


def use_soft_alpha(material: bpy.types.Material) -> None:
    """Soft edges that need no sorting of polygons (EEVEE)."""
    material.surface_render_method = "DITHERED"
    material.use_transparent_shadow = True
