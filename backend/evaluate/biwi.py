"""Reads the Biwi Kinect Head Pose Database (Fanelli et al., IJCV 2013) as an evaluation data set.

Its layout, a folder for each of 24 sequences of 20 people::

    NN/depth.cal, NN/rgb.cal    text: 3x3 intrinsics, distortion, 3x3 rotation, translation in mm, size;
                                a point x of the depth camera is at R x + t before the colour camera
    NN/frame_00003_rgb.png      640x480
    NN/frame_00003_depth.bin    int32 width, int32 height, then runs: int32 pixels without depth, int32
                                pixels with depth and their int16 mm; little-endian
    NN/frame_00003_pose.txt     3x3 rotation of the head and its centre in mm, before the depth camera

It says nothing of regions: the true depth is cut to the head by the known head centre, and what is face and
what is hair is read off the photo by whoever is asked for labels, once for all systems.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from ..camera import Camera
from ..files import write_file
from ..frames import HEAD_TO_CAMERA_AXES, angles_from_rotation
from .dataset import ANGLES, MANIFEST, REGION_NAMES, DatasetBroken, EvaluationItem
from .predict import REFUSALS, LabelPredictor

HEAD_MM = 200.0
"""What lies farther from the head's centre is no part of the head."""
FRONTAL_DEG = 30.0
"""Heads turned further from the camera are left out: half of the face is hidden."""
FRAMES = 10
"""Of each sequence."""
OTHER_HEAD = REGION_NAMES.index("other_head")
BACKGROUND = REGION_NAMES.index("background")

Array = NDArray[np.float64]


@dataclass(frozen=True)
class BiwiCamera:
    """One camera of the sensor, and the rotation (3,3) and translation (3,) from the depth camera to it."""

    camera: Camera
    rotation: Array
    translation_mm: Array

    def moved(self, points: Array) -> Array:
        """Points (...,3) before the depth camera, before this one."""
        return points @ self.rotation.T + self.translation_mm


def convert_biwi(folder: Path, out: Path, labels: LabelPredictor, frames: int = FRAMES) -> int:
    """Write frames of all sequences to ``out`` in the evaluation format; returns how many.

    Frames are spread evenly over those with a head turned by at most :data:`FRONTAL_DEG`. Where the labels
    are refused, the whole head counts as what is not face, so that no photo is lost.

    Raises:
        DatasetBroken: no sequences, or a file that does not follow the layout (named).
    """
    sequences = sorted(path for path in folder.iterdir() if (path / "rgb.cal").is_file())
    if not sequences:
        raise DatasetBroken(
            f"{folder} holds no sequences with a file rgb.cal.",
            "Name the folder that holds 01 to 24 of the Biwi Kinect Head Pose Database.",
        )
    lines = [line for sequence in sequences for line in _converted(sequence, out, labels, frames)]
    write_file(out / MANIFEST, "".join(lines).encode())
    return len(lines)


def read_depth(path: Path) -> NDArray[np.float32]:
    """(H,W) mm of a ``_depth.bin``, NaN where nothing was measured; raises DatasetBroken."""
    data = path.read_bytes()
    try:
        width, height = np.frombuffer(data, "<i4", 2).tolist()
        depth = np.zeros(width * height, np.int16)
        at, done = 8, 0
        while done < len(depth):
            empty, full = np.frombuffer(data, "<i4", 2, at).tolist()
            if empty < 0 or full < 0 or empty + full == 0 or done + empty + full > len(depth):
                raise ValueError("a run leaves the picture")
            done += empty
            depth[done : done + full] = np.frombuffer(data, "<i2", full, at + 8)
            done += full
            at += 8 + 2 * full
    except ValueError as error:
        raise DatasetBroken(f"{path} is no readable depth map: {error}.") from error
    return np.where(depth > 0, depth, np.nan).astype(np.float32).reshape(height, width)


def read_calibration(path: Path, size: tuple[int, int]) -> BiwiCamera:
    """A ``.cal`` file for pictures of ``size`` (width, height); raises DatasetBroken."""
    rows = _rows(path)
    shape = [len(row) for row in rows[:8]]
    if shape[:3] + shape[4:] != [3] * 7:
        raise DatasetBroken(f"{path} is no calibration: 3x3 intrinsics, distortion, rotation, translation.")
    if any(rows[3]):
        raise DatasetBroken(f"{path} names a lens distortion, which this reader does not know.")
    matrix = np.array(rows[:3])
    camera = Camera(matrix[0, 0], matrix[1, 1], matrix[0, 2], matrix[1, 2], *size)
    return BiwiCamera(camera, np.array(rows[4:7]), np.array(rows[7]))


def read_pose(path: Path) -> tuple[Array, Array]:
    """Rotation (3,3) and head centre (3,) mm of a ``_pose.txt``; raises DatasetBroken.

    Axes are the camera's: a head that looks straight into the camera has no rotation.
    """
    rows = _rows(path)
    if [len(row) for row in rows] != [3] * 4:
        raise DatasetBroken(f"{path} is no pose: a 3x3 rotation and a centre.")
    return np.array(rows[:3]), np.array(rows[3])


def depth_before(
    colour: BiwiCamera, depth_camera: Camera, depth_mm: NDArray[np.float32]
) -> NDArray[np.float32]:
    """(H,W) depth map of one camera as the colour camera has it, NaN where no point falls.

    Points are splatted and the nearest one counts: the depth camera's pixels are the finer ones.
    """
    rows, columns = np.nonzero(np.isfinite(depth_mm))
    pixels = np.column_stack([columns, rows]).astype(np.float64)
    points = colour.moved(depth_camera.unproject(pixels, depth_mm[rows, columns].astype(np.float64)))
    points = points[points[:, 2] > 0]
    at = np.rint(colour.camera.project(points)).astype(int)
    width, height = colour.camera.width, colour.camera.height
    inside = ((at >= 0) & (at < [width, height])).all(1)
    result = np.full((height, width), np.inf, np.float32)
    np.minimum.at(result, (at[inside, 1], at[inside, 0]), points[inside, 2].astype(np.float32))
    return np.where(np.isfinite(result), result, np.nan)


def _converted(sequence: Path, out: Path, labels: LabelPredictor, frames: int) -> list[str]:
    """Manifest lines of one sequence, its maps on disk."""
    frontal = [path for path in sorted(sequence.glob("frame_*_pose.txt")) if _turned_deg(path) <= FRONTAL_DEG]
    chosen = np.unique(np.linspace(0, len(frontal) - 1, min(frames, len(frontal))).round().astype(int))
    return [_line(sequence, frontal[number].name.removesuffix("_pose.txt"), out, labels) for number in chosen]


def _line(sequence: Path, frame: str, out: Path, labels: LabelPredictor) -> str:
    image = (sequence / f"{frame}_rgb.png").absolute()
    pixels = cv2.imread(str(image))
    if pixels is None:
        raise DatasetBroken(f"{image} is no readable picture.")
    measured = read_depth(sequence / f"{frame}_depth.bin")
    depth_camera = read_calibration(sequence / "depth.cal", measured.shape[::-1]).camera
    colour = read_calibration(sequence / "rgb.cal", pixels.shape[1::-1])
    rotation, centre = read_pose(sequence / f"{frame}_pose.txt")
    depth = depth_before(colour, depth_camera, measured)
    head = _near(depth, colour.camera, colour.moved(centre))
    name = f"{sequence.name}_{frame}"
    angles = angles_from_rotation(colour.rotation @ rotation @ HEAD_TO_CAMERA_AXES)
    item = EvaluationItem(name, image, colour.camera, None, None, sequence.name, None)
    np.save(out / f"{name}.npy", np.where(head, depth, np.nan).astype(np.float32))
    cv2.imwrite(str(out / f"{name}_regions.png"), _regions(item, head, labels))
    record = {
        "id": name,
        "image": str(image),
        "camera": {key: getattr(colour.camera, key) for key in ("fx", "fy", "cx", "cy")},
        "depth": f"{name}.npy",
        "regions": f"{name}_regions.png",
        "subject": sequence.name,
        "pose_deg": dict(zip(ANGLES, angles, strict=True)),
    }
    return json.dumps(record) + "\n"


def _regions(item: EvaluationItem, head: NDArray[np.bool_], labels: LabelPredictor) -> NDArray[np.uint8]:
    try:
        codes = labels.labels(item)
    except REFUSALS:
        codes = np.full(head.shape, OTHER_HEAD, np.uint8)
    return np.where(head, codes, BACKGROUND).astype(np.uint8)


def _near(depth_mm: NDArray[np.float32], camera: Camera, centre: Array) -> NDArray[np.bool_]:
    """(H,W) points within :data:`HEAD_MM` of the head's centre."""
    pixels = np.stack(np.meshgrid(np.arange(camera.width), np.arange(camera.height)), -1).astype(np.float64)
    apart = np.linalg.norm(camera.unproject(pixels, depth_mm.astype(np.float64)) - centre, axis=-1)
    return apart <= HEAD_MM


def _turned_deg(path: Path) -> float:
    """Angle between a head and one that looks into the camera."""
    rotation, _ = read_pose(path)
    return float(np.rad2deg(np.arccos(np.clip((np.trace(rotation) - 1) / 2, -1.0, 1.0))))


def _rows(path: Path) -> list[list[float]]:
    """Lines of numbers, empty ones left out; raises DatasetBroken."""
    try:
        text = path.read_text(encoding="ascii")
        return [[float(word) for word in line.split()] for line in text.splitlines() if line.strip()]
    except (OSError, ValueError) as error:
        raise DatasetBroken(f"{path} cannot be read: {error}.") from error
