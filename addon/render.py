"""The coarse render of one head as its camera sees it now, over nothing."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import bpy
import numpy as np

from . import compat, plate
from .build.materials import set_look
from .errors import SceneUnfit
from .properties import LOOK_PHOTO, likeness, parts

SAMPLES = 8
"""Per pixel. Unlit surfaces have no noise; this only smooths edges (16 gain 0.04 dB, for twice the time)."""

TRANSPARENT_LAYERS = 16
"""How many soft hair layers may lie behind each other."""


@dataclass(frozen=True)
class CoarseRender:
    """What the backend refines: two PNG files of the same size."""

    coarse_png: bytes
    """RGBA, straight alpha."""
    plate_png: bytes
    """RGB."""
    width: int
    height: int


def frame_size(render: bpy.types.RenderSettings) -> tuple[int, int]:
    """Width and height of a render in pixels."""
    percentage = render.resolution_percentage  # Blender counts in integers, too
    return max(1, render.resolution_x * percentage // 100), max(1, render.resolution_y * percentage // 100)


def render_coarse(scene: bpy.types.Scene, pivot: bpy.types.Object) -> CoarseRender:
    """Render a head alone, unlit, through the scene's camera, with the plate behind it cut to fit.

    Blender waits for this short render. Nothing of it stays behind: no scene, setting or image.
    Raises SceneUnfit without a camera.
    """
    if scene.camera is None:
        raise SceneUnfit("The scene has no camera", "Press Look Through Photo Camera first")
    width, height = frame_size(scene.render)
    with tempfile.TemporaryDirectory(prefix="likeness-") as folder:
        target = Path(folder) / "coarse.png"
        with _stage(scene, pivot, target) as stage, _unlit(pivot), _no_new_render_result():
            bpy.ops.render.render(write_still=True, scene=stage.name)
        if not target.is_file():
            raise SceneUnfit("Blender could not render the head", "Look at Blender's console for the reason")
        plate_png = fitted_plate(likeness(pivot).plate, width, height, Path(folder))
        return CoarseRender(target.read_bytes(), plate_png, width, height)


@contextlib.contextmanager
def _stage(scene: bpy.types.Scene, pivot: bpy.types.Object, target: Path) -> Iterator[bpy.types.Scene]:
    """A scene of its own with nothing but the head, its camera and settings that keep colours."""
    stage = bpy.data.scenes.new("Likeness Render")
    try:
        stage.collection.children.link(likeness(pivot).collection)
        stage.camera = scene.camera
        stage.world = None
        stage.frame_set(scene.frame_current, subframe=scene.frame_subframe)
        _copy_frame(scene.render, stage.render)
        _keep_colours(stage)
        _fast_engine(stage)
        stage.render.filepath = str(target)
        yield stage
    finally:
        bpy.data.scenes.remove(stage)


def _copy_frame(source: bpy.types.RenderSettings, render: bpy.types.RenderSettings) -> None:
    for name in ("resolution_x", "resolution_y", "resolution_percentage", "pixel_aspect_x", "pixel_aspect_y"):
        setattr(render, name, getattr(source, name))


def _keep_colours(stage: bpy.types.Scene) -> None:
    """The photo's pixels come out as they went in: no view transform, no dithering."""
    stage.view_settings.view_transform = "Standard"
    stage.view_settings.look = "None"
    stage.display_settings.display_device = "sRGB"
    render = stage.render
    render.film_transparent = True
    render.dither_intensity = 0.0
    render.use_compositing = False
    render.use_sequencer = False
    compat.use_png(render.image_settings, "RGBA")


def _fast_engine(stage: bpy.types.Scene) -> None:
    stage.render.engine = compat.render_engine()
    stage.render.filter_size = 1.0
    if stage.render.engine != "CYCLES":
        stage.eevee.taa_render_samples = SAMPLES
        return
    cycles = stage.cycles
    cycles.device = "CPU"
    cycles.samples = SAMPLES
    cycles.use_adaptive_sampling = False
    cycles.use_denoising = False
    cycles.max_bounces = 0
    cycles.transparent_max_bounces = TRANSPARENT_LAYERS
    cycles.pixel_filter_type = "BOX"
    cycles.filter_width = 1.0
    cycles.seed = 0


@contextlib.contextmanager
def _unlit(pivot: bpy.types.Object) -> Iterator[None]:
    """The head's materials show the photo's colours, whatever the artist chose."""
    look = likeness(pivot).look
    materials = {material for part in parts(pivot) for material in getattr(part.data, "materials", ())}
    for material in materials:
        set_look(material, LOOK_PHOTO)
    try:
        yield
    finally:
        for material in materials:
            set_look(material, look)


@contextlib.contextmanager
def _no_new_render_result() -> Iterator[None]:
    """Remove the image *Render Result* afterwards if there was none before."""
    before = {image.session_uid for image in bpy.data.images if image.type == "RENDER_RESULT"}
    try:
        yield
    finally:
        for image in [image for image in bpy.data.images if image.type == "RENDER_RESULT"]:
            if image.session_uid not in before:
                bpy.data.images.remove(image)


def fitted_plate(image: bpy.types.Image, width: int, height: int, folder: Path) -> bytes:
    """The background plate as a PNG of this size: as it is if it fits, else scaled to cover and cropped."""
    if tuple(image.size) == (width, height) and image.packed_file is not None:
        return bytes(image.packed_file.data)
    copy = image.copy()
    fitted = bpy.data.images.new("Likeness Plate", width, height)
    try:
        copy.scale(*plate.cover_size(*image.size, width, height))
        pixels = np.empty(copy.size[0] * copy.size[1] * 4, np.float32)
        copy.pixels.foreach_get(pixels)
        cropped = plate.centre_crop(pixels.reshape(copy.size[1], copy.size[0], 4), width, height)
        fitted.pixels.foreach_set(cropped.ravel())
        path = folder / "plate.png"
        fitted.filepath_raw, fitted.file_format = str(path), "PNG"
        fitted.save()
        return path.read_bytes()
    finally:
        bpy.data.images.remove(copy)
        bpy.data.images.remove(fitted)
