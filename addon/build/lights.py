"""The photo's estimated light in the scene: a sun, or a world."""

from __future__ import annotations

import bpy
import numpy as np
from mathutils import Vector
from numpy.typing import NDArray

from .. import compat
from ..light import key_light, world_picture
from ..properties import likeness, mark

LIGHT = "light"
"""Role of the sun."""
NAME = "Likeness Light"

SOFTNESS = 0.6
"""Radians. Portraits are lit by windows and soft boxes, whose shadows have no edge."""
DISTANCE_M = 0.6
"""Of the sun's symbol from the head; a sun shines the same from everywhere."""


def add_sun(pivot: bpy.types.Object, light: NDArray[np.floating]) -> bpy.types.Object:
    """A sun from where most of the estimated light (9,3) comes, in the head's collection.

    It belongs to the head's root, so that it moves along; a second call replaces it.
    """
    properties = likeness(pivot)
    item = find_sun(pivot)
    if item is None:
        item = bpy.data.objects.new(NAME, bpy.data.lights.new(NAME, "SUN"))
        properties.collection.objects.link(item)
        item.parent = pivot.parent
        mark(item, LIGHT, pivot)
    key = key_light(light)
    sun: bpy.types.SunLight = item.data
    sun.color, sun.energy, sun.angle = key.colour.tolist(), key.strength, SOFTNESS
    # The camera and the sun have one parent, so its own turn is all that lies between their axes.
    towards = properties.camera.matrix_basis.to_3x3() @ Vector(key.direction.tolist())
    item.location = DISTANCE_M * towards
    item.rotation_mode = "XYZ"
    item.rotation_euler = towards.to_track_quat("Z", "Y").to_euler("XYZ")
    return item


def find_sun(pivot: bpy.types.Object) -> bpy.types.Object | None:
    """The sun that :func:`add_sun` made for this head."""
    collection = likeness(pivot).collection
    for item in collection.all_objects if collection is not None else ():
        if likeness(item).role == LIGHT and likeness(item).pivot == pivot:
            return item
    return None


def remove_sun(pivot: bpy.types.Object) -> None:
    """Take the head's sun away; a world that says the same would double it."""
    item = find_sun(pivot)
    if item is not None:
        bpy.data.lights.remove(item.data)  # takes the object along


def build_world(light: NDArray[np.floating], camera: bpy.types.Object) -> bpy.types.World:
    """A world of its own that lights from all sides as estimated (9,3), for a head seen by ``camera``."""
    turn = np.array(camera.matrix_world.to_3x3().normalized())
    picture = world_picture(light, turn)
    rows, columns = picture.shape[:2]
    image = bpy.data.images.new(NAME, columns, rows, float_buffer=True)
    opaque = np.concatenate([picture, np.ones((rows, columns, 1), np.float32)], axis=-1)
    image.pixels.foreach_set(opaque[::-1].ravel())  # Blender counts rows from below
    image.pack()

    world = bpy.data.worlds.new(NAME)
    tree = compat.enable_nodes(world)
    tree.nodes.clear()
    output = tree.nodes.new("ShaderNodeOutputWorld")
    background = tree.nodes.new("ShaderNodeBackground")
    surroundings = tree.nodes.new("ShaderNodeTexEnvironment")
    surroundings.image = image
    for node, x in ((surroundings, -500), (background, -200), (output, 0)):
        node.location = (x, 0)
    tree.links.new(surroundings.outputs["Color"], background.inputs["Color"])
    tree.links.new(background.outputs["Background"], output.inputs["Surface"])
    return world
