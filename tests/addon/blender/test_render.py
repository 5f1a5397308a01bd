"""The coarse render and *Render New Pose*."""

from __future__ import annotations

import bpy
import numpy as np
import pytest
import synthetic

ROUND_TRIP_DB = 40.0
"""Inside the head; what is lost is interpolation of the texture and 8-bit rounding."""

RGB, RGBA = 2, 6
"""Colour types of PNG."""

COLOUR_TYPE = 25
"""Position of the colour type in a PNG file."""


def pixels_of(png: bytes, tmp_path) -> np.ndarray:
    """Decode a PNG with Blender: (H,W,4) float, top row first."""
    path = tmp_path / "look.png"
    path.write_bytes(png)
    image = bpy.data.images.load(str(path))
    values = np.empty(image.size[0] * image.size[1] * 4, np.float32)
    image.pixels.foreach_get(values)
    values = values.reshape(image.size[1], image.size[0], 4)[::-1]
    bpy.data.images.remove(image)
    return values


def snapshot() -> dict:
    """What a render must leave as it was."""
    scene = bpy.context.scene
    render = scene.render
    return {
        "scenes": bpy.data.scenes.keys(),
        "images": bpy.data.images.keys(),
        "cameras": bpy.data.cameras.keys(),
        "camera": scene.camera.name,
        "engine": render.engine,
        "path": render.filepath,
        "transform": scene.view_settings.view_transform,
        "film": render.film_transparent,
        "looks": [
            (
                m.node_tree.nodes["Likeness Look"].inputs["Fac"].default_value,
                m.node_tree.nodes.keys(),
                len(m.node_tree.links),
            )
            for m in bpy.data.materials
        ],
    }


def test_at_the_photos_pose_the_render_is_the_photo(addon, head, tmp_path):
    coarse = addon("render").render_coarse(bpy.context.scene, head)
    assert (coarse.width, coarse.height) == (synthetic.WIDTH, synthetic.HEIGHT)
    rendered = pixels_of(coarse.images["coarse"], tmp_path)
    inside = rendered[..., 3] == 1.0
    assert 0.2 < inside.mean() < 0.6
    error = rendered[inside][:, :3] - synthetic.photo_pixels()[inside] / 255.0
    assert -10 * np.log10(np.mean(error**2)) > ROUND_TRIP_DB


def test_lights_and_other_objects_stay_out(addon, head, tmp_path):
    scene = bpy.context.scene
    empty = addon("render").render_coarse(scene, head)
    bpy.ops.mesh.primitive_cube_add(size=0.3, location=(0, -0.3, 0))  # in front of the face
    bpy.ops.object.light_add(type="SUN")
    scene.view_settings.view_transform = "AgX"
    full = addon("render").render_coarse(scene, head)
    assert np.array_equal(
        pixels_of(empty.images["coarse"], tmp_path), pixels_of(full.images["coarse"], tmp_path)
    )


@pytest.mark.parametrize("fails", [False, True])
def test_nothing_stays_behind(addon, head, monkeypatch, fails):
    before = snapshot()
    if fails:
        monkeypatch.setattr(addon("stage"), "_fast_engine", lambda stage: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            addon("render").render_coarse(bpy.context.scene, head)
    else:
        addon("render").render_coarse(bpy.context.scene, head)
    assert snapshot() == before


def test_the_plate_is_handed_over_as_it_came(addon, head, tmp_path):
    coarse = addon("render").render_coarse(bpy.context.scene, head)
    plate = addon("properties").likeness(head).plate
    assert coarse.images["plate"] == bytes(plate.packed_file.data)
    assert (coarse.images["plate"][COLOUR_TYPE], coarse.images["coarse"][COLOUR_TYPE]) == (RGB, RGBA)


def test_the_plate_covers_a_frame_of_another_shape(addon, head, tmp_path):
    images = bpy.data.images.keys()
    photo = addon("properties").likeness(head).photo
    png = addon("render").fitted_plate(photo, 300, 100, tmp_path)
    assert png[COLOUR_TYPE] == RGB
    fitted = pixels_of(png, tmp_path)
    assert fitted.shape[:2] == (100, 300)
    # The frame shows the middle third of the photo's height and all of its width.
    original = synthetic.photo_pixels()[synthetic.HEIGHT // 2, 10:-10:10] / 255.0
    columns = [round((x + 0.5) * 1.5 - 0.5) for x in range(10, synthetic.WIDTH - 10, 10)]
    assert np.allclose(fitted[50, columns, :3], original, atol=0.04)
    assert bpy.data.images.keys() == images


def test_render_new_pose_opens_and_saves_a_picture(backend, head, tmp_path):
    path = tmp_path / "still.png"
    bpy.ops.likeness.turn_head(yaw=0.3)
    before = snapshot()
    assert bpy.ops.likeness.render_new_pose(filepath=str(path)) == {"FINISHED"}
    still, invented = bpy.data.images["New Pose"], bpy.data.images["New Pose Invented"]
    assert tuple(still.size) == tuple(invented.size) == (synthetic.WIDTH, synthetic.HEIGHT)
    assert still["likeness_interim"]
    assert still["likeness_method"] == "classical"
    assert still["likeness_invented_share"] == 0.125
    written = pixels_of(path.read_bytes(), tmp_path)
    assert np.array_equal(written, pixels_of(bytes(still.packed_file.data), tmp_path))
    assert list(tmp_path.glob("*.part")) == []
    after = snapshot()
    assert set(after.pop("images")) - set(before.pop("images")) == {"New Pose", "New Pose Invented"}
    assert after == before


def test_the_report_says_what_is_interim(addon, backend, head):
    bpy.ops.likeness.render_new_pose()
    notice = addon("session").session.notice
    assert "12.5%" in notice
    assert "interim" in notice


def test_a_folder_that_cannot_be_written(backend, head, tmp_path):
    with pytest.raises(RuntimeError, match="cannot be written"):
        (tmp_path / "file").write_bytes(b"")
        bpy.ops.likeness.render_new_pose(filepath=str(tmp_path / "file" / "still.png"))
    assert "New Pose" not in bpy.data.images


def test_without_a_camera_it_is_not_offered(backend, head):
    bpy.context.scene.camera = None
    with pytest.raises(RuntimeError, match="no camera"):
        bpy.ops.likeness.render_new_pose()


def test_a_lost_backend_leaves_no_picture(addon, backend, head):
    backend.interpreter = "/nowhere/python"
    with pytest.raises(RuntimeError, match="no Python at"):
        bpy.ops.likeness.render_new_pose()
    assert "New Pose" not in bpy.data.images
    assert len(bpy.data.scenes) == 1
