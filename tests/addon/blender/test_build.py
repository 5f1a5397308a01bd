"""Building a head in a real Blender."""

from __future__ import annotations

from dataclasses import replace

import bpy
import numpy as np
import pytest
import synthetic
from bpy_extras.object_utils import world_to_camera_view
from mathutils import Vector

PIXEL_TOLERANCE = 0.1


def by_role(addon, pivot):
    properties = addon("properties")
    return {properties.likeness(item).role: item for item in properties.parts(pivot)}


def deformed_points(item) -> np.ndarray:
    """World positions (N,3) of an object's vertices with all its shape keys."""
    depsgraph = bpy.context.evaluated_depsgraph_get()
    evaluated = item.evaluated_get(depsgraph)
    mesh = evaluated.to_mesh()
    points = np.array([evaluated.matrix_world @ vertex.co for vertex in mesh.vertices])
    evaluated.to_mesh_clear()
    return points


def expected_head_points(data, name: str) -> np.ndarray:
    """Head-space mm (N,3) of a part with the photo's expression, computed from the payload."""
    mesh = next(mesh for mesh in data.header.meshes if mesh.name == name)
    arrays = data.meshes[name]
    points = arrays.vertices.astype(np.float64) + np.array(mesh.origin_mm)
    if arrays.expression is not None:
        points = points + np.tensordot(data.expression.astype(np.float64), arrays.expression, 1)
    return points


@pytest.fixture
def data(head_payload):
    from backend.payload import open_reconstruction

    return open_reconstruction(head_payload)


@pytest.mark.parametrize("name", ["face", "eye_left", "teeth", "hair", "body"])
def test_every_vertex_lies_where_the_photo_camera_saw_it(addon, head, data, name):
    expected = synthetic.CAMERA.project(synthetic.POSE.to_camera(expected_head_points(data, name)))
    scene, camera = bpy.context.scene, bpy.context.scene.camera
    assert (scene.render.resolution_x, scene.render.resolution_y) == (synthetic.WIDTH, synthetic.HEIGHT)
    for point, pixel in zip(deformed_points(by_role(addon, head)[name]), expected, strict=True):
        u, v, _ = world_to_camera_view(scene, camera, Vector(point))
        found = (u * synthetic.WIDTH - 0.5, (1 - v) * synthetic.HEIGHT - 0.5)
        assert found == pytest.approx(pixel, abs=PIXEL_TOLERANCE)


def test_the_scene_is_laid_out_for_an_artist(addon, head):
    parts = by_role(addon, head)
    collection = addon("properties").likeness(head).collection
    assert collection.name == "Ann"
    assert {parts[role].name for role in ("pivot", "face", "hair", "camera", "eye_left")} == {
        "Head",
        "Face",
        "Hair and Ears",
        "Photo Camera",
        "Eye Left",
    }
    root = parts["root"]
    assert head.parent == parts["camera"].parent == parts["body"].parent == root
    assert parts["face"].parent == parts["eye_left"].parent == parts["hair"].parent == head
    assert parts["lashes"].hide_render
    assert tuple(parts["eye_left"].lock_location) == (True, True, True)
    backdrop = parts["camera"].data.background_images[0]
    assert backdrop.image == addon("properties").likeness(head).photo


def test_moving_the_root_moves_everything_together(addon, head, data):
    root = head.parent
    root.location, root.scale, root.rotation_euler = (3, -2, 1), (2, 2, 2), (0.1, 0.2, 0.3)
    bpy.context.view_layer.update()
    test_every_vertex_lies_where_the_photo_camera_saw_it(addon, head, data, "face")


def test_turning_leaves_the_body_behind(addon, head):
    parts = by_role(addon, head)
    before = {name: deformed_points(parts[name]) for name in ("body", "face")}
    assert bpy.ops.likeness.turn_head(yaw=0.5) == {"FINISHED"}
    bpy.context.view_layer.update()
    assert np.allclose(deformed_points(parts["body"]), before["body"])
    assert not np.allclose(deformed_points(parts["face"]), before["face"], atol=0.01)


def test_turning_follows_the_convention_of_the_backend(addon, head, data):
    """The same turn in Blender and by backend.frames projects to the same pixels."""
    bpy.ops.likeness.turn_head(yaw=np.deg2rad(20), pitch=np.deg2rad(-10), roll=np.deg2rad(7))
    bpy.context.view_layer.update()
    turned = synthetic.POSE.turned(20, -10, 7)
    expected = synthetic.CAMERA.project(turned.to_camera(expected_head_points(data, "face")))
    scene = bpy.context.scene
    for point, pixel in zip(deformed_points(by_role(addon, head)["face"]), expected, strict=True):
        u, v, _ = world_to_camera_view(scene, scene.camera, Vector(point))
        found = (u * synthetic.WIDTH - 0.5, (1 - v) * synthetic.HEIGHT - 0.5)
        assert found == pytest.approx(pixel, abs=PIXEL_TOLERANCE)


def test_the_sliders_follow_the_pivot_and_reset_returns(addon, head):
    likeness = addon("properties").likeness(head)
    start = tuple(head.rotation_euler)
    head.rotation_euler.z += 0.3
    assert likeness.yaw == pytest.approx(0.3)
    likeness.roll = 0.2
    assert likeness.roll == pytest.approx(0.2)
    head.location.x = 1.0
    bpy.ops.likeness.reset_pose()
    assert tuple(head.rotation_euler) == pytest.approx(start)
    assert (likeness.yaw, likeness.pitch, likeness.roll, head.location.x) == (0, 0, 0, 0)


def test_shape_keys_carry_the_photo(addon, head):
    keys = by_role(addon, head)["face"].data.shape_keys.key_blocks
    assert [key.name for key in keys][1:53] == list(synthetic.EXPRESSIONS)
    assert [key.name for key in keys][53:] == [f"Identity {n:02d}" for n in range(1, 81)]
    assert keys["jawOpen"].value == pytest.approx(0.25)
    assert keys["Identity 01"].value == 0
    assert (keys["Identity 80"].slider_min, keys["Identity 80"].slider_max) == (-3, 3)


def test_sliders_go_back_to_the_photo(addon, head):
    keys = by_role(addon, head)["face"].data.shape_keys.key_blocks
    for name in ("jawOpen", "mouthSmileLeft", "Identity 01", "Identity 40"):
        keys[name].value = 0.9
    bpy.ops.likeness.reset_expression()
    assert keys["jawOpen"].value == pytest.approx(0.25)
    assert keys["mouthSmileLeft"].value == 0
    assert keys["Identity 40"].value == pytest.approx(0.9)
    bpy.ops.likeness.reset_shape()
    assert (keys["Identity 01"].value, keys["Identity 40"].value) == (0, 0)


def test_the_panels_list_expressions_and_components_apart(addon, head):
    sliders = addon("panels")._sliders
    expressions = [key.name for key in sliders(bpy.context, identity=False)]
    shapes = [key.name for key in sliders(bpy.context, identity=True)]
    assert expressions == list(synthetic.EXPRESSIONS)
    assert (shapes[0], len(shapes)) == ("Identity 01", synthetic.IDENTITIES)


def test_parts_follow_the_face(addon, head):
    parts = by_role(addon, head)
    face, teeth = parts["face"].data.shape_keys, parts["teeth"].data.shape_keys
    assert "mouthSmileLeft" not in teeth.key_blocks  # it would not move the teeth
    face.key_blocks["jawOpen"].value = 0.75
    face.key_blocks["Identity 05"].value = -2.5
    bpy.context.view_layer.update()
    evaluated = parts["teeth"].evaluated_get(bpy.context.evaluated_depsgraph_get()).data.shape_keys
    assert evaluated.key_blocks["jawOpen"].value == pytest.approx(0.75)
    assert evaluated.key_blocks["Identity 05"].value == pytest.approx(-2.5)
    assert not any(
        curve.driver.expression and curve.driver.type == "SCRIPTED" for curve in teeth.animation_data.drivers
    )


def test_the_file_holds_everything(addon, head, tmp_path):
    path = str(tmp_path / "Ä head.blend")
    bpy.ops.wm.save_as_mainfile(filepath=path)
    bpy.ops.wm.open_mainfile(filepath=path)
    pivot = addon("properties").active_head(bpy.context)
    record = pivot["likeness_record"].to_dict()
    assert record["model"] == "ellipsoids"
    assert record["camera"]["fx"] == synthetic.CAMERA.fx
    assert record["expression"]["jawOpen"] == 0.25
    assert len(record["identity"]) == synthetic.IDENTITIES
    assert np.allclose(np.reshape(record["rotation"], (3, 3)), synthetic.POSE.rotation)
    pixels = synthetic.photo_pixels()
    photo = addon("properties").likeness(pivot).photo
    assert photo.packed_file is not None
    stored = np.empty(synthetic.WIDTH * synthetic.HEIGHT * 4, np.float32)
    photo.pixels.foreach_get(stored)
    stored = stored.reshape(synthetic.HEIGHT, synthetic.WIDTH, 4)[::-1, :, :3]
    assert np.array_equal(np.round(stored * 255).astype(np.uint8), pixels)
    assert all(image.packed_file for image in bpy.data.images if image.source == "FILE")


def test_heads_stand_side_by_side_and_stay_apart(addon, head, head_payload):
    key = addon("session").session.heads.keep("Bob", addon("head_data").decode_head("Bob", head_payload))
    bpy.ops.likeness.build_head(result=key)
    second = bpy.context.view_layer.objects.active
    bpy.context.view_layer.update()
    assert second.matrix_world.translation.x - head.matrix_world.translation.x >= 0.5
    bpy.ops.likeness.turn_head(yaw=0.4)
    likeness = addon("properties").likeness
    assert likeness(second).yaw == pytest.approx(0.4)
    assert likeness(head).yaw == 0
    assert not set(addon("properties").parts(head)) & set(addon("properties").parts(second))


@pytest.fixture
def built(addon, head_payload):
    """Builds the synthetic head into the scene as it is; its pivot."""

    def build():
        key = addon("session").session.heads.keep("Ann", addon("head_data").decode_head("Ann", head_payload))
        bpy.ops.likeness.build_head(result=key)
        bpy.context.view_layer.update()
        return bpy.context.view_layer.objects.active

    return build


def test_nothing_stands_before_a_new_head(built):
    bpy.ops.mesh.primitive_cube_add(size=2)  # as in every new file
    cube = bpy.context.object
    pivot = built()
    camera = bpy.context.scene.camera
    corners = [
        world_to_camera_view(bpy.context.scene, camera, cube.matrix_world @ Vector(corner))
        for corner in cube.bound_box
    ]
    assert pivot.matrix_world.translation.x > 1
    assert max(corner.x for corner in corners if corner.z > 0) < 0  # left of the frame


def test_a_head_may_stand_in_a_room(built):
    bpy.ops.mesh.primitive_cube_add(size=8)
    bpy.ops.mesh.primitive_plane_add(size=20)
    assert built().matrix_world.translation.x == 0


def test_one_undo_takes_the_whole_head_away_and_redo_brings_it_back(head):
    collections = ("objects", "meshes", "materials", "images", "cameras", "collections")
    assert bpy.data.objects.get("Face") is not None
    bpy.ops.ed.undo()
    assert {name: len(getattr(bpy.data, name)) for name in collections} == dict.fromkeys(collections, 0)
    bpy.ops.ed.redo()
    assert bpy.data.objects.get("Face") is not None


def test_a_fault_while_building_leaves_nothing(addon, head_payload, monkeypatch):
    data = addon("head_data").decode_head("Ann", head_payload)

    def fail(*_, **__):
        raise MemoryError

    monkeypatch.setattr(addon("build.head"), "store_record", fail)
    with pytest.raises(MemoryError):
        addon("build.head").build_head(bpy.context.scene, data)
    kinds = ("objects", "meshes", "materials", "images", "cameras", "collections", "shape_keys")
    assert {kind: len(getattr(bpy.data, kind)) for kind in kinds} == dict.fromkeys(kinds, 0)


def test_the_look_switches_every_material(addon, head):
    likeness = addon("properties").likeness(head)
    nodes = [material.node_tree.nodes["Likeness Look"] for material in bpy.data.materials]
    assert nodes
    for look, factor in (("LIT", 1.0), ("PHOTO", 0.0)):
        likeness.look = look
        assert {node.inputs["Fac"].default_value for node in nodes} == {factor}


def test_a_file_of_a_newer_likeness_is_told(addon, head, tmp_path):
    addon("properties").likeness(head).schema_version = 99
    path = str(tmp_path / "newer.blend")
    bpy.ops.wm.save_as_mainfile(filepath=path)
    bpy.ops.wm.open_mainfile(filepath=path)
    assert "newer Likeness" in addon("session").session.notice


def test_statistical_expressions_reach_both_ways(addon, head_payload):
    data = addon("head_data").decode_head("Ann", head_payload)
    names = ("Expression 01", *data.header.expression_names[1:])
    expression = data.expression.copy()
    expression[0] = -1.5
    data = replace(data, header=replace(data.header, expression_names=names), expression=expression)
    pivot = addon("build.head").build_head(bpy.context.scene, data)
    keys = by_role(addon, pivot)["face"].data.shape_keys.key_blocks
    first, second = keys["Expression 01"], keys[names[1]]
    assert (first.slider_min, first.slider_max, first.value) == (-3.0, 3.0, -1.5)
    assert (second.slider_min, second.slider_max) == (0.0, 1.0)
