"""Pairs on disk of heads that are eggs: every depth and colour is exact, and both views agree."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from backend.camera import Camera
from backend.frames import Pose, rotation_from_angles
from backend.head_parse import BACKGROUND, FACE, HAIR, OTHER_HEAD

SIDE = 64
AXES = np.array([75.0, 105.0, 90.0])
"""Half axes in mm, head frame."""
HAIRLINE, FRINGE = 45.0, 30.0
"""Above the first (mm) there is hair, which covers the face down to the second."""
HAIR_MM = 4.0
"""How far behind the hair the covered face lies."""
PRIOR_MM = 6.0
"""How wrong the prior is where no face is seen."""


def pose_of(yaw: float) -> Pose:
    """A head at 900 mm, a little off the axis."""
    return Pose(rotation_from_angles(yaw, 4.0, -3.0), np.array([20.0, -10.0, 900.0]))


def camera_of(side: int = SIDE) -> Camera:
    """Sees 320 mm at the egg, whose centre lies in the middle."""
    focal = side * 900.0 / 320.0
    middle = (side - 1) / 2
    return Camera(focal, focal, middle - focal * 20 / 900, middle + focal * 10 / 900, side, side)


def hit(pose: Pose, camera: Camera) -> tuple[NDArray, NDArray]:
    """Depth (S,S) mm of the egg, NaN beside it, and the points (S,S,3) of the head frame."""
    pixels = np.stack(np.meshgrid(*[np.arange(camera.width, dtype=float)] * 2), axis=-1)
    rays = camera.unproject(pixels, np.ones(pixels.shape[:2])) @ pose.rotation / AXES
    eye = -pose.translation_mm @ pose.rotation / AXES
    a, b, c = (rays**2).sum(-1), (rays * eye).sum(-1), (eye**2).sum() - 1
    inside = b**2 - a * c
    depth = np.where(inside > 0, (-b - np.sqrt(inside.clip(0))) / a, np.nan)
    return depth.astype(np.float32), (eye + depth[..., None] * rays) * AXES


def maps(yaw: float, side: int = SIDE) -> dict[str, NDArray]:
    """Everything of one view by its key in the manifest."""
    depth, points = hit(pose_of(yaw), camera_of(side))
    x, y, z = np.nan_to_num(points).transpose(2, 0, 1)
    shown, front = np.isfinite(depth), z > 40
    hair = shown & (y > np.where(front, FRINGE, HAIRLINE))
    face = shown & front & (y < HAIRLINE)
    regions = np.select([hair, face, shown], [HAIR, FACE, OTHER_HEAD], BACKGROUND).astype(np.uint8)
    colour = 127.5 + 110 * np.stack([np.sin(x / 15), np.sin(y / 18 + x / 40), np.cos(z / 16)], axis=-1)
    behind = np.where(hair, HAIR_MM, 0.0)
    matte = np.where(shown, 255, 0).astype(np.uint8)
    return {
        "image": np.where(shown[..., None], np.rint(colour), 60).astype(np.uint8),
        "regions": regions,
        "alpha": np.dstack([np.where(hair, matte, 0), matte, matte]).astype(np.uint8),
        "depth": depth,
        "face_depth": np.where(face, depth + behind, np.nan).astype(np.float32),
        "prior": (depth + np.where(regions == FACE, 0.0, PRIOR_MM)).astype(np.float32),
    }


def write_view(folder: Path, name: str, subject: str, yaw: float, side: int = SIDE) -> dict[str, Any]:
    """Files of one view; the manifest's line."""
    folder.mkdir(parents=True, exist_ok=True)
    files = {}
    for key, values in maps(yaw, side).items():
        files[key] = f"{name}_{key}" + (".npy" if values.dtype == np.float32 else ".png")
        if values.dtype == np.float32:
            np.save(folder / files[key], values)
        else:
            cv2.imwrite(str(folder / files[key]), values[..., ::-1] if values.ndim == 3 else values)
    camera, pose = camera_of(side), pose_of(yaw)
    return {
        "id": name,
        "subject": subject,
        **files,
        "camera": {key: getattr(camera, key) for key in ("fx", "fy", "cx", "cy")},
        "pose": {"rotation": pose.rotation.tolist(), "translation_mm": pose.translation_mm.tolist()},
    }


def write_lines(folder: Path, lines: list[dict[str, Any]]) -> Path:
    (folder / "manifest.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return folder


def folder(path: Path, count: int = 2, side: int = SIDE) -> Path:
    """Some pairs, ten degrees apart."""
    lines = []
    for number in range(count):
        yaw = -12.0 + 9.0 * number
        lines += [
            write_view(path, f"egg{number}{view}", f"egg{number}", yaw + 10.0 * (view == "b"), side)
            for view in "ab"
        ]
    return write_lines(path, lines)
