"""The head as a GLB file."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import bpy
import pytest
import synthetic


def read_glb(path: Path) -> dict:
    """The JSON part of a GLB file (glTF 2.0, 4.4)."""
    data = path.read_bytes()
    magic, _, _, length, _ = struct.unpack("<4sIIII", data[:20])
    assert magic == b"glTF"
    return json.loads(data[20 : 20 + length])


def test_shape_keys_and_textures_travel(head, tmp_path):
    bpy.ops.mesh.primitive_cube_add()
    cube = bpy.context.view_layer.objects.active
    bpy.context.view_layer.objects.active = head
    path = tmp_path / "Ann.glb"
    assert bpy.ops.likeness.export_glb(filepath=str(path)) == {"FINISHED"}
    scene = read_glb(path)
    meshes = {mesh["name"]: mesh for mesh in scene["meshes"]}
    assert {"Face", "Eye Left", "Hair and Ears", "Neck and Shoulders"} <= set(meshes)
    assert "Cube" not in meshes
    assert "Lashes" not in meshes
    names = meshes["Face"]["extras"]["targetNames"]
    assert names[:52] == list(synthetic.EXPRESSIONS)
    assert meshes["Face"]["weights"][synthetic.JAW_OPEN] == pytest.approx(0.25)
    textured = [m for m in scene["materials"] if "baseColorTexture" in m.get("pbrMetallicRoughness", {})]
    assert len(textured) == len(scene["materials"]) > 0
    hair = scene["materials"][meshes["Hair and Ears"]["primitives"][0]["material"]]
    assert hair["alphaMode"] in ("BLEND", "MASK")
    face = scene["materials"][meshes["Face"]["primitives"][0]["material"]]
    assert face["alphaMode"] == "MASK"  # a blended face would be drawn over the hair
    assert list(bpy.context.selected_objects) == [cube]


def test_without_a_head_it_is_not_offered(tmp_path):
    with pytest.raises(RuntimeError, match="Select a head"):
        bpy.ops.likeness.export_glb(filepath=str(tmp_path / "x.glb"))
