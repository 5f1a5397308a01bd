"""Shape keys: expressions and identity components of the model; parts of the head follow the face."""

from __future__ import annotations

import bpy
import numpy as np
from numpy.typing import NDArray

from ...backend.protocol import STATISTICAL_EXPRESSION
from ..head_data import MeshData
from ..properties import IDENTITY

IDENTITY_RANGE = 3.0
"""Sliders reach three standard deviations: 99.7 % of people."""

STILL_MM = 1e-3
"""A key of a follower that moves no vertex by more than a micrometre is left out."""


def identity_name(index: int) -> str:
    """Name of an identity key; largest component first, counted from one."""
    return f"{IDENTITY}{index + 1:02d}"


def add_shape_keys(
    item: bpy.types.Object,
    data: MeshData,
    expression_names: tuple[str, ...],
    expression: NDArray[np.floating],
    *,
    follower: bool,
) -> None:
    """Give an object its keys. The face gets all of them, with the photo's expression as values.

    Basis is the photo's own identity with a neutral expression, so identity sliders start at 0.
    A ``follower`` gets only the keys that move it.
    """
    if data.expression is None and data.identity is None:
        return
    item.shape_key_add(name="Basis", from_mix=False)
    for index, name in enumerate(expression_names if data.expression is not None else ()):
        assert data.expression is not None
        key = _add_key(item, data, name, data.expression[index], follower)
        if key is not None:
            if name.startswith(STATISTICAL_EXPRESSION):
                key.slider_min, key.slider_max = -IDENTITY_RANGE, IDENTITY_RANGE
            key.value = float(expression[index])
    for index in range(0 if data.identity is None else len(data.identity)):
        assert data.identity is not None
        key = _add_key(item, data, identity_name(index), data.identity[index], follower)
        if key is not None:
            key.slider_min, key.slider_max = -IDENTITY_RANGE, IDENTITY_RANGE


def _add_key(
    item: bpy.types.Object, data: MeshData, name: str, movement_m: NDArray[np.float32], follower: bool
) -> bpy.types.ShapeKey | None:
    if follower and np.abs(movement_m).max(initial=0.0) * 1000.0 < STILL_MM:
        return None
    key = item.shape_key_add(name=name, from_mix=False)
    key.value = 0.0  # new keys start at 1 in Blender 5
    key.points.foreach_set("co", (data.vertices + movement_m).ravel())
    return key


def follow_face(face: bpy.types.Object, part: bpy.types.Object) -> None:
    """Drive every key of a part by the face's key of the same name, without Python expressions."""
    leader = face.data.shape_keys
    own = part.data.shape_keys
    if leader is None or own is None:
        return
    for key in own.key_blocks[1:]:
        if key.name not in leader.key_blocks:
            continue
        driver = key.driver_add("value").driver
        driver.type = "AVERAGE"
        variable = driver.variables.new()
        variable.type = "SINGLE_PROP"
        target = variable.targets[0]
        target.id_type = "KEY"
        target.id = leader
        target.data_path = f'key_blocks["{key.name}"].value'
