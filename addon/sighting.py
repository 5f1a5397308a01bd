"""What a camera of the scene sees of a head: arrays for the gauge, and refusals before a render."""

from __future__ import annotations

import bpy
import numpy as np

from .build.meshes import KNOWN
from .errors import SceneUnfit
from .gauge import HeadPoints, View, share_known, spread, surrounds
from .properties import likeness, parts

SURFACE = ("face", "hair", "back")
"""Parts that are the head's outside."""
CHIN_M = -0.11
"""Height of the chin over the head's centre. Most of the neck below it is hidden by clothes."""
MAX_PIXELS = 64_000_000
"""As many as the backend takes in one picture."""
FRAME = 1.1
"""Half the frame, and a little more: what is blurred reaches in from beside it."""
BOUNDLESS, COPYING = ("VOLUME", "META", "GREASEPENCIL"), ("NODES", "PARTICLE_SYSTEM")
"""Types of objects and of modifiers whose boxes do not hold all that a render shows."""
MAX_SIDE = 16_384
"""Blender's own limit on pictures that it shows."""


def frame_size(render: bpy.types.RenderSettings) -> tuple[int, int]:
    """Width and height of a render in pixels."""
    percentage = render.resolution_percentage  # Blender counts in integers, too
    return max(1, render.resolution_x * percentage // 100), max(1, render.resolution_y * percentage // 100)


def head_points(pivot: bpy.types.Object, depsgraph: bpy.types.Depsgraph) -> HeadPoints | None:
    """The head's outside as it stands; None if all of it was deleted."""
    vertices, triangles, count = [], [], 0
    to_head = pivot.evaluated_get(depsgraph).matrix_world.inverted_safe()
    for part in parts(pivot):
        if likeness(part).role in SURFACE and part.type == "MESH":
            arrays, corners = _surface_of(part.evaluated_get(depsgraph))
            height = arrays[0] @ np.array(to_head[2][:3]) + to_head[2][3]
            corners = corners[(height[corners] > CHIN_M).all(axis=1)]
            vertices.append(arrays)
            triangles.append(corners + count)
            count += len(arrays[0])
    if not count or not any(map(len, triangles)):
        return None
    whole = HeadPoints(*(np.concatenate(arrays) for arrays in zip(*vertices, strict=True)))
    return spread(whole, np.concatenate(triangles))


def _surface_of(
    part: bpy.types.Object,
) -> tuple[tuple[np.ndarray, np.ndarray, np.ndarray], np.ndarray]:
    """Vertices (N,3) and normals (N,3) in the scene, known (N,), and triangles (T,3) of one mesh."""
    mesh = part.data
    points, normals = np.empty((2, len(mesh.vertices), 3), np.float32)
    mesh.vertices.foreach_get("co", points.ravel())
    mesh.vertex_normals.foreach_get("vector", normals.ravel())
    mesh.calc_loop_triangles()
    triangles = np.empty((len(mesh.loop_triangles), 3), np.int32)
    mesh.loop_triangles.foreach_get("vertices", triangles.ravel())
    known = np.zeros(len(points), np.float32)
    attribute = mesh.attributes.get(KNOWN)  # heads of older files have none
    if attribute is not None and len(attribute.data) == len(points):
        attribute.data.foreach_get("value", known)
    place = np.array(part.matrix_world)
    normals = normals @ np.linalg.pinv(place[:3, :3])
    normals /= np.linalg.norm(normals, axis=1, keepdims=True).clip(1e-9)
    return (points @ place[:3, :3].T + place[:3, 3], normals, known), triangles


def camera_view(scene: bpy.types.Scene, depsgraph: bpy.types.Depsgraph) -> View | None:
    """The scene's camera; None without one, or if it takes panoramas."""
    if scene.camera is None or scene.camera.type != "CAMERA" or scene.camera.data.type == "PANO":
        return None
    camera, render = scene.camera.evaluated_get(depsgraph), scene.render
    width, height = frame_size(render)
    lens = camera.calc_matrix_camera(
        depsgraph, x=width, y=height, scale_x=render.pixel_aspect_x, scale_y=render.pixel_aspect_y
    )
    place = camera.matrix_world.normalized()
    return View(
        np.array(lens @ place.inverted()),
        np.array(place.translation),
        -np.array(place.col[2][:3]),
        camera.data.type == "ORTHO",
    )


def may_show(item: bpy.types.Object, view: View, depsgraph: bpy.types.Depsgraph) -> bool:
    """Whether an object may be in the picture: not if its box lies wholly beside it.

    What places copies elsewhere is not held by its box.
    """
    places_copies = item.is_instancer or any(modifier.type in COPYING for modifier in item.modifiers)
    if places_copies or item.type in BOUNDLESS:
        return True
    whole = item.evaluated_get(depsgraph)
    corners = np.array([(*corner, 1.0) for corner in whole.bound_box])
    x, y, _, w = view.clip @ np.array(whole.matrix_world) @ corners.T
    # In clip space each side of the frame is a plane, also for what reaches behind the camera.
    return not any((beyond > FRAME * w).all() for beyond in (x, -x, y, -y))


def require_scene(scene: bpy.types.Scene, pivot: bpy.types.Object) -> None:
    """SceneUnfit if the scene's camera, its resolution or the head are not fit for a picture."""
    camera = scene.camera
    if camera is None or camera.type != "CAMERA":
        raise SceneUnfit("The scene has no camera", "Press Look Through Photo Camera first")
    if camera.data.type == "PANO":
        raise SceneUnfit("A panoramic camera cannot take this picture", "Make it perspective or orthographic")
    width, height = frame_size(scene.render)
    if max(width, height) > MAX_SIDE or width * height > MAX_PIXELS:
        raise SceneUnfit(
            "{width} x {height} pixels are too many for one picture",
            "Lower the resolution in the Output properties",
            width=width,
            height=height,
        )
    if likeness(pivot).collection is None or not any(likeness(part).role in SURFACE for part in parts(pivot)):
        raise SceneUnfit("Nothing is left of this head", "Undo what deleted it, or import the photo again")


def require_view(stage: bpy.types.Scene, pivot: bpy.types.Object) -> float:
    """The share of the head in view that the photo knew; SceneUnfit if the camera does not see it.

    ``stage`` is evaluated at its frame and passed :func:`require_scene`.
    """
    depsgraph = stage.view_layers[0].depsgraph
    head, view = head_points(pivot, depsgraph), camera_view(stage, depsgraph)
    assert head is not None
    assert view is not None
    if not view.parallel and surrounds(head, view.eye):
        raise SceneUnfit(
            "The camera stands inside the head", "Move it away, or press Look Through Photo Camera"
        )
    share = share_known(head, view)
    if share is None:
        raise SceneUnfit(
            "The head is not in the picture", "Turn the camera to it, or press Look Through Photo Camera"
        )
    return share
