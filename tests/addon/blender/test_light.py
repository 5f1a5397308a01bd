"""De-lit skin and the photo's estimated light in a real Blender."""

from __future__ import annotations

import bpy
import numpy as np
import pytest
import synthetic
from mathutils import Matrix, Vector

LAMP = np.array([0.6, 0.64, 0.48])
"""Unit vector in axes of the photo's camera: from the picture's right, above and before."""
LIGHT = np.zeros((9, 3))
LIGHT[0] = 2.5, 2.2, 2.0
LIGHT[1:4] = LAMP[[1, 0, 2], None] * [1.2, 1.0, 0.8]
"""Fill from all sides and a warm lamp; terms of order two are left at 0."""
SIDE, SAMPLES = 24, 64


@pytest.fixture
def lit_head(addon):
    data = addon("head_data").decode_head("Ann", synthetic.reconstruction(light=LIGHT))
    key = addon("session").session.heads.keep("Ann", data)
    bpy.ops.likeness.build_head("EXEC_DEFAULT", True, result=key)
    return bpy.context.view_layer.objects.active


def base_colour(item) -> bpy.types.Image:
    """The image that a part's lit surface is made of."""
    nodes = item.data.materials[0].node_tree.nodes
    return nodes["Principled BSDF"].inputs["Base Color"].links[0].from_node.image


def parts_of(addon, pivot):
    properties = addon("properties")
    return {properties.likeness(item).role: item for item in properties.parts(pivot)}


def test_de_lit_skin_replaces_the_photos_colours_of_the_face_alone(addon, lit_head):
    properties, parts = addon("properties").likeness(lit_head), parts_of(addon, lit_head)
    photo_of = {name: base_colour(parts[name]).name for name in ("face", "hair", "eye_left")}
    assert photo_of["face"] == "Ann Face"
    properties.look = "DELIT"
    assert base_colour(parts["face"]) == properties.delit
    assert properties.delit.name == "Ann Face Albedo"
    assert parts["face"].data.materials[0].node_tree.nodes.active.image == properties.delit
    assert base_colour(parts["hair"]).name == photo_of["hair"]
    assert base_colour(parts["eye_left"]).name == photo_of["eye_left"]
    for look in ("LIT", "PHOTO"):
        properties.look = look
        assert base_colour(parts["face"]).name == photo_of["face"]


def test_skin_and_eyes_shine_and_hair_does_not(addon, lit_head):
    shine = {
        name: item.data.materials[0]
        .node_tree.nodes["Principled BSDF"]
        .inputs["Specular IOR Level"]
        .default_value
        for name, item in parts_of(addon, lit_head).items()
        if item.type == "MESH"
    }
    assert {name for name, level in shine.items() if level > 0} == {
        *("face", "eye_left", "eye_right", "teeth", "lashes"),
    }


def test_the_choice_survives_the_file(addon, lit_head, tmp_path):
    path = str(tmp_path / "de-lit.blend")
    bpy.ops.wm.save_as_mainfile(filepath=path)
    bpy.ops.wm.open_mainfile(filepath=path)
    head = addon("properties").active_head(bpy.context)
    properties = addon("properties").likeness(head)
    properties.look = "DELIT"
    assert base_colour(properties.face) == properties.delit
    assert properties.delit.packed_file is not None
    assert bpy.ops.likeness.add_light() == {"FINISHED"}


def test_a_head_without_de_lit_skin_is_lit_as_it_is(addon, head):
    properties = addon("properties").likeness(head)
    assert properties.delit is None
    properties.look = "DELIT"
    assert base_colour(properties.face).name == "Ann Face"
    with pytest.raises(RuntimeError, match="Nothing is known about this photo's light"):
        bpy.ops.likeness.add_light()


def test_a_sun_shines_from_where_the_photo_was_lit_and_nothing_else_changes(addon, lit_head):
    world = bpy.data.worlds.new("Mine")
    bpy.context.scene.world = world
    lit_head.parent.rotation_euler.z = 0.7  # the whole set-up may be turned
    for _ in range(2):
        bpy.ops.likeness.add_light(kind="SUN")
    bpy.context.view_layer.update()
    (sun,) = [item for item in bpy.data.objects if item.type == "LIGHT"]
    camera = addon("properties").likeness(lit_head).camera
    shines = sun.matrix_world.to_3x3() @ Vector((0, 0, 1))
    expected = camera.matrix_world.to_3x3() @ Vector(LAMP)
    assert tuple(shines.normalized()) == pytest.approx(tuple(expected), abs=1e-4)
    assert sun.data.color[:] == pytest.approx((1.0, 1.0 / 1.2, 0.8 / 1.2), abs=1e-4)
    assert bpy.context.scene.world == world
    assert len(bpy.data.worlds) == 1


def test_a_world_takes_the_place_of_the_scenes_which_is_kept(lit_head):
    scene = bpy.context.scene
    scene.world = mine = bpy.data.worlds.new("Mine")
    bpy.ops.likeness.add_light(kind="SUN")
    bpy.ops.likeness.add_light("EXEC_DEFAULT", True, kind="WORLD")
    assert scene.world.name == "Likeness Light"
    assert mine.use_fake_user
    assert not [item for item in bpy.data.objects if item.type == "LIGHT"]  # else its light would count twice


def test_undo_takes_the_light_away(lit_head):
    bpy.context.scene.world = bpy.data.worlds.new("Mine")
    bpy.ops.ed.undo_push(message="mine")
    bpy.ops.likeness.add_light("EXEC_DEFAULT", True, kind="WORLD")
    bpy.ops.ed.undo()
    assert bpy.context.scene.world.name == "Mine"
    assert "Likeness Light" not in bpy.data.worlds


def test_the_world_lights_a_ball_as_the_estimate_says(addon, lit_head, tmp_path):
    """Also after saving: the picture of the surroundings travels in the file."""
    camera = addon("properties").likeness(lit_head).camera
    lit_head.parent.rotation_euler = (0.2, -0.3, 0.9)
    bpy.context.view_layer.update()
    bpy.ops.likeness.add_light(kind="WORLD")
    path = str(tmp_path / "ball.blend")
    turn = np.array(camera.matrix_world.to_3x3())
    bpy.ops.wm.save_as_mainfile(filepath=path)
    bpy.ops.wm.open_mainfile(filepath=path)
    shown = rendered_ball(turn, tmp_path)
    sh_basis = addon("light").sh_basis
    y, x = np.mgrid[0:SIDE, 0:SIDE]
    x, y = 2 * (x + 0.5) / SIDE - 1, 1 - 2 * (y + 0.5) / SIDE
    inside = x * x + y * y < 0.8
    x, y = x[inside], y[inside]
    wanted = sh_basis(np.stack([x, y, np.sqrt(1 - x * x - y * y)], axis=-1)) @ LIGHT
    assert np.abs(shown[inside] - wanted).mean() < 0.03


def rendered_ball(turn: np.ndarray, tmp_path) -> np.ndarray:
    """(S,S,3) linear colours of a matt white ball that fills the picture of a camera turned so."""
    scene = bpy.context.scene
    for item in list(scene.objects):
        bpy.data.objects.remove(item)
    bpy.ops.mesh.primitive_uv_sphere_add(radius=1, segments=64, ring_count=32)
    ball = bpy.context.view_layer.objects.active
    bpy.ops.object.shade_smooth()
    material = bpy.data.materials.new("White")
    if bpy.app.version < (5, 0, 0):
        material.use_nodes = True
    tree = material.node_tree
    tree.nodes.clear()
    output, white = tree.nodes.new("ShaderNodeOutputMaterial"), tree.nodes.new("ShaderNodeBsdfDiffuse")
    white.inputs["Color"].default_value = (1, 1, 1, 1)
    tree.links.new(white.outputs[0], output.inputs["Surface"])
    ball.data.materials.append(material)
    camera = bpy.data.objects.new("Camera", bpy.data.cameras.new("Camera"))
    scene.collection.objects.link(camera)
    camera.data.type, camera.data.ortho_scale = "ORTHO", 2.0
    camera.location = (turn @ [0, 0, 3]).tolist()
    camera.rotation_euler = Matrix(turn.tolist()).to_euler()
    scene.camera = camera
    render = scene.render
    render.engine, scene.cycles.samples, scene.cycles.use_denoising = "CYCLES", SAMPLES, False
    render.resolution_x = render.resolution_y = SIDE
    render.resolution_percentage = 100
    scene.view_settings.view_transform = "Raw"
    if hasattr(render.image_settings, "media_type"):
        render.image_settings.media_type = "IMAGE"
    render.image_settings.file_format = "OPEN_EXR"
    render.filepath = str(tmp_path / "ball.exr")
    bpy.ops.render.render(write_still=True)
    image = bpy.data.images.load(render.filepath)
    values = np.empty(SIDE * SIDE * 4, np.float32)
    image.pixels.foreach_get(values)
    return values.reshape(SIDE, SIDE, 4)[::-1, :, :3]
