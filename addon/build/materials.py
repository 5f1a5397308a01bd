"""The material of a head's part: the photo's colours as they are, or a surface that takes the scene's light,
with the photo's colours or, where the skin is known without the photo's light, with those."""

from __future__ import annotations

import bpy

from .. import compat
from ..properties import LOOK_DELIT, LOOK_PHOTO

LOOK_NODE = "Likeness Look"
"""Mix node between photo (0) and lit (1)."""
PHOTO_NODE, DELIT_NODE = "Likeness Photo", "Likeness De-lit"
"""Texture nodes; only what was delivered without the photo's light has the second."""

PRINCIPLED_NODE = "Principled BSDF"

SKIN_ROUGHNESS = 0.55
"""Rough enough that the photo's own highlights are not doubled."""


def build_material(
    name: str,
    image: bpy.types.Image,
    *,
    delit: bpy.types.Image | None = None,
    has_alpha: bool,
    cut_out: bool = False,
    matte: bool = False,
) -> bpy.types.Material:
    """A material that shows ``image`` unlit, and can be switched to a Principled surface.

    ``delit`` is the same texture without the photo's light; its alpha does not count. ``matte`` surfaces
    have no highlights: those of hair and cloth lie in the picture, and a smooth shell looks like plastic.
    With ``cut_out`` its alpha is rounded to seen or not: other programs draw blended surfaces after all
    others, and the face would then cover the hair. glTF calls that MASK.
    """
    material = bpy.data.materials.new(name)
    tree = compat.enable_nodes(material)
    tree.nodes.clear()

    output = _node(tree, "ShaderNodeOutputMaterial", 600, 0)
    look = _node(tree, "ShaderNodeMixShader", 400, 0)
    look.name = look.label = LOOK_NODE
    texture = _texture(tree, PHOTO_NODE, image, 0)
    if delit is not None:
        _texture(tree, DELIT_NODE, delit, -300)
    principled = _node(tree, "ShaderNodeBsdfPrincipled", 0, -150)
    principled.name = PRINCIPLED_NODE
    principled.inputs["Roughness"].default_value = 1.0 if matte else SKIN_ROUGHNESS
    if matte:
        principled.inputs["Specular IOR Level"].default_value = 0.0
    photo = _node(tree, "ShaderNodeEmission", 0, 150)

    link = tree.links.new
    link(texture.outputs["Color"], principled.inputs["Base Color"])
    link(texture.outputs["Color"], photo.inputs["Color"])
    unlit = photo.outputs["Emission"]
    if has_alpha:
        alpha = _rounded(tree, texture.outputs["Alpha"]) if cut_out else texture.outputs["Alpha"]
        unlit = _with_alpha(tree, alpha, photo)
        link(alpha, principled.inputs["Alpha"])
        compat.use_soft_alpha(material)
    link(unlit, look.inputs[1])
    link(principled.outputs["BSDF"], look.inputs[2])
    link(look.outputs["Shader"], output.inputs["Surface"])
    material.use_backface_culling = False
    tree.nodes.active = texture
    set_look(material, LOOK_PHOTO)
    return material


def set_look(material: bpy.types.Material | None, look: str) -> None:
    """Switch a material of ours between the looks; others are left alone."""
    if material is None or material.node_tree is None:
        return
    tree = material.node_tree
    if (mix := tree.nodes.get(LOOK_NODE)) is not None:
        mix.inputs["Fac"].default_value = 0.0 if look == LOOK_PHOTO else 1.0
    delit, principled = tree.nodes.get(DELIT_NODE), tree.nodes.get(PRINCIPLED_NODE)
    chosen = delit if look == LOOK_DELIT else tree.nodes.get(PHOTO_NODE)
    if delit is None or principled is None or chosen is None:
        return
    # One link instead of a mix node: Blender's glTF exporter then finds exactly one texture.
    tree.links.new(chosen.outputs["Color"], principled.inputs["Base Color"])
    tree.nodes.active = chosen  # what Solid shading with texture colour shows


def _texture(tree: bpy.types.NodeTree, name: str, image: bpy.types.Image, y: float) -> bpy.types.Node:
    texture = _node(tree, "ShaderNodeTexImage", -400, y)
    texture.name = texture.label = name
    texture.image = image
    texture.extension = "EXTEND"
    return texture


def _rounded(tree: bpy.types.NodeTree, alpha: bpy.types.NodeSocket) -> bpy.types.NodeSocket:
    """0 or 1, in the form that Blender's glTF exporter knows."""
    node = _node(tree, "ShaderNodeMath", -150, -300)
    node.operation = "ROUND"
    tree.links.new(alpha, node.inputs[0])
    return node.outputs[0]


def _with_alpha(
    tree: bpy.types.NodeTree, alpha: bpy.types.NodeSocket, photo: bpy.types.Node
) -> bpy.types.NodeSocket:
    """The unlit branch made transparent by an alpha."""
    clear = _node(tree, "ShaderNodeBsdfTransparent", 0, 280)
    mix = _node(tree, "ShaderNodeMixShader", 200, 200)
    tree.links.new(alpha, mix.inputs["Fac"])
    tree.links.new(clear.outputs["BSDF"], mix.inputs[1])
    tree.links.new(photo.outputs["Emission"], mix.inputs[2])
    return mix.outputs["Shader"]


def _node(tree: bpy.types.NodeTree, kind: str, x: float, y: float) -> bpy.types.Node:
    node = tree.nodes.new(kind)
    node.location = (x, y)
    return node
