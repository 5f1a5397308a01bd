"""What *Render New Pose* promises, measured: likeness while turning, the way back, and a calm sequence.

Likeness and the way back need no answers, so any portraits will do.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..camera import Camera
from ..engine import Engine
from ..frames import Pose
from ..nets.identity_net import IdentityNet, embed, load_identity_net
from ..raster import rasterize_arrays, triangulate
from ..reconstruction import Reconstruction
from ..repose import posed_vertices, render_view, sample_texture
from ..sight import DEPTH_SLACK_MM
from .dataset import EvaluationItem, read_photos
from .identity import YAWS_DEG, landmarks_px
from .predict import REFUSALS, EnginePredictor, render_over_plate
from .roundtrip import similarity_inside

Picture = NDArray[np.uint8]

TURN_DEG = 60.0
"""A sequence turns the head by so much, half to each side."""
FRAMES = 60
WELL_KNOWN = 0.8
"""Of a pixel, to count as seen by the photo."""


def evaluate_repose(
    dataset: Path | str,
    engine: Engine,
    yaws_deg: Sequence[float] = YAWS_DEG,
    turning: int = 1,
    frames: int = FRAMES,
) -> dict[str, Any]:
    """Stills of each portrait at several angles, finished by the engine's refiner.

    Args:
        dataset: a data set, or a folder of portraits.
        engine: as the artist has it.
        yaws_deg: turns from the photo's pose, away from the camera.
        turning: for the first so many portraits a sequence is rendered, too.
        frames: of that sequence, neighbouring frames of a 60-frame turn by 60 degrees.

    Returns:
        ``{"n", "distance", "psnr_db", "flicker", "still_ms", "invented", "interim"}``: embedding's L2
        distance by yaw, PSNR of the head at the photo's pose, :func:`flicker` in grey values, process time
        of refining one still, invented share by yaw; means over portraits, None where nothing was
        measured. ``refused`` with ids and reasons if any photo was.
    """
    predictor, net = EnginePredictor(engine), load_identity_net()
    found: list[dict[str, Any]] = []
    refused: list[dict[str, str]] = []
    for item in read_photos(dataset):
        try:
            found.append(_of_one(item, predictor, net, yaws_deg, frames if len(found) < turning else 0))
        except REFUSALS as refusal:
            refused.append({"id": item.id, "message": refusal.message})
    result = {
        "n": len(found) + len(refused),
        "distance": {f"{yaw:g}": _mean(of["distance"][yaw] for of in found) for yaw in yaws_deg},
        "invented": {f"{yaw:g}": _mean(of["invented"][yaw] for of in found) for yaw in yaws_deg},
        "psnr_db": _mean(of["psnr_db"] for of in found),
        "flicker": _mean(of["flicker"] for of in found if of["flicker"] is not None),
        "still_ms": _mean(of["still_ms"] for of in found),
        "interim": "refine" in engine.interim,
    }
    return {**result, **({"refused": refused} if refused else {})}


def _mean(values: Any) -> float | None:
    known = list(values)
    return float(np.mean(known)) if known else None


def _of_one(
    item: EvaluationItem,
    predictor: EnginePredictor,
    net: IdentityNet,
    yaws_deg: Sequence[float],
    frames: int,
) -> dict[str, Any]:
    fitted = predictor.fitted(item)
    head = predictor.engine.reconstruct(fitted.photo)
    true = embed(net, fitted.photo.pixels, fitted.face.points_px)
    side = 1.0 if head.pose.angles_deg["yaw"] >= 0 else -1.0
    distance, invented, spent = {}, {}, []
    for yaw in yaws_deg:
        pose = head.pose.turned(yaw_deg=side * yaw)
        view = render_view(head, pose)
        start = time.process_time()
        still = predictor.engine.refine(view.colour, view.known, head.images["plate"])
        spent.append(1000 * (time.process_time() - start))
        distance[yaw] = float(np.linalg.norm(true - embed(net, still.pixels, landmarks_px(fitted, pose))))
        invented[yaw] = still.invented_share
    _, region = render_over_plate(head)
    there = still_at(predictor.engine, head, head.pose)
    return {
        "distance": distance,
        "invented": invented,
        "still_ms": float(np.mean(spent)),
        "psnr_db": similarity_inside(head.images["photo"], there, region)[0],
        "flicker": flicker(predictor.engine, head, frames) if frames else None,
    }


def still_at(engine: Engine, head: Reconstruction, pose: Pose) -> Picture:
    """The finished still (H,W,3) of a head in a pose, by the photo's own camera."""
    view = render_view(head, pose)
    return engine.refine(view.colour, view.known, head.images["plate"]).pixels


def flicker(engine: Engine, head: Reconstruction, frames: int = FRAMES) -> float | None:
    """:func:`shimmer` of a slow turn, in grey values; None if no vertex is seen throughout."""
    colours = followed(engine, head, frames)
    return None if colours is None else shimmer(colours)


def followed(engine: Engine, head: Reconstruction, frames: int = FRAMES) -> NDArray[np.float32] | None:
    """Colours (F,V,3) of places on the head through a slow turn, one frame a degree.

    Places are the vertices that the photo saw and that no frame hides; None if there are none, or too few
    frames to compare.
    """
    step = TURN_DEG / FRAMES
    colours, steady = [], None
    for frame in range(frames):
        pose = head.pose.turned(yaw_deg=step * (frame - (frames - 1) / 2))
        points, seen = _seen_points(head, pose, head.camera)
        view = render_view(head, pose)
        picture = engine.refine(view.colour, view.known, head.images["plate"]).pixels
        height, width = picture.shape[:2]
        uv = (head.camera.project(points) + 0.5) / (width, height) * (1, -1) + (0, 1)
        known = sample_texture(view.known[..., None].repeat(3, axis=2), uv)[:, 0] / 255
        seen &= known > WELL_KNOWN
        steady = seen if steady is None else steady & seen
        colours.append(sample_texture(picture, uv)[:, :3])
    if steady is None or not steady.any() or frames < 3:
        return None
    return np.stack(colours)[:, steady]


def shimmer(colours: NDArray[np.floating]) -> float:
    """How far places (F,V,3) are from the middle of their colours one frame before and after, on average.

    A light that changes evenly does not count.
    """
    return float(np.abs(colours[1:-1] - (colours[2:] + colours[:-2]) / 2).mean())


def jump(colours: NDArray[np.floating]) -> float:
    """How far the colours of places (F,V,3) are from those of the frame before, on average."""
    return float(np.abs(np.diff(colours, axis=0)).mean())


def _seen_points(
    head: Reconstruction, pose: Pose, camera: Camera
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """All vertices of what follows the head (N,3) in camera space, and whether nothing hides them (N,)."""
    nearest = np.full((camera.height, camera.width), np.inf, np.float32)
    points = []
    for mesh in head.meshes:
        if mesh.visible and mesh.follows_head:
            at = pose.to_camera(posed_vertices(head, mesh)).astype(np.float32)
            nearest = np.minimum(
                nearest, rasterize_arrays(at, triangulate(mesh.polygons).vertices, camera).depth
            )
            points.append(at)
    placed = np.concatenate(points)
    column, row = np.rint(camera.project(placed)).astype(int).T
    seen = (column >= 0) & (row >= 0) & (column < camera.width) & (row < camera.height)
    seen[seen] &= placed[seen, 2] <= nearest[row[seen], column[seen]] + DEPTH_SLACK_MM
    return placed, seen
