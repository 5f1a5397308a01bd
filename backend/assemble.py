"""Model parts, shells and cards become the meshes of a reconstruction."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .camera import Camera
from .eyes import Eyeball
from .fit import HeadFit
from .frames import Pose
from .morphable import MorphableModel
from .reconstruction import TexturedMesh
from .sight import Sight

IMAGE_OF_PART = {
    "skin": "face",
    "eye_left": "eyes",
    "eye_right": "eyes",
    "teeth": "mouth",
    "tongue": "mouth",
    "lashes": "lashes",
}
MESH_OF_PART = {"skin": "face"}

BODY_BEHIND_MM = 25.0
"""The body card stands a little behind the head centre: behind the throat, before the nape."""
COVERED_SHARE = 0.5
"""An ear or scalp that is hidden by the shells in this share of its vertices is left to them."""


def part_mesh(
    model: MorphableModel, fit: HeadFit, part: str, ball: Eyeball | None, drop: NDArray[np.bool_]
) -> TexturedMesh:
    """One part of the fitted model with its shape keys.

    Args:
        model: the morphable model.
        fit: the photo's coefficients.
        part: one of ``model.part_names``.
        ball: the eyeball, for an eye part: it turns to the gaze and lends its centre as origin.
        drop: (Q,) polygons of the model that the shells replace.
    """
    chosen = (model.polygon_part == model.part_names.index(part)) & ~drop
    used, polygons = _compact(model.polygons[chosen], len(model.mean))
    vertices = fit.neutral(model)
    origin = (0.0, 0.0, 0.0)
    if ball is not None:
        vertices = ball.turned(vertices) - ball.centre_mm.astype(np.float32)
        origin = tuple(float(x) for x in ball.centre_mm)
    keyed = ball is None
    return TexturedMesh(
        name=MESH_OF_PART.get(part, part),
        vertices=vertices[used].astype(np.float32),
        polygons=polygons,
        uvs=model.uvs[chosen],
        image=IMAGE_OF_PART[part],
        origin_mm=origin,
        has_alpha=part in ("skin", "lashes"),
        visible=part != "lashes",
        expression=model.expression[:, used].astype(np.float16) if keyed else None,
        identity=model.identity[:, used].astype(np.float16) if keyed else None,
    )


def _compact(polygons: NDArray[np.int32], count: int) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """Used vertices (M,) and polygons renumbered to them."""
    used = np.unique(polygons[polygons >= 0])
    number = np.full(count + 1, -1, np.int32)
    number[used] = np.arange(len(used))
    return used, number[polygons]


def covered_polygons(
    model: MorphableModel,
    vertices_cam: NDArray[np.floating],
    sight: Sight,
    shell_front: NDArray[np.float32],
    shell_back: NDArray[np.float32],
    is_shell: NDArray[np.bool_],
) -> NDArray[np.bool_]:
    """(Q,) polygons of ears and scalp that lie inside the shells.

    An ear that the face itself hides in the photo stays: it is needed when the head turns.

    Args:
        model: for regions and polygons.
        vertices_cam: (N,3) mm, camera space.
        sight: the crop's camera and classes.
        shell_front: (S,S) front depth of the head, NaN outside.
        shell_back: (S,S) back depth, NaN outside.
        is_shell: (S,S) pixels of the front shell.
    """
    at = np.rint(sight.crop.camera.project(vertices_cam)).astype(int)
    size = shell_front.shape[0]
    inside = ((at >= 0) & (at < size)).all(1)
    x, y = at[:, 0].clip(0, size - 1), at[:, 1].clip(0, size - 1)
    depth = vertices_cam[:, 2]
    between = (depth > shell_front[y, x] - 2) & (depth < shell_back[y, x] + 2)
    hidden = inside & is_shell[y, x] & between
    drop_vertices = np.zeros(len(model.mean), bool)
    for ear in ("ear_left", "ear_right"):
        mine = model.regions[ear]
        if (inside & is_shell[y, x])[mine].mean() >= COVERED_SHARE:
            drop_vertices |= mine
    scalp = model.regions["scalp"]
    drop_vertices |= scalp & (hidden | (inside & between))
    corners = np.where(model.polygons >= 0, model.polygons, model.polygons[:, :1])
    return drop_vertices[corners].all(axis=1)


def body_mesh(camera: Camera, pose: Pose) -> TexturedMesh:
    """A card with the photo's neck and shoulders, square to the camera, that stays when the head turns."""
    depth = float(pose.translation_mm[2]) + BODY_BEHIND_MM
    x0, y0, x1, y1 = -0.5, -0.5, camera.width - 0.5, camera.height - 0.5
    corners = np.array([[x0, y1], [x1, y1], [x1, y0], [x0, y0]])
    points = camera.unproject(corners, np.full(4, depth))
    uvs = np.array([[[0, 0], [1, 0], [1, 1], [0, 1]]], np.float32)
    return TexturedMesh(
        name="body",
        vertices=pose.to_head(points).astype(np.float32),
        polygons=np.array([[0, 1, 2, 3]], np.int32),
        uvs=uvs,
        image="body",
        follows_head=False,
        has_alpha=True,
    )
