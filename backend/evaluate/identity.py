"""Whether a face recogniser still knows the person in the head, and how far the head may turn.

Two looks. ``photo`` is what the artist gets: the photo's own pixels on the reconstruction; at the photo's own
pose they make it alike whatever its shape. ``model`` shows the morphable head alone, in its own colours and
the light that explains the photo: likeness that the fit has earned.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from ..albedo import AlbedoBasis
from ..colour import LINEAR_OF_BYTE, from_linear
from ..frames import HEAD_TO_CAMERA_AXES, Pose
from ..light import basis_for, estimate_light, shading
from ..morphable import MEDIAPIPE_POINTS, MorphableModel
from ..nets.identity_net import IdentityNet, embed, load_identity_net
from ..normals import vertex_normals
from ..raster import rasterize_arrays, triangulate
from ..repose import render_view
from ..sight import DEPTH_SLACK_MM
from ..vertex_colours import VertexColours
from .dataset import EvaluationItem, read_photos
from .predict import REFUSALS, EnginePredictor, FitPredictor, FittedHead

YAWS_DEG = (0.0, 15.0, 30.0, 45.0)
PLAIN_SKIN = (0.30, 0.18, 0.13)
"""Linear RGB of a head whose model knows no colours: the middle of people's."""
BACKGROUND = 128
FACING = 0.3
"""Cosine from which a vertex's pixel counts for the light."""

Picture = NDArray[np.uint8]


class Look(StrEnum):
    """What the head wears when it is looked at."""

    PHOTO = "photo"
    MODEL = "model"


def evaluate_identity(
    dataset: Path | str,
    predictor: FitPredictor,
    look: Look = Look.PHOTO,
    yaws_deg: Sequence[float] = YAWS_DEG,
) -> dict[str, Any]:
    """Compare the embedding of each photo with those of its head, turned further and further aside.

    Args:
        dataset: a data set, or a folder of portraits; no answers are needed.
        predictor: gives the head; ``photo`` needs the product's own engine.
        look: see the module.
        yaws_deg: turns from the photo's pose, away from the camera.

    Returns:
        ``{"n", "look", "curve": {"0": {"similarity", "distance"}, ...}, "per_image": [...]}``: cosine of the
        embeddings and their L2 distance (two photos of one person: about 0.34), means over photos; and
        ``refused`` with ids and reasons if any photo was.
    """
    net = load_identity_net()
    per_image: list[dict[str, Any]] = []
    refused: list[dict[str, str]] = []
    for item in read_photos(dataset):
        try:
            per_image.append({"id": item.id, **identity_of(item, predictor, look, net, yaws_deg)})
        except REFUSALS as refusal:
            refused.append({"id": item.id, "message": refusal.message})
    curve = {
        f"{yaw:g}": {
            name: float(np.mean([image[f"{yaw:g}"][name] for image in per_image])) if per_image else None
            for name in ("similarity", "distance")
        }
        for yaw in yaws_deg
    }
    result = {"n": len(per_image) + len(refused), "look": look.value, "curve": curve, "per_image": per_image}
    return {**result, **({"refused": refused} if refused else {})}


def identity_of(
    item: EvaluationItem,
    predictor: FitPredictor,
    look: Look,
    net: IdentityNet,
    yaws_deg: Sequence[float] = YAWS_DEG,
) -> dict[str, dict[str, float]]:
    """``{"0": {"similarity", "distance"}, ...}`` of one photo; raises one of ``REFUSALS``."""
    head = predictor.fitted(item)
    true = embed(net, head.photo.pixels, head.face.points_px)
    side = 1.0 if head.fit.pose.angles_deg["yaw"] >= 0 else -1.0
    poses = [head.fit.pose.turned(yaw_deg=side * yaw) for yaw in yaws_deg]
    if look is Look.MODEL:
        pictures = model_pictures(head, poses)
    elif isinstance(predictor, EnginePredictor):
        pictures = _photo_pictures(head, poses, predictor)
    else:
        raise ValueError("The look of the photo is made by the product's own engine.")
    result = {}
    for yaw, pose, picture in zip(yaws_deg, poses, pictures, strict=True):
        found = embed(net, picture, landmarks_px(head, pose))
        cosine = float(true @ found / (np.linalg.norm(true) * np.linalg.norm(found)))
        result[f"{yaw:g}"] = {"similarity": cosine, "distance": float(np.linalg.norm(true - found))}
    return result


def model_pictures(head: FittedHead, poses: Sequence[Pose]) -> list[Picture]:
    """The morphable head alone (H,W,3) in several poses, in its own colours and the photo's light."""
    model = head.model
    triangles = triangulate(model.polygons[model.solid]).vertices
    albedo, light = _explained(head, triangles)
    pictures = []
    for pose in poses:
        vertices = pose.to_camera(head.vertices)
        normals = vertex_normals(vertices, triangles) @ HEAD_TO_CAMERA_AXES.astype(np.float32)
        colours = albedo * shading(normals, light)
        view = rasterize_arrays(vertices, triangles, head.fit.camera)
        linear = view.interpolate(colours.astype(np.float32))
        picture = np.rint(255 * from_linear(linear.clip(0, 1))).astype(np.uint8)
        picture[~view.covered] = BACKGROUND
        pictures.append(picture)
    return pictures


def plain_albedo(model: MorphableModel) -> AlbedoBasis:
    """One skin colour all over, for a model without an albedo basis."""
    mean = np.tile(np.float32(PLAIN_SKIN), (len(model.mean), 1))
    return AlbedoBasis(mean, np.zeros((0, len(mean), 3), np.float32))


def _explained(
    head: FittedHead, triangles: NDArray[np.int64]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Albedo (N,3) of the head and light (9,3) that explain the photo."""
    basis = head.model.albedo or plain_albedo(head.model)
    pose, camera = head.fit.pose, head.fit.camera
    vertices = pose.to_camera(head.vertices)
    normals = vertex_normals(vertices, triangles)
    nearest = rasterize_arrays(vertices, triangles, camera).depth
    at = camera.project(vertices)
    column, row = np.rint(at).astype(int).T
    inside = (column >= 0) & (row >= 0) & (column < camera.width) & (row < camera.height)
    seen = np.zeros(len(vertices), bool)
    seen[inside] = vertices[inside, 2] < nearest[row[inside], column[inside]] + DEPTH_SLACK_MM
    towards = -vertices / np.linalg.norm(vertices, axis=1, keepdims=True)
    facing = (normals * towards).sum(1)
    weights = np.where(seen & head.model.regions["face"] & (facing > FACING), facing, 0)
    colours = cv2.remap(
        LINEAR_OF_BYTE[head.photo.pixels], at.astype(np.float32)[None], None, cv2.INTER_LINEAR
    )[0]
    shown = VertexColours(
        colours.astype(np.float32),
        weights.astype(np.float32),
        (normals @ HEAD_TO_CAMERA_AXES).astype(np.float32),
    )
    estimate = estimate_light(basis, shown)
    return basis_for(shown, basis).of(estimate.albedo), estimate.light


def _photo_pictures(head: FittedHead, poses: Sequence[Pose], predictor: EnginePredictor) -> list[Picture]:
    reconstruction = predictor.engine.reconstruct(head.photo)
    pictures = []
    for pose in poses:
        view = render_view(reconstruction, pose)
        still = predictor.engine.refine(view.colour, view.known, reconstruction.images["plate"])
        pictures.append(still.pixels)
    return pictures


def landmarks_px(head: FittedHead, pose: Pose) -> NDArray[np.float64]:
    """(478,2) pixels of the landmarks that the model knows; a detector would add errors of its own."""
    known = head.model.landmarks_478
    points = np.zeros((MEDIAPIPE_POINTS, 2))
    rows = np.arange(MEDIAPIPE_POINTS) if known.rows is None else known.rows
    points[rows] = head.fit.camera.project(pose.to_camera(known.of(head.vertices).astype(np.float64)))
    return points
