"""Skin, eyes, cloth and hair as Blender's nodes; inside Blender's Python only."""

from __future__ import annotations

from typing import Any

import bpy
import numpy as np

from .parcel import CLASSES, FinishHeader, Floats, StrandsHeader

COVERS = tuple(f"cover{i}" for i in range((CLASSES + 2) // 3))
"""Attributes and passes that say, three classes each, which class is seen."""
TINT = "tint"
"""Attribute with the colour of each hair."""

SKIN_PATH_MM = (3.67, 1.37, 0.68)
"""Mean free path of red, green and blue light in skin (Jensen and others 2001, "skin1")."""
WET = 0.8
"""Surfaces with a stronger highlight than this are eyes and teeth: they lie under a clear film."""
FILM_ROUGHNESS = 0.03
CLOTH_SPECULAR = 0.15
"""What shines less is cloth, and has the fuzz of cloth."""
HAIR_IOR = 1.55
HAIR_TILT = 0.035
"""Radians by which the scales of a hair tilt its highlight to the root (Marschner and others 2003)."""


def surface_material(finish: FinishHeader, texture: Floats) -> bpy.types.Material:
    """Principled surface with the linear ``texture`` (h,w,3)."""
    material, tree, output = _blank("surface")
    shader = tree.nodes.new("ShaderNodeBsdfPrincipled")
    picture = tree.nodes.new("ShaderNodeTexImage")
    picture.image, picture.extension = _image("texture", texture), "EXTEND"
    tree.links.new(picture.outputs["Color"], shader.inputs["Base Color"])
    _set(shader, "Roughness", max(finish.roughness, 0.05))
    _set(shader, "Specular IOR Level", finish.specular)
    if finish.translucent:
        _set(shader, "Subsurface Weight", 1.0)
        _set(shader, "Subsurface Radius", SKIN_PATH_MM)
        _set(shader, "Subsurface Scale", 1e-3)
    elif finish.specular > WET:
        _set(shader, "Coat Weight", 1.0)
        _set(shader, "Coat Roughness", FILM_ROUGHNESS)
    elif finish.specular < CLOTH_SPECULAR:
        _set(shader, "Sheen Weight", 0.15)
    tree.links.new(shader.outputs["BSDF"], output.inputs["Surface"])
    return material


def hair_material(strands: StrandsHeader) -> bpy.types.Material:
    """Principled hair in the colour of each hair, smoother the stronger its highlight."""
    material, tree, output = _blank("hair")
    shader = tree.nodes.new("ShaderNodeBsdfHairPrincipled")
    shader.parametrization = "COLOR"
    tint = tree.nodes.new("ShaderNodeAttribute")
    tint.attribute_name = TINT
    tree.links.new(tint.outputs["Color"], shader.inputs["Color"])
    _set(shader, "Roughness", 0.42 - 0.2 * min(strands.specular, 1.0))
    _set(shader, "Radial Roughness", 0.4)
    _set(shader, "IOR", HAIR_IOR)
    _set(shader, "Offset", HAIR_TILT)
    tree.links.new(shader.outputs["BSDF"], output.inputs["Surface"])
    return material


def sky_world(sky: Floats) -> bpy.types.World:
    """The picture of the sky (H,W,3) all around."""
    world = bpy.data.worlds.new("sky")
    world.use_nodes = True
    tree = world.node_tree
    tree.nodes.clear()
    picture = tree.nodes.new("ShaderNodeTexEnvironment")
    picture.image = _image("sky", sky)
    background = tree.nodes.new("ShaderNodeBackground")
    output = tree.nodes.new("ShaderNodeOutputWorld")
    tree.links.new(picture.outputs["Color"], background.inputs["Color"])
    tree.links.new(background.outputs["Background"], output.inputs["Surface"])
    return world


def _blank(name: str) -> tuple[bpy.types.Material, Any, Any]:
    """A material that so far only tells the class passes what is seen."""
    material = bpy.data.materials.new(name)
    material.use_nodes = True
    tree = material.node_tree
    tree.nodes.clear()
    for cover in COVERS:
        attribute, seen = tree.nodes.new("ShaderNodeAttribute"), tree.nodes.new("ShaderNodeOutputAOV")
        attribute.attribute_name = seen.aov_name = cover
        tree.links.new(attribute.outputs["Vector"], seen.inputs["Color"])
    return material, tree, tree.nodes.new("ShaderNodeOutputMaterial")


def _image(name: str, pixels: Floats) -> bpy.types.Image:
    """Linear ``pixels`` (h,w,3), row 0 on top, as a picture that Blender takes as it is."""
    height, width = pixels.shape[:2]
    image = bpy.data.images.new(name, width, height, float_buffer=True, is_data=True)
    opaque = np.ones((height, width, 4), np.float32)
    opaque[..., :3] = pixels[::-1]
    image.pixels.foreach_set(opaque.ravel())
    image.update()
    return image


def _set(node: Any, name: str, value: float | tuple[float, ...]) -> None:
    node.inputs[name].default_value = value
