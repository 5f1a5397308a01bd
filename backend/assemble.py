"""Model parts, shells and cards become the meshes of a reconstruction."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from .camera import Camera
from .eyes import Eyeball
from .fit import HeadFit
from .frames import Pose
from .head_parse import BACKGROUND, FACE
from .morphable import MorphableModel
from .normals import vertex_normals
from .project import EARS
from .raster import triangulate
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
BODY_BELOW_HAIR_MM, FARTHEST_BODY_MM = 5.0, 150.0
"""Where hair hangs down behind that, the card gives way by the first, and no farther than the second."""
CARD_CELLS = 64
"""Along the longer side of that card."""
HIDDEN_SHARE = 0.5
"""An ear whose place the face takes in this share of its vertices is merely turned away."""
SCALP_DEPTH_MM, SCALP_RAMP_MM = 6.0, 25.0
"""The scalp lies this deep below its fitted place, from so far beside the face and the ears shown."""


def part_mesh(
    model: MorphableModel,
    fit: HeadFit,
    part: str,
    ball: Eyeball | None,
    drop: NDArray[np.bool_],
    kept_ears: tuple[str, ...] = EARS,
) -> TexturedMesh:
    """One part of the fitted model with its shape keys.

    Args:
        model: the morphable model.
        fit: the photo's coefficients.
        part: one of ``model.part_names``.
        ball: the eyeball, for an eye part: it turns to the gaze and lends its centre as origin.
        drop: (Q,) polygons of the model that the shells replace.
        kept_ears: regions of the ears that the model shows itself.
    """
    chosen = (model.polygon_part == model.part_names.index(part)) & ~drop
    used, polygons = _compact(model.polygons[chosen], len(model.mean))
    vertices = under_shell(model, fit.neutral(model), kept_ears) if part == "skin" else fit.neutral(model)
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
    model: MorphableModel, vertices_cam: NDArray[np.floating], sight: Sight, kept_ears: tuple[str, ...]
) -> NDArray[np.bool_]:
    """(Q,) polygons that the shells replace: ears under hair, and scalp beyond the photo's silhouette.

    An ear that the face itself hides in the photo stays: it is needed when the head turns.

    Args:
        model: for regions and polygons.
        vertices_cam: (N,3) mm, camera space.
        sight: the crop's camera and classes.
        kept_ears: regions of the ears that the model shows itself.
    """
    at = np.rint(sight.crop.camera.project(vertices_cam)).astype(int)
    size = sight.crop.size
    inside = ((at >= 0) & (at < size)).all(1)
    label = np.where(inside, sight.labels[at[:, 1].clip(0, size - 1), at[:, 0].clip(0, size - 1)], BACKGROUND)
    corners = np.where(model.polygons >= 0, model.polygons, model.polygons[:, :1])
    drop = np.zeros(len(corners), bool)
    for ear in EARS:
        mine = model.regions[ear]
        if ear not in kept_ears and mine.any() and (label[mine] == FACE).mean() < HIDDEN_SHARE:
            drop |= mine[corners].all(axis=1)
    scalp = model.regions["scalp"]
    return drop | (scalp[corners].all(axis=1) & (label == BACKGROUND)[corners].any(axis=1))


def under_shell(
    model: MorphableModel, vertices: NDArray[np.floating], kept_ears: tuple[str, ...]
) -> NDArray[np.float32]:
    """The head (N,3) with its scalp drawn in below the shells: a lining that no turn sees through."""
    anchors = model.regions["face"].copy()
    for ear in kept_ears:
        anchors |= model.regions[ear]
    drawn = model.regions["scalp"] & ~anchors
    distance, _ = cKDTree(model.mean[anchors]).query(model.mean[drawn])
    depth = SCALP_DEPTH_MM * (distance / SCALP_RAMP_MM).clip(0, 1)
    normals = vertex_normals(vertices, triangulate(model.polygons).vertices)[drawn]
    result = vertices.astype(np.float32)
    result[drawn] -= (depth[:, None] * normals).astype(np.float32)
    return result


def body_mesh(
    camera: Camera, pose: Pose, picture: NDArray[np.uint8], shell_mm: NDArray[np.float32] | None = None
) -> TexturedMesh:
    """A card with the photo's neck and shoulders, square to the camera, that stays when the head turns.

    It is flat but for places where hair hangs down behind it, whose depth ``shell_mm`` (H,W) tells, 0 where
    there is none. It is a grid: its vertices tell where the head hid it in the photo. Cells where nothing of
    its ``picture`` (H,W,4) shows are left out; rays through them would take a third of the time of a render.
    """
    across, down = _card_cells(camera)
    columns, rows = np.meshgrid(np.arange(across + 1) / across, np.arange(down + 1) / down)
    share = np.stack([columns.ravel(), rows.ravel()], axis=1)
    pixels = share * (camera.width, camera.height) - 0.5
    depth = np.full(len(pixels), float(pose.translation_mm[2]) + BODY_BEHIND_MM)
    if shell_mm is not None:
        farthest = depth - BODY_BEHIND_MM + FARTHEST_BODY_MM
        hair = _farthest_around(shell_mm, pixels, camera.width / across)
        depth = np.clip(hair + BODY_BELOW_HAIR_MM, depth, farthest)
    points = camera.unproject(pixels, depth)
    corner = (np.arange(down)[:, None] * (across + 1) + np.arange(across))[_shown(picture, across, down)]
    used, polygons = _compact(
        (corner[:, None] + np.array([across + 1, across + 2, 1, 0])).astype(np.int32), len(share)
    )
    uvs = (share * (1, -1) + (0, 1)).astype(np.float32)[used]
    return TexturedMesh(
        name="body",
        vertices=pose.to_head(points[used]).astype(np.float32),
        polygons=polygons,
        uvs=uvs[polygons],
        image="body",
        follows_head=False,
        has_alpha=True,
    )


def _farthest_around(depth_mm: NDArray[np.float32], pixels: NDArray[np.floating], reach_px: float) -> NDArray:
    """(N,) the largest value of a map (H,W) within reach of pixels (N,2)."""
    brush = np.ones((2 * int(np.ceil(reach_px)) + 1,) * 2, np.uint8)
    around = cv2.dilate(depth_mm, brush)
    column, row = np.rint(pixels).astype(int).T
    return around[row.clip(0, around.shape[0] - 1), column.clip(0, around.shape[1] - 1)]


def _shown(picture: NDArray[np.uint8], across: int, down: int) -> NDArray[np.bool_]:
    """(D,A) cells in which, or beside which, the picture (H,W,4) is not quite transparent."""
    height, width = picture.shape[:2]
    rows, columns = np.nonzero(picture[..., 3])
    shown = np.zeros((down, across), np.uint8)
    shown[rows * down // height, columns * across // width] = 1
    return cv2.dilate(shown, np.ones((3, 3), np.uint8)) > 0


def _card_cells(camera: Camera) -> tuple[int, int]:
    """Cells of the card across and down, about square."""
    cell = max(camera.width, camera.height) / CARD_CELLS
    return max(1, round(camera.width / cell)), max(1, round(camera.height / cell))
