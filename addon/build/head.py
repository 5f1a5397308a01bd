"""One head: its collection, root, pivot, camera and parts."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import bpy
import numpy as np
from mathutils import Matrix, Vector
from numpy.typing import NDArray

from .. import placement
from ..head_data import DELIT_SUFFIX, FACE_MESH, PHOTO_IMAGE, PLATE_IMAGE, HeadData, MeshData
from ..placement import in_sight
from ..properties import CAMERA, PIVOT, ROOT, likeness, mark, pivots
from ..stage import SHOWABLE
from .camera import build_camera
from .images import build_image
from .materials import build_material
from .meshes import build_mesh, label
from .record import store_record
from .shape_keys import add_shape_keys, follow_face

HEAD_SPACING_M = 0.5
"""Steps at which places for a head lie side by side; the least distance of two heads."""
MOST_PLACES = 40
ROOM_M = 3.0
"""What is larger than that is a floor, a wall or a room, in which a head may stand."""

MATTE = ("hair", "back", "body")
"""Parts that are no skin, eye or tooth."""

PIVOT_SIZE_M, ROOT_SIZE_M = 0.15, 0.05


def build_head(scene: bpy.types.Scene, data: HeadData) -> bpy.types.Object:
    """Build a head into a scene and return its pivot; on an error nothing of it stays."""
    with _all_or_nothing(data.name) as collection:
        images = {
            name: build_image(image, f"{data.name} {name.replace('_', ' ').title()}")
            for name, image in data.images.items()
        }
        root = _empty("Head Root", "PLAIN_AXES", ROOT_SIZE_M, collection)
        pivot = _empty("Head", "ARROWS", PIVOT_SIZE_M, collection)
        camera = build_camera(data, images[PHOTO_IMAGE])
        collection.objects.link(camera)

        pivot.rotation_mode = placement.PIVOT_ROTATION_ORDER
        pivot.rotation_euler = Matrix(placement.pivot_rotation(data.pose.rotation).tolist()).to_euler(
            placement.PIVOT_ROTATION_ORDER
        )
        root.location.x = _free_place(scene, data)
        pivot.parent = camera.parent = root
        pivot.lock_scale = (True, True, True)

        for item, role in ((root, ROOT), (pivot, PIVOT), (camera, CAMERA)):
            mark(item, role, pivot)
        face = _build_parts(data, collection, images, pivot)
        properties = likeness(pivot)
        properties.collection, properties.camera, properties.face = collection, camera, face
        properties.photo, properties.plate = images[PHOTO_IMAGE], images[PLATE_IMAGE]
        properties.delit = images.get(FACE_MESH + DELIT_SUFFIX)
        properties.photo_rotation = pivot.rotation_euler
        store_record(pivot, data)
        scene.collection.children.link(collection)
    return pivot


def _build_parts(
    data: HeadData,
    collection: bpy.types.Collection,
    images: dict[str, bpy.types.Image],
    pivot: bpy.types.Object,
) -> bpy.types.Object:
    """Build every mesh below the pivot (or the root, if it stays behind); returns the face."""
    materials: dict[tuple[str, bool], bpy.types.Material] = {}
    items: dict[str, bpy.types.Object] = {}
    for mesh in data.meshes:
        key = (mesh.header.image, mesh.header.has_alpha)
        if key not in materials:
            image = images[mesh.header.image]
            materials[key] = build_material(
                image.name,
                image,
                delit=images.get(mesh.header.image + DELIT_SUFFIX),
                has_alpha=mesh.header.has_alpha,
                cut_out=mesh.header.name == FACE_MESH,
                matte=mesh.header.name in MATTE,
            )
        items[mesh.header.name] = item = _build_part(mesh, materials[key], pivot)
        collection.objects.link(item)
        mark(item, mesh.header.name, pivot)
    face = items[FACE_MESH]
    for mesh in data.meshes:
        item = items[mesh.header.name]
        names = data.header.expression_names
        add_shape_keys(item, mesh, names, data.expression, follower=item is not face)
        if item is not face:
            follow_face(face, item)
    return face


def _build_part(mesh: MeshData, material: bpy.types.Material, pivot: bpy.types.Object) -> bpy.types.Object:
    item = bpy.data.objects.new(label(mesh.header.name), build_mesh(mesh))
    item.data.materials.append(material)
    item.location = mesh.origin_m.tolist()
    item.parent = pivot
    if not mesh.header.follows_head:
        item.parent = pivot.parent
        item.rotation_mode = pivot.rotation_mode
        item.rotation_euler = pivot.rotation_euler
        item.location = pivot.rotation_euler.to_matrix() @ item.location
    if mesh.header.name.startswith("eye_"):
        item.lock_location = item.lock_scale = (True, True, True)  # eyeballs only look around
    item.hide_render = not mesh.header.visible
    item.hide_viewport = not mesh.header.visible
    return item


def _empty(name: str, shape: str, size: float, collection: bpy.types.Collection) -> bpy.types.Object:
    item = bpy.data.objects.new(name, None)
    item.empty_display_type = shape
    item.empty_display_size = size
    collection.objects.link(item)
    return item


def _free_place(scene: bpy.types.Scene, data: HeadData) -> float:
    """x of the first place where nothing is in the photo's frame, like another head or a new file's cube."""
    bpy.context.view_layer.update()  # where things stand is known from then on
    boxes = [_box(item) for item in scene.objects if item.type in SHOWABLE and not item.hide_render]
    things = [box for box in boxes if (box[1] - box[0]).max() < ROOM_M]
    taken = [pivot.matrix_world.translation.x for pivot in pivots(scene)]
    for place in range(MOST_PLACES):
        x = place * HEAD_SPACING_M
        apart = all(abs(x - other) > HEAD_SPACING_M / 2 for other in taken)
        if apart and not any(in_sight(data.header.camera, data.pose, box - (x, 0, 0)) for box in things):
            return x
    return MOST_PLACES * HEAD_SPACING_M


def _box(item: bpy.types.Object) -> NDArray[np.floating]:
    """(2,3) lowest and highest corner of an object in the scene, m."""
    corners = np.array([item.matrix_world @ Vector(corner) for corner in item.bound_box])
    return np.stack([corners.min(0), corners.max(0)])


_KINDS = ("objects", "meshes", "shape_keys", "cameras", "materials", "images", "collections")


@contextlib.contextmanager
def _all_or_nothing(name: str) -> Iterator[bpy.types.Collection]:
    """A new collection; if the block fails, every datablock made in it is removed again."""
    before = {kind: {item.session_uid for item in getattr(bpy.data, kind)} for kind in _KINDS}
    done = False
    try:
        yield bpy.data.collections.new(name)
        done = True
    finally:
        if not done:
            bpy.data.batch_remove(
                item
                for kind in _KINDS
                for item in getattr(bpy.data, kind)
                if item.session_uid not in before[kind]
            )
