"""Materials that show what the photo knows of them, and where, for as long as a render of it takes."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator

import bpy

from ...backend.protocol import GRAZING, UNNOTICED_STRETCH
from .meshes import KNOWN, SEEN_AT


@contextlib.contextmanager
def known_shown(materials: Iterable[bpy.types.Material]) -> Iterator[None]:
    """Unlit materials of ours show numbers as linear colours.

    Red and green: where in the photo, as shares of its width and height. Blue: what the photo's view is
    worth to this camera, as :func:`backend.known.worth` has it. Materials that an artist put in the place of
    ours stay as they are.
    """
    with contextlib.ExitStack() as undo:
        for material in materials:
            tree = material.node_tree
            emission = next((node for node in tree.nodes if node.bl_idname == "ShaderNodeEmission"), None)
            if emission is not None:
                undo.enter_context(_emitted(tree, emission.inputs["Color"]))
        yield


@contextlib.contextmanager
def _emitted(tree: bpy.types.NodeTree, colour: bpy.types.NodeSocket) -> Iterator[None]:
    """The numbers linked to the colour of an emission."""
    before = colour.links[0].from_socket if colour.links else None
    own = {node.name for node in tree.nodes}
    numbers = tree.nodes.new("ShaderNodeCombineXYZ")
    for value, socket in zip((*_place(tree), _worth(tree)), numbers.inputs, strict=True):
        tree.links.new(value, socket)
    tree.links.new(numbers.outputs["Vector"], colour)
    try:
        yield
    finally:
        for node in [node for node in tree.nodes if node.name not in own]:
            tree.nodes.remove(node)
        if before is not None:
            tree.links.new(before, colour)


def _place(tree: bpy.types.NodeTree) -> tuple[bpy.types.NodeSocket, bpy.types.NodeSocket]:
    """Nodes that tell where in the photo a surface was seen."""
    seen_at = tree.nodes.new("ShaderNodeAttribute")
    seen_at.attribute_name = SEEN_AT
    parts = tree.nodes.new("ShaderNodeSeparateXYZ")
    tree.links.new(seen_at.outputs["Vector"], parts.inputs["Vector"])
    x, y, z = parts.outputs
    return _math(tree, "DIVIDE", x, z), _math(tree, "DIVIDE", y, z)


def _worth(tree: bpy.types.NodeTree) -> bpy.types.NodeSocket:
    """Nodes that divide the known attribute by the cosine at which the camera sees the surface."""
    known = tree.nodes.new("ShaderNodeAttribute")
    known.attribute_name = KNOWN
    geometry = tree.nodes.new("ShaderNodeNewGeometry")
    cosine = tree.nodes.new("ShaderNodeVectorMath")
    cosine.operation = "DOT_PRODUCT"
    tree.links.new(geometry.outputs["Normal"], cosine.inputs[0])
    tree.links.new(geometry.outputs["Incoming"], cosine.inputs[1])
    size = _math(tree, "ABSOLUTE", cosine.outputs["Value"], 0.0)
    wanted = _math(tree, "MAXIMUM", size, GRAZING)
    enough = _math(tree, "DIVIDE", _math(tree, "MULTIPLY", known.outputs["Fac"], UNNOTICED_STRETCH), wanted)
    outside = _math(tree, "SUBTRACT", 1.0, geometry.outputs["Backfacing"])
    return _math(tree, "MULTIPLY", _math(tree, "MINIMUM", enough, 1.0), outside)


def _math(
    tree: bpy.types.NodeTree,
    operation: str,
    first: bpy.types.NodeSocket | float,
    second: bpy.types.NodeSocket | float,
) -> bpy.types.NodeSocket:
    node = tree.nodes.new("ShaderNodeMath")
    node.operation = operation
    for socket, value in zip(node.inputs, (first, second), strict=False):
        if isinstance(value, float):
            socket.default_value = value
        else:
            tree.links.new(value, socket)
    return node.outputs[0]
