"""The photo's camera, with the photo as its backdrop."""

from __future__ import annotations

import bpy

from .. import placement
from ..head_data import HeadData

CLIP_START_M, CLIP_END_M = 0.01, 100.0


def build_camera(data: HeadData, photo: bpy.types.Image) -> bpy.types.Object:
    """A camera object through which head and photo coincide; its place counts from the root."""
    lens = placement.lens(data.header.camera)
    camera = bpy.data.cameras.new("Photo Camera")
    camera.sensor_fit = "HORIZONTAL"
    camera.sensor_width = lens.sensor_width_mm
    camera.lens = lens.focal_mm
    camera.shift_x, camera.shift_y = lens.shift_x, lens.shift_y
    camera.clip_start, camera.clip_end = CLIP_START_M, CLIP_END_M
    camera.display_size = 0.1
    camera.show_passepartout = True
    backdrop = camera.background_images.new()
    backdrop.image = photo
    backdrop.alpha = 1.0
    backdrop.frame_method = "STRETCH"
    backdrop.display_depth = "BACK"
    camera.show_background_images = True

    item = bpy.data.objects.new("Photo Camera", camera)
    item.location = placement.camera_location(data.pose)
    item.rotation_euler = placement.CAMERA_EULER
    return item


def look_through(scene: bpy.types.Scene, camera: bpy.types.Object, photo: bpy.types.Image) -> None:
    """Make this the scene's camera, and the picture as large as the photo."""
    scene.camera = camera
    render = scene.render
    render.resolution_x, render.resolution_y = photo.size
    render.resolution_percentage = 100
    render.pixel_aspect_x = render.pixel_aspect_y = 1.0
