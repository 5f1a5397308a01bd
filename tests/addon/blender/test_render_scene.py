"""What a render of the head makes of the scene about it, and of scenes that no picture can come of."""

from __future__ import annotations

import math

import bpy
import numpy as np
import pytest
import synthetic
from mathutils import Matrix

MIDDLE = (slice(120, 130), slice(95, 105))
"""Rows and columns on the face."""


@pytest.fixture
def render(addon, head, tmp_path):
    """Renders the scene as it is; pictures (H,W,4) float by name, top row first."""

    def rendered() -> dict[str, np.ndarray]:
        coarse = addon("render").render_coarse(bpy.context.scene, head)
        return {name: pixels(png, tmp_path) for name, png in coarse.images.items()}

    return rendered


def pixels(png: bytes, tmp_path) -> np.ndarray:
    path = tmp_path / "look.png"
    path.write_bytes(png)
    image = bpy.data.images.load(str(path))
    image.colorspace_settings.name = "Non-Color"
    values = np.empty(image.size[0] * image.size[1] * 4, np.float32)
    image.pixels.foreach_get(values)
    values = values.reshape(image.size[1], image.size[0], 4)[::-1].copy()
    bpy.data.images.remove(image)
    return values


def part(addon, head, role: str) -> bpy.types.Object:
    properties = addon("properties")
    return next(item for item in properties.parts(head) if properties.likeness(item).role == role)


def cube(y: float, name: str = "Cube") -> bpy.types.Object:
    """A cube on the line from the camera to the face."""
    bpy.ops.mesh.primitive_cube_add(size=0.03)
    item = bpy.context.view_layer.objects.active
    item.name = name
    item.location = (0, y, 0.01)
    material = bpy.data.materials.new(name)
    if bpy.app.version < (5, 0, 0):
        material.use_nodes = True
    item.data.materials.append(material)
    return item


def lamp(x: float, energy: float = 3.0) -> bpy.types.Object:
    item = bpy.data.objects.new("Lamp", bpy.data.lights.new("Lamp", "SUN"))
    item.data.energy = energy
    item.rotation_euler = (math.radians(70), 0, math.radians(60 if x > 0 else -60))
    bpy.context.scene.collection.objects.link(item)
    return item


# The known map ---------------------------------------------------------------------------------


def test_the_photos_own_view_is_known(render):
    images = render()
    inside = images["coarse"][..., 3] == 1
    known = images["known"][..., 2]
    assert np.median(known[inside]) == 1
    assert (known[images["coarse"][..., 3] == 0] > 0).mean() < 0.01  # edges are sampled differently


@pytest.mark.parametrize("yaw", [0.0, 0.4])
def test_every_pixel_knows_its_place_in_the_photo(render, yaw):
    """The synthetic head's texture is its own photo: what stands at the place is what is shown."""
    bpy.ops.likeness.turn_head(yaw=yaw)
    images = render()
    solid = (images["coarse"][..., 3] == 1) & (images["known"][..., 2] == 1)
    solid[125:] = False  # the mouth's expression is not in the synthetic head's places
    assert solid.sum() > 2000
    size = np.array([synthetic.WIDTH, synthetic.HEIGHT])
    place = images["known"][..., :2][solid] * size - 0.5
    if yaw == 0:
        assert place == pytest.approx(np.argwhere(solid)[:, ::-1], abs=0.06)
    column, row = np.rint(place).astype(int).T
    difference = images["coarse"][solid][:, :3] - synthetic.photo_pixels()[row, column] / 255
    assert np.abs(difference).mean() < 0.01


def test_the_far_side_is_unknown_and_a_picture_all_the_same(render):
    bpy.ops.likeness.turn_head(yaw=math.pi)
    images = render()
    assert images["coarse"][MIDDLE][..., 3].min() == 1
    assert images["known"][MIDDLE][..., 2].max() < 0.02


def test_what_the_photo_saw_from_the_side_is_worth_less(render):
    """Left behind by 60 degrees: a ball's middle then shows what the photo saw at 60."""
    bpy.ops.likeness.turn_head(yaw=math.radians(60))
    known = render()["known"][MIDDLE][..., 2]
    assert 0.45 < known.mean() < 0.8  # 1.25 cos 60 is 0.63 on a ball


def test_heads_of_older_files_know_nothing(addon, head, render):
    for item in addon("properties").parts(head):
        if item.type == "MESH":
            item.data.attributes.remove(item.data.attributes["likeness_known"])
    images = render()
    assert images["known"][..., 2].max() == 0
    assert images["coarse"][MIDDLE][..., 3].min() == 1


def test_an_artists_brush_is_not_undone(addon, head, render):
    assert "photo" in render()
    image = part(addon, head, "hair").data.materials[0].node_tree.nodes["Likeness Photo"].image
    image.pixels[0] = 0.123
    assert "photo" not in render()
    image.pack()
    assert "photo" not in render()


# Other objects ---------------------------------------------------------------------------------


def test_what_stands_before_the_head_stays_there(addon, head, render):
    cube(-0.3)
    images = render()
    shown = images["surroundings"][..., 3]
    assert 100 < (shown == 1).sum() < 2500
    assert (shown > 0).sum() < 3000
    assert images["coarse"][shown == 1][..., 3].min() == 1  # the head itself is whole
    assert not any(item.is_holdout for item in addon("properties").parts(head))
    assert len(bpy.data.scenes) == 1


def test_what_stands_behind_the_head_is_hidden(render):
    cube(0.3)
    assert render()["surroundings"][..., 3].max() == 0


def test_an_empty_scene_has_no_surroundings(render):
    lamp(1)
    cube(-0.3).hide_render = True
    assert "surroundings" not in render()


def test_what_stands_beside_the_picture_costs_no_render(render):
    """A new file's cube, for instance."""
    aside = cube(-0.3)
    aside.location.x = 3.0
    assert "surroundings" not in render()


def test_what_reaches_through_the_picture_is_rendered(render):
    """A beam: both ends lie outside, one of them behind the camera."""
    beam = cube(-0.3)
    beam.scale.x, beam.rotation_euler.z = 200, math.radians(30)
    assert render()["surroundings"][..., 3].max() == 1


def test_copies_may_stand_anywhere(render):
    aside = cube(-0.3)
    aside.location.x = 3.0
    copies = aside.modifiers.new("copies", "NODES")
    assert copies is not None
    assert "surroundings" in render()


def test_the_picture_shows_the_object(addon, backend, head, render):
    """The fake backend hands back the coarse render alone; the request is what counts."""
    cube(-0.3)
    requests = []
    client = addon("client").Client
    original = client.refine
    try:
        client.refine = lambda self, data: requests.append(data) or original(self, data)
        assert bpy.ops.likeness.render_new_pose() == {"FINISHED"}
    finally:
        client.refine = original
    _, arrays = synthetic.payload.unpack(requests[0])
    names = {"coarse", "known", "plate", "photo", "surroundings"}
    assert {f"image/{name}" for name in names} == set(arrays)


# Relit -----------------------------------------------------------------------------------------


@pytest.fixture
def relit(addon, head, render):
    """A head whose skin has lost the photo's light, in a dark scene."""
    properties = addon("properties").likeness(head)
    properties.delit = bpy.data.images.new("Grey", 8, 8)
    scene = bpy.context.scene
    scene.world = None
    scene.render.engine = "CYCLES"
    scene.cycles.samples = 2
    scene.cycles.use_denoising = False
    return properties


def test_the_artists_lamps_light_the_head(relit, render):
    unlit = render()
    relit.look = "LIT"
    lamp(0.5)
    right = render()
    assert np.array_equal(unlit["known"], right["known"])
    assert np.abs(unlit["coarse"] - right["coarse"])[..., :3].max() > 0.2
    bpy.data.objects["Lamp"].rotation_euler.z *= -1
    left = render()
    difference = (left["coarse"] - right["coarse"])[100:140, :, :3].mean(axis=(0, 2))
    assert difference[60:80].mean() * difference[120:140].mean() < 0
    assert abs(difference[60:80].mean()) > 0.05
    assert relit.look == "LIT"


def test_others_throw_shadows_but_are_not_seen(relit, render):
    relit.look = "LIT"
    sun = lamp(0.5)
    sun.rotation_euler = (math.radians(90), 0, 0)  # shines along +y, as the camera looks
    bright = render()["coarse"]
    item = cube(-0.3)
    shaded = render()["coarse"]
    assert shaded[MIDDLE][..., 3].min() == 1
    assert shaded[MIDDLE][..., :3].mean() < 0.7 * bright[MIDDLE][..., :3].mean()
    assert item.visible_camera


def test_without_light_it_says_so(addon, head, relit):
    relit.look = "LIT"
    with pytest.raises(addon("errors").SceneUnfit, match="no light in the scene"):
        addon("render").render_coarse(bpy.context.scene, head)


# What no picture can come of -------------------------------------------------------------------


def refused(addon, head) -> str:
    scenes, images = len(bpy.data.scenes), bpy.data.images.keys()
    with pytest.raises(addon("errors").SceneUnfit) as refusal:
        addon("render").render_coarse(bpy.context.scene, head)
    assert (len(bpy.data.scenes), bpy.data.images.keys()) == (scenes, images)
    assert refusal.value.remedy
    return refusal.value.message


def test_a_head_out_of_the_frame(addon, head):
    bpy.context.scene.camera.rotation_euler.z += math.pi
    assert "not in the picture" in refused(addon, head)
    bpy.context.scene.camera.rotation_euler.z += math.pi / 2
    assert "not in the picture" in refused(addon, head)


def test_a_camera_inside_the_head(addon, head):
    camera = bpy.context.scene.camera
    camera.parent = None
    camera.location = (0, 0, 0)
    assert "inside the head" in refused(addon, head)


def test_a_panoramic_camera(addon, head):
    bpy.context.scene.camera.data.type = "PANO"
    assert "panoramic" in refused(addon, head)


def test_sixteen_thousand_pixels_a_side(addon, head):
    render = bpy.context.scene.render
    render.resolution_x = render.resolution_y = 16384
    assert "16384 x 16384" in refused(addon, head)


def test_a_plate_that_is_gone(addon, head, render):
    properties = addon("properties").likeness(head)
    bpy.data.images.remove(properties.plate)
    assert "background" in refused(addon, head)
    bpy.context.scene.render.film_transparent = True
    images = render()
    assert images["plate"].shape == (1, 1, 4)
    assert images["coarse"][MIDDLE][..., 3].min() == 1


def test_a_plate_without_pixels(addon, head, render, tmp_path):
    """An image whose file was lost and that was never packed."""
    properties = addon("properties").likeness(head)
    lost = bpy.data.images.new("Lost", 4, 4)
    lost.source, lost.filepath = "FILE", str(tmp_path / "lost.png")
    lost.reload()
    assert tuple(lost.size) == (0, 0)
    properties.plate = lost
    assert "background" in refused(addon, head)
    bpy.context.scene.render.film_transparent = True
    assert render()["coarse"][MIDDLE][..., 3].min() == 1


def test_a_head_of_which_nothing_is_left(addon, head):
    for item in addon("properties").parts(head):
        if item.type == "MESH":
            bpy.data.objects.remove(item)
    assert "Nothing is left" in refused(addon, head)


def test_a_camera_that_is_no_camera(addon, head):
    bpy.context.scene.camera = head
    assert "no camera" in refused(addon, head)


# What a picture can come of --------------------------------------------------------------------


def test_sixteen_pixels(render):
    bpy.context.scene.render.resolution_x = bpy.context.scene.render.resolution_y = 16
    images = render()
    assert images["coarse"].shape == (16, 16, 4)
    assert images["coarse"][8, 8, 3] == 1


def test_an_orthographic_camera(render):
    camera = bpy.context.scene.camera.data
    camera.type, camera.ortho_scale = "ORTHO", 0.3
    images = render()
    assert images["coarse"][MIDDLE][..., 3].min() == 1
    assert images["known"][MIDDLE][..., 2].mean() > 0.95


def test_a_camera_behind_the_head(addon, head, render):
    """The nape fills the picture's middle, and the photo knows nothing of it."""
    camera = bpy.context.scene.camera
    centre = head.matrix_world.translation
    camera.parent = None
    camera.location = (centre.x, centre.y + 1, centre.z)
    camera.rotation_euler = (math.pi / 2, 0, math.pi)
    bpy.context.view_layer.update()
    images = render()
    solid = images["coarse"][..., 3] == 1
    assert 0.02 < solid.mean() < 0.9
    assert images["known"][solid][:, 2].mean() < 0.05


def test_a_deleted_eye(addon, head, render):
    bpy.data.objects.remove(part(addon, head, "eye_left"))
    assert render()["coarse"][MIDDLE][..., 3].min() == 1


@pytest.mark.parametrize("move", [Matrix.Scale(12.5, 4), Matrix.Translation((3, -2, 1))])
def test_a_head_that_is_scaled_or_parented_gives_the_same_picture(addon, head, render, move):
    before = render()
    root = part(addon, head, "root")
    parent = bpy.data.objects.new("Parent", None)
    bpy.context.scene.collection.objects.link(parent)
    parent.matrix_world = move
    root.parent = parent
    after = render()
    for name in ("coarse", "known"):
        assert np.abs(before[name] - after[name]).mean() < 0.01
