"""What Likeness stores at objects, with typed access. Everything that a head needs stays in the .blend."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

import bpy
from bpy.props import (
    EnumProperty,
    FloatProperty,
    FloatVectorProperty,
    IntProperty,
    PointerProperty,
    StringProperty,
)

SCHEMA_VERSION = 1
"""Grows when stored properties change their meaning; :data:`MIGRATIONS` lifts older objects."""

MIGRATIONS: dict[int, Callable[[bpy.types.Object], None]] = {}
"""From this schema version to the next. Version 1 is the first, so there is none yet."""

RECORD = "likeness_record"
"""Custom property of a pivot: coefficients, camera and pose of the photo as plain numbers."""

ROOT, PIVOT, CAMERA = "root", "pivot", "camera"
"""Roles of objects that are no meshes; a mesh's role is its name in the reconstruction."""

IDENTITY = "Identity "
"""Names of identity keys begin with it."""

LOOK_PHOTO, LOOK_LIT, LOOK_DELIT = "PHOTO", "LIT", "DELIT"
LOOKS = (
    (LOOK_PHOTO, "Photo", "Show the colours of the photo as they are, without lights of the scene"),
    (
        LOOK_LIT,
        "Lit",
        "Let the lights of the scene fall on the photo's colours, which keep the photo's own light",
    ),
    (
        LOOK_DELIT,
        "De-lit",
        "Take the photo's light out of the skin and let only the lights of the scene fall on it. Grey"
        " where that light could not be told",
    ),
)

PITCH_AXIS, ROLL_AXIS, YAW_AXIS = 0, 1, 2
"""Components of a pivot's rotation (see placement.PIVOT_ROTATION_ORDER); roll counts the other way."""


def _look_changed(self: LikenessObject, _context: bpy.types.Context) -> None:
    from .build.materials import set_look

    for part in parts(self.id_data):
        for material in getattr(part.data, "materials", ()):
            set_look(material, self.look)


def _turn(axis: int, sign: float, name: str, description: str) -> object:
    """A slider that shows and sets one angle of a pivot, counted from the photo's pose.

    It stores nothing: turning the pivot by hand or by keyframes moves the slider.
    """

    def get(self: LikenessObject) -> float:
        return sign * (self.id_data.rotation_euler[axis] - self.photo_rotation[axis])

    def assign(self: LikenessObject, value: float) -> None:
        self.id_data.rotation_euler[axis] = self.photo_rotation[axis] + sign * value

    return FloatProperty(
        name=name, description=description, subtype="ANGLE", get=get, set=assign, options={"SKIP_SAVE"}
    )


class LikenessObject(bpy.types.PropertyGroup):
    """What an object is within a head; the second half is used at pivots only."""

    schema_version: IntProperty(options={"HIDDEN"})
    role: StringProperty(options={"HIDDEN"})
    pivot: PointerProperty(type=bpy.types.Object, options={"HIDDEN"})

    collection: PointerProperty(type=bpy.types.Collection, options={"HIDDEN"})
    camera: PointerProperty(type=bpy.types.Object, options={"HIDDEN"})
    face: PointerProperty(type=bpy.types.Object, options={"HIDDEN"})
    photo: PointerProperty(type=bpy.types.Image, options={"HIDDEN"})
    plate: PointerProperty(type=bpy.types.Image, options={"HIDDEN"})
    delit: PointerProperty(type=bpy.types.Image, options={"HIDDEN"})
    photo_rotation: FloatVectorProperty(size=3, subtype="EULER", options={"HIDDEN"})
    look: EnumProperty(
        name="Look", description="How the head takes light", items=LOOKS, update=_look_changed, options=set()
    )
    yaw: _turn(YAW_AXIS, 1.0, "Yaw", "Turn the face to the side, counted from the photo")
    pitch: _turn(PITCH_AXIS, 1.0, "Pitch", "Let the face look down or up, counted from the photo")
    roll: _turn(ROLL_AXIS, -1.0, "Roll", "Tip the head to a shoulder, counted from the photo")


def likeness(item: bpy.types.Object) -> LikenessObject:
    """Typed access to an object's properties."""
    return cast("LikenessObject", item.likeness)


def mark(item: bpy.types.Object, role: str, pivot: bpy.types.Object) -> None:
    """Make an object known as a part of a head."""
    properties = likeness(item)
    properties.schema_version = SCHEMA_VERSION
    properties.role = role
    properties.pivot = pivot


def parts(pivot: bpy.types.Object) -> list[bpy.types.Object]:
    """Every object of a head that is still there, the pivot included."""
    collection = likeness(pivot).collection
    if collection is None:
        return [pivot]
    return [item for item in collection.all_objects if likeness(item).pivot == pivot]


def pivots(scene: bpy.types.Scene) -> list[bpy.types.Object]:
    """The pivots of all heads in a scene."""
    # Panels ask this when they are drawn: to read the type takes a fraction of a property of ours.
    return [item for item in scene.objects if item.type == "EMPTY" and likeness(item).role == PIVOT]


def active_head(context: bpy.types.Context) -> bpy.types.Object | None:
    """The pivot of the head that the active object belongs to, or of the only head of the scene."""
    active = context.view_layer.objects.active if context.view_layer else None
    if active is not None and (pivot := likeness(active).pivot) is not None:
        return pivot if pivot.name in context.scene.objects else None
    heads = pivots(context.scene)
    return heads[0] if len(heads) == 1 else None


def migrate_file() -> list[str]:
    """Lift the heads of the file that was just opened; names of those from a newer Likeness."""
    newer: list[str] = []
    for item in bpy.data.objects:
        properties = likeness(item)
        if not properties.role:
            continue
        while properties.schema_version in MIGRATIONS:
            MIGRATIONS[properties.schema_version](item)
            properties.schema_version += 1
        if properties.schema_version > SCHEMA_VERSION:
            newer.append(item.name)
    return newer


CLASSES = (LikenessObject,)


def register() -> None:
    """Attach the properties to Blender's objects."""
    bpy.types.Object.likeness = PointerProperty(type=LikenessObject)


def unregister() -> None:
    """Detach them; what files store stays in the files."""
    del bpy.types.Object.likeness
