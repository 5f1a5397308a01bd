"""Scenes for one render each: the head alone and unlit, or the artist's scene with the head shown or cut out.

Nothing of them stays behind: no scene, setting or image.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from typing import Any

import bpy

from . import compat
from .properties import likeness, parts
from .sighting import frame_size

SAMPLES = 8
"""Per pixel. Unlit surfaces have no noise; this only smooths edges (16 gain 5 dB on edges of 45, for twice
the time)."""

LARGE_SAMPLES, LARGE_PIXELS = 4, 2_000_000
"""Pictures with more pixels than a photo's head has need less smoothing, and take long enough: 63 s of
processor time for 3840 x 2160 with 8 samples."""

TRANSPARENT_LAYERS = 16
"""How many soft hair layers may lie behind each other."""

SHOWABLE = ("MESH", "CURVE", "CURVES", "SURFACE", "META", "FONT", "VOLUME", "POINTCLOUD", "GREASEPENCIL")
"""Types of objects that a render shows; empties show the collections that they place."""


@contextlib.contextmanager
def head_stage(
    scene: bpy.types.Scene, pivot: bpy.types.Object, frame: int | None = None
) -> Iterator[bpy.types.Scene]:
    """A scene of its own with nothing but the head, its camera and settings that keep colours.

    It stands at a frame of its own; the artist's scene stays where it is.
    """
    stage = bpy.data.scenes.new("Likeness Render")
    try:
        stage.collection.children.link(likeness(pivot).collection)
        stage.camera = scene.camera
        stage.world = None
        _stand_at(stage, scene, frame)
        stage.frame_set(stage.frame_current, subframe=stage.frame_subframe)
        for name in (
            *("resolution_x", "resolution_y", "resolution_percentage"),
            *("pixel_aspect_x", "pixel_aspect_y"),
        ):
            setattr(stage.render, name, getattr(scene.render, name))
        keep_colours(stage)
        compat.use_png(stage.render.image_settings, "RGBA")
        _fast_engine(stage)
        yield stage
    finally:
        bpy.data.scenes.remove(stage)


@contextlib.contextmanager
def lit_stage(
    scene: bpy.types.Scene, pivot: bpy.types.Object, frame: int | None = None
) -> Iterator[bpy.types.Scene]:
    """The artist's scene with its lights and engine, in which the camera sees the head alone.

    Other objects still throw shadows and reflect light.
    """
    others = [item for item in scene.objects if item.type in SHOWABLE and likeness(item).pivot != pivot]
    with _artists_stage(scene, frame) as stage, _changed(others, visible_camera=False):
        yield stage


@contextlib.contextmanager
def surroundings_stage(
    scene: bpy.types.Scene, pivot: bpy.types.Object, frame: int | None = None
) -> Iterator[bpy.types.Scene]:
    """The artist's scene, out of which the head is cut."""
    with _artists_stage(scene, frame) as stage, _changed(parts(pivot), is_holdout=True):
        yield stage


def surroundings(layer: bpy.types.ViewLayer, pivot: bpy.types.Object) -> Iterator[bpy.types.Object]:
    """What a render of the layer shows besides the head. (In a layer of Blender 4.5, None stands for objects
    that were just deleted.)"""
    others = (item for item in layer.objects if item is not None and likeness(item).pivot != pivot)
    for item in others:
        if (item.type in SHOWABLE or item.is_instancer) and not item.hide_render:
            yield item


def has_light(scene: bpy.types.Scene) -> bool:
    """Whether anything lights the scene."""
    lamps = any(item.type == "LIGHT" and not item.hide_render for item in scene.objects)
    return lamps or scene.world is not None


@contextlib.contextmanager
def _artists_stage(scene: bpy.types.Scene, frame: int | None) -> Iterator[bpy.types.Scene]:
    """A copy of the artist's scene, which shares its objects, without what comes after a render."""
    stage = scene.copy()
    try:
        keep_colours(stage)
        compat.use_png(stage.render.image_settings, "RGBA")
        stage.render.engine = compat.artists_engine(scene)
        stage.render.use_border = False
        _stand_at(stage, scene, frame)
        yield stage
    finally:
        bpy.data.scenes.remove(stage)


def _stand_at(stage: bpy.types.Scene, scene: bpy.types.Scene, frame: int | None) -> None:
    """A frame number, or where the artist's scene stands."""
    stage.frame_current = scene.frame_current if frame is None else frame
    stage.frame_subframe = scene.frame_subframe if frame is None else 0.0


@contextlib.contextmanager
def own_frame_kept(scene: bpy.types.Scene, frame: int | None) -> Iterator[None]:
    """Put what is animated back to where the artist's scene stands, after stages at another ``frame``.

    A scene has a frame of its own, but its objects hold the pose of whatever frame was looked at last.
    """
    try:
        yield
    finally:
        if frame is not None:
            scene.frame_set(scene.frame_current, subframe=scene.frame_subframe)


@contextlib.contextmanager
def _changed(items: Iterable[bpy.types.Object], **values: Any) -> Iterator[None]:
    """Properties of objects for a while."""
    before = [(item, name, getattr(item, name)) for item in items for name in values]
    try:
        for item, name, _ in before:
            setattr(item, name, values[name])
        yield
    finally:
        for item, name, value in before:
            setattr(item, name, value)


def keep_colours(stage: bpy.types.Scene) -> None:
    """The photo's pixels come out as they went in: no view transform, no dithering."""
    settings = stage.view_settings
    settings.view_transform = "Standard"
    settings.look = "None"
    settings.exposure, settings.gamma = 0.0, 1.0
    settings.use_curve_mapping = False
    stage.display_settings.display_device = "sRGB"
    render = stage.render
    render.film_transparent = True
    render.dither_intensity = 0.0
    render.use_compositing = False
    render.use_sequencer = False
    render.use_multiview = render.use_stamp = False


def _fast_engine(stage: bpy.types.Scene) -> None:
    stage.render.engine = compat.render_engine()
    stage.render.filter_size = 1.0
    width, height = frame_size(stage.render)
    samples = SAMPLES if width * height <= LARGE_PIXELS else LARGE_SAMPLES
    if stage.render.engine != "CYCLES":
        stage.eevee.taa_render_samples = samples
        return
    cycles = stage.cycles
    cycles.device = "CPU"
    cycles.samples = samples
    cycles.use_adaptive_sampling = False
    cycles.use_denoising = cycles.use_light_tree = False
    cycles.max_bounces = 0
    cycles.transparent_max_bounces = TRANSPARENT_LAYERS
    cycles.pixel_filter_type = "BOX"
    cycles.filter_width = 1.0
    cycles.seed = 0


@contextlib.contextmanager
def no_new_render_result() -> Iterator[None]:
    """Remove the image *Render Result* afterwards if there was none before."""
    before = {image.session_uid for image in bpy.data.images if image.type == "RENDER_RESULT"}
    try:
        yield
    finally:
        for image in [image for image in bpy.data.images if image.type == "RENDER_RESULT"]:
            if image.session_uid not in before:
                bpy.data.images.remove(image)
