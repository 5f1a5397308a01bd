"""Arrays to mesh objects."""

from __future__ import annotations

import bpy
import numpy as np

from ..head_data import MeshData

LABELS = {
    "face": "Face",
    "eye_left": "Eye Left",
    "eye_right": "Eye Right",
    "teeth": "Teeth",
    "tongue": "Tongue",
    "lashes": "Lashes",
    "hair": "Hair and Ears",
    "back": "Back of Head",
    "body": "Neck and Shoulders",
}
"""Names in the outliner; a part that is not listed keeps the backend's name."""


KNOWN = "likeness_known"
"""Attribute of a head's vertices: how well the photo saw them, in [0,1] (docs/conventions.md)."""

SEEN_AT = "likeness_seen_at"
"""Attribute that tells where in the photo (:attr:`MeshData.seen_at`)."""


def label(name: str) -> str:
    """The artist's word for a part."""
    return LABELS.get(name, name.replace("_", " ").title())


def build_mesh(data: MeshData) -> bpy.types.Mesh:
    """A mesh with its UV map, smooth shaded. The arrays were checked when they arrived."""
    mesh = bpy.data.meshes.new(label(data.header.name))
    mesh.vertices.add(len(data.vertices))
    mesh.vertices.foreach_set("co", data.vertices.ravel())
    mesh.loops.add(len(data.corners))
    mesh.loops.foreach_set("vertex_index", data.corners)
    mesh.polygons.add(len(data.corner_starts))
    mesh.polygons.foreach_set("loop_start", data.corner_starts)
    mesh.polygons.foreach_set("use_smooth", np.ones(len(data.corner_starts), bool))
    uv_map = mesh.uv_layers.new(name="UVMap", do_init=False)
    uv_map.uv.foreach_set("vector", data.corner_uvs.ravel())
    mesh.attributes.new(KNOWN, "FLOAT", "POINT").data.foreach_set("value", data.known)
    mesh.attributes.new(SEEN_AT, "FLOAT_VECTOR", "POINT").data.foreach_set("vector", data.seen_at.ravel())
    mesh.update(calc_edges=True)
    mesh.validate(clean_customdata=False)
    return mesh
