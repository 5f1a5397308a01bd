"""The coarse render of one head as its camera sees it now, and what else the backend needs to finish it."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

import bpy
import numpy as np

from . import compat, plate
from .build.images import as_delivered
from .build.known import known_shown
from .build.materials import PHOTO_NODE, set_look
from .errors import SceneUnfit
from .head_data import PHOTO_IMAGE, PLATE_IMAGE
from .properties import LOOK_PHOTO, likeness, parts
from .sighting import camera_view, frame_size, may_show, require_scene, require_view
from .stage import (
    has_light,
    head_stage,
    lit_stage,
    no_new_render_result,
    own_frame_kept,
    surroundings,
    surroundings_stage,
)
from .still_data import CoarseRender

POINT = 0.01
"""Width of a filter that looks at the middle of each pixel alone: places in the photo must not be mixed."""


def render_coarse(scene: bpy.types.Scene, pivot: bpy.types.Object, frame: int | None = None) -> CoarseRender:
    """Render a head through the scene's camera: alone, how well it is known, and what surrounds it.

    In the look *Photo* it is unlit; in the others the scene's own lights fall on it. Blender waits for
    these short renders, and nothing of them stays behind; another ``frame`` leaves the scene at its own.
    SceneUnfit if there is nothing to be rendered.
    """
    layer = _view_layer(scene)
    require_scene(scene, pivot)
    look, transparent = likeness(pivot).look, scene.render.film_transparent
    if look != LOOK_PHOTO and not has_light(scene):
        raise SceneUnfit(
            "There is no light in the scene", "Press Add Estimated Light, add lamps, or choose the look Photo"
        )
    width, height = frame_size(scene.render)
    with (
        tempfile.TemporaryDirectory(prefix="likeness-") as name,
        no_new_render_result(),
        own_frame_kept(scene, frame),
    ):
        folder = Path(name)
        images = {PLATE_IMAGE: _plate_png(pivot, width, height, folder, transparent=transparent)}
        if look == LOOK_PHOTO and _shows_the_photo(pivot):
            images[PHOTO_IMAGE] = bytes(likeness(pivot).photo.packed_file.data)
        with head_stage(scene, pivot, frame) as stage, _unlit(pivot) as materials:
            carried = require_view(stage, pivot)
            if look == LOOK_PHOTO:
                images["coarse"] = _rendered(stage, folder / "coarse.png")
            _show_numbers(stage)
            with known_shown(materials):
                images["known"] = _rendered(stage, folder / "known.png")
        if look != LOOK_PHOTO:
            with lit_stage(scene, pivot, frame) as stage:
                images["coarse"] = _rendered(stage, folder / "coarse.png", layer)
        if _shows_more(scene, layer, pivot, frame):
            with surroundings_stage(scene, pivot, frame) as stage:
                images["surroundings"] = _rendered(stage, folder / "surroundings.png", layer)
    return CoarseRender(images, width, height, carried, transparent)


def _shows_more(
    scene: bpy.types.Scene, layer: bpy.types.ViewLayer, pivot: bpy.types.Object, frame: int | None
) -> bool:
    """Whether anything besides the head may be in the picture: what is not costs no render.

    Where things stand at another ``frame``, nobody knows before it is rendered.
    """
    others = surroundings(layer, pivot)
    layer.update()
    view = camera_view(scene, layer.depsgraph) if frame is None else None
    return any(view is None or may_show(item, view, layer.depsgraph) for item in others)


def _view_layer(scene: bpy.types.Scene) -> bpy.types.ViewLayer:
    """The layer that the artist works in, or the scene's first."""
    layer = bpy.context.view_layer
    return layer if layer is not None and layer.id_data == scene else scene.view_layers[0]


def _rendered(stage: bpy.types.Scene, target: Path, layer: bpy.types.ViewLayer | None = None) -> bytes:
    """Render a stage to a PNG file and return its bytes."""
    stage.render.filepath = str(target)
    # The operator's argument ``scene`` would put the stage to the frame of the artist's scene (4.2 to 5.2).
    with bpy.context.temp_override(scene=stage):
        bpy.ops.render.render(write_still=True, layer=layer.name if layer is not None else "")
    if not target.is_file():
        raise SceneUnfit("Blender could not render the head", "Look at Blender's console for the reason")
    return target.read_bytes()


def _show_numbers(stage: bpy.types.Scene) -> None:
    """Colours are numbers from now on, with 16 bits, and looked up once for each pixel."""
    stage.view_settings.view_transform = "Raw"
    compat.use_png(stage.render.image_settings, "RGBA", depth="16")
    stage.render.filter_size = POINT
    if stage.render.engine == "CYCLES":
        stage.cycles.samples = 1
        stage.cycles.filter_width = POINT
    else:
        stage.eevee.taa_render_samples = 1


def _shows_the_photo(pivot: bpy.types.Object) -> bool:
    """Whether the head's textures are what the photo made them: an artist's brush must not be undone."""
    used = (material for part in parts(pivot) for material in getattr(part.data, "materials", ()))
    nodes = (material.node_tree.nodes.get(PHOTO_NODE) for material in used if material and material.node_tree)
    pictures = (node.image for node in nodes if node is not None)
    return as_delivered(likeness(pivot).photo) and all(map(as_delivered, pictures))


@contextlib.contextmanager
def _unlit(pivot: bpy.types.Object) -> Iterator[Iterable[bpy.types.Material]]:
    """The head's materials, which show the photo's colours, whatever the artist chose."""
    look = likeness(pivot).look
    used = (material for part in parts(pivot) for material in getattr(part.data, "materials", ()))
    materials = {material for material in used if material is not None and material.node_tree is not None}
    for material in materials:
        set_look(material, LOOK_PHOTO)
    try:
        yield materials
    finally:
        for material in materials:
            set_look(material, look)


def _plate_png(pivot: bpy.types.Object, width: int, height: int, folder: Path, *, transparent: bool) -> bytes:
    """The background of the picture; SceneUnfit if it is needed and gone."""
    image = likeness(pivot).plate
    if image is not None and min(image.size) > 0:
        return fitted_plate(image, width, height, folder)
    if not transparent:
        raise SceneUnfit(
            "The background of this photo is gone from the file",
            "Choose Transparent Background, or import the photo again",
        )
    empty = bpy.data.images.new("Likeness Plate", 1, 1)
    try:
        return _saved(empty, folder)
    finally:
        bpy.data.images.remove(empty)


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
        return _saved(fitted, folder)
    finally:
        bpy.data.images.remove(copy)
        bpy.data.images.remove(fitted)


def _saved(image: bpy.types.Image, folder: Path) -> bytes:
    """An image without alpha as a PNG file's bytes."""
    path = folder / "plate.png"
    image.filepath_raw, image.file_format = str(path), "PNG"
    image.save()
    return path.read_bytes()
