"""Moving a head that is built: its rotation and its sliders, with keyframes where Blender records them."""

from __future__ import annotations

import bpy
import numpy as np
from mathutils import Matrix
from numpy.typing import NDArray


def rotate(context: bpy.types.Context, pivot: bpy.types.Object, rotation: NDArray[np.floating]) -> None:
    """Give a pivot the rotation (3,3), by the angles nearest to those that it has."""
    turned = Matrix(rotation.tolist())
    pivot.rotation_euler = turned.to_euler(pivot.rotation_mode, pivot.rotation_euler)
    if _records(context):
        pivot.keyframe_insert("rotation_euler")


def set_sliders(context: bpy.types.Context, face: bpy.types.Object | None, values: dict[str, float]) -> None:
    """Set shape keys of a face by name; keys that the artist removed are passed over."""
    shape = face.data.shape_keys if face is not None else None
    if shape is None:
        return
    for name, value in values.items():
        key = shape.key_blocks.get(name)
        if key is None:
            continue
        key.value = value
        if _records(context):
            key.keyframe_insert("value")


def _records(context: bpy.types.Context) -> bool:
    """Whether the artist has auto keying on."""
    return bool(context.scene.tool_settings.use_keyframe_insert_auto)
