"""A parcel becomes a Blender scene: meshes, hair, lamps, sky and camera; inside Blender's Python only."""

from __future__ import annotations

import math
from typing import Any

import bpy
import mathutils
import numpy as np
from numpy.typing import NDArray

from .materials import COVERS, TINT, hair_material, sky_world, surface_material
from .parcel import CLASSES, Fibres, Floats, LampHeader, LensHeader, Mesh, Parcel

SENSOR_MM = 36.0
TIP_FROM, TIP_WIDTH = 0.6, 0.35
"""Hairs taper from this part of their length on, down to this share of their width; as the torch engine's."""
NEAR_M, FAR_M = 0.01, 100.0


def build(parcel: Parcel) -> bpy.types.Scene:
    """An otherwise empty Blender with this scene alone."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    scene = bpy.context.scene
    header = parcel.header
    scene.world = sky_world(parcel.sky)
    for lamp in header.lamps:
        _show(scene, "lamp", _lamp(lamp))
        _aim(scene.collection.objects[-1], lamp.direction)
    for mesh, finish in zip(parcel.meshes, header.finishes, strict=True):
        data = _mesh(mesh)
        data.materials.append(surface_material(finish, mesh.texture))
        _show(scene, "surface", data)
    for fibres, strands in zip(parcel.fibres, header.strands, strict=True):
        data = _curves(fibres, strands.region)
        data.materials.append(hair_material(strands))
        _show(scene, "hair", data)
    scene.camera = _show(scene, "camera", _camera(header.lens))
    scene.camera.location = header.lens.location
    scene.camera.rotation_euler = (math.pi / 2, 0.0, 0.0)
    scene.render.resolution_x = scene.render.resolution_y = header.lens.size
    return scene


def one_hot(region: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Classes (T,) as (len(COVERS),T,3) of ones and zeros, three classes for each pass."""
    hot = np.eye(len(COVERS) * 3, dtype=np.float32)[region]
    return hot.reshape(len(region), len(COVERS), 3).transpose(1, 0, 2)


def _show(scene: bpy.types.Scene, name: str, data: bpy.types.ID) -> bpy.types.Object:
    item = bpy.data.objects.new(name, data)
    scene.collection.objects.link(item)
    return item


def _aim(lamp: bpy.types.Object, direction: tuple[float, float, float]) -> None:
    """Lamps shine along their own -z."""
    lamp.rotation_euler = mathutils.Vector(direction).to_track_quat("Z", "Y").to_euler()


def _lamp(lamp: LampHeader) -> bpy.types.Light:
    data = bpy.data.lights.new("lamp", "SUN")
    data.color, data.angle = lamp.colour, math.radians(lamp.angle_deg)
    # Irradiance pi lights a matt white surface to 1.
    data.energy = math.pi
    return data


def _camera(lens: LensHeader) -> bpy.types.Camera:
    data = bpy.data.cameras.new("camera")
    data.sensor_fit, data.sensor_width = "HORIZONTAL", SENSOR_MM
    data.lens, data.shift_x, data.shift_y = lens.focal_mm, lens.shift_x, lens.shift_y
    data.clip_start, data.clip_end = NEAR_M, FAR_M
    return data


def _mesh(mesh: Mesh) -> bpy.types.Mesh:
    """A smooth mesh with a UV for every corner and the class of every triangle."""
    data = bpy.data.meshes.new("surface")
    count = len(mesh.triangles)
    data.vertices.add(len(mesh.vertices))
    data.vertices.foreach_set("co", mesh.vertices.ravel())
    data.loops.add(3 * count)
    data.loops.foreach_set("vertex_index", mesh.triangles.ravel())
    data.polygons.add(count)
    data.polygons.foreach_set("loop_start", np.arange(0, 3 * count, 3, dtype=np.int32))
    data.uv_layers.new(name="UV").uv.foreach_set("vector", mesh.uvs.ravel())
    data.update(calc_edges=True)
    data.shade_smooth()
    for name, hot in zip(COVERS, one_hot(mesh.region), strict=True):
        _store(data, name, "FLOAT_VECTOR", "FACE", "vector", hot)
    return data


def _curves(fibres: Fibres, region: int) -> bpy.types.Curves:
    """Hair curves that taper to their tips."""
    data = bpy.data.hair_curves.new("hair")
    count, places = fibres.points.shape[:2]
    data.add_curves([places] * count)
    data.attributes["position"].data.foreach_set("vector", fibres.points.ravel())
    along = np.linspace(0, 1, places, dtype=np.float32)
    taper = 1 - (1 - TIP_WIDTH) * ((along - TIP_FROM) / (1 - TIP_FROM)).clip(0, 1)
    _store(data, "radius", "FLOAT", "POINT", "value", 0.5 * fibres.width[:, None] * taper)
    tint = np.ones((count, 4), np.float32)
    tint[:, :3] = fibres.colour
    _store(data, TINT, "FLOAT_COLOR", "CURVE", "color", tint)
    region_of_all = np.full(count, region % CLASSES, np.uint8)
    for name, hot in zip(COVERS, one_hot(region_of_all), strict=True):
        _store(data, name, "FLOAT_VECTOR", "CURVE", "vector", hot)
    return data


def _store(data: Any, name: str, kind: str, domain: str, field: str, values: Floats) -> None:
    """An attribute of a mesh or of curves; Blender 4.5 makes some of them by itself."""
    attribute = data.attributes.get(name) or data.attributes.new(name, kind, domain)
    attribute.data.foreach_set(field, np.ascontiguousarray(values, np.float32).ravel())
