"""Writes samples to a folder: the evaluation format with everything known, or a compact one for training.

Evaluation format, one line of ``manifest.jsonl`` a sample (``backend/evaluate/dataset.py``), with these keys
besides its own::

    alpha         PNG, red hair alpha, green head matte, blue person, 0 to 255
    face_depth    .npy, float32 (H,W), mm: d_f, the face of the bare head; NaN elsewhere
    normals       PNG, (normal + 1) * 127.5, x right, y up, z to the camera; 128 where there is none
    landmarks_478, landmarks_68    [[x, y, depth in mm], ...]
    pose          {"rotation": 3x3, "translation_mm": 3}, head to camera: both views of a pair need it
    scene         the whole scene: identity and expression coefficients, light, finish, seed

For the face network the evaluation format without depth and normals, and the photo as JPEG.

Compact format, three files a sample and nothing else::

    NAME.jpg            the photo
    NAME_regions.png    (H,W) classes of the evaluation format
    NAME_alpha.png      (H,W,3) as above
"""

from __future__ import annotations

import json
from dataclasses import asdict
from io import BytesIO
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from backend.errors import LikenessError

from .sample import SynthSample

MANIFEST = "manifest.jsonl"
JPEG_QUALITY = 95
"""The photo has been through its own compression; this adds next to nothing to it."""
OPTIONS = {
    ".jpg": [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY],
    ".png": [cv2.IMWRITE_PNG_COMPRESSION, 1],
}
"""PNG at its quickest."""


class CannotWrite(LikenessError):
    """A sample cannot be saved; says which file and why."""


def name_of(sample: SynthSample) -> str:
    """The sample's name: its seed, and a letter for further views of one person."""
    view = sample.scene.view_number
    return f"{sample.scene.seed:08d}" + (chr(ord("a") + view) if view else "")


def write_evaluation(sample: SynthSample, folder: Path) -> None:
    """Save one sample in the evaluation format and add its line to the manifest; raises CannotWrite."""
    add_line(folder, save_evaluation(sample, folder))


def save_evaluation(sample: SynthSample, folder: Path) -> str:
    """Save the files of one sample and return its line of the manifest; raises CannotWrite.

    Several processes may save files, but only one of them lists them.
    """
    name = name_of(sample)
    picture = {
        "image": (f"{name}.png", sample.photo),
        "regions": (f"{name}_regions.png", sample.regions),
        "alpha": (f"{name}_alpha.png", _alpha(sample)),
        "normals": (f"{name}_normals.png", np.rint((sample.normals + 1) * 127.5).astype(np.uint8)),
    }
    array = {
        "depth": (f"{name}.npy", sample.depth),
        "face_depth": (f"{name}_face.npy", sample.face_depth),
    }
    return _save_listed(sample, folder, picture, array)


def save_face(sample: SynthSample, folder: Path) -> str:
    """Save what the face network learns from and return its line of the manifest; raises CannotWrite."""
    name = name_of(sample)
    picture = {"image": (f"{name}.jpg", sample.photo), "regions": (f"{name}_regions.png", sample.regions)}
    return _save_listed(sample, folder, picture, {})


def _save_listed(
    sample: SynthSample,
    folder: Path,
    picture: dict[str, tuple[str, NDArray[np.uint8]]],
    array: dict[str, tuple[str, NDArray[np.float32]]],
) -> str:
    """Save files; the line that names them."""
    for file, pixels in picture.values():
        save_picture(folder / file, pixels)
    for file, values in array.values():
        _save(folder / file, _npy(values))
    camera, pose = asdict(sample.camera), sample.scene.view.pose
    files = {key: file for key, (file, _) in picture.items()} | {
        key: file for key, (file, _) in array.items()
    }
    line: dict[str, Any] = {
        "id": name_of(sample),
        "subject": f"{sample.scene.seed:08d}",
        **files,
        "camera": {key: camera[key] for key in ("fx", "fy", "cx", "cy")},
        "pose_deg": pose.angles_deg,
        "pose": {"rotation": pose.rotation.tolist(), "translation_mm": pose.translation_mm.tolist()},
        "landmarks_478": _rounded(sample.landmarks_478),
        "landmarks_68": _rounded(sample.landmarks_68),
        "scene": sample.scene.to_json(),
    }
    return json.dumps(line) + "\n"


def add_line(folder: Path, line: str) -> None:
    """List one sample in a folder's manifest; raises CannotWrite."""
    try:
        with (folder / MANIFEST).open("a", encoding="utf-8") as manifest:
            manifest.write(line)
    except OSError as error:
        raise _cannot(folder / MANIFEST, error) from error


def save_compact(sample: SynthSample, folder: Path) -> None:
    """Save one sample in the compact format; raises CannotWrite."""
    name = name_of(sample)
    # The photo comes last: where it is, its labels are.
    save_picture(folder / f"{name}_regions.png", sample.regions)
    save_picture(folder / f"{name}_alpha.png", _alpha(sample))
    save_picture(folder / f"{name}.jpg", sample.photo)


def make_folder(folder: Path) -> None:
    """The folder, if it is not there yet; raises CannotWrite."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _cannot(folder, error) from error


def _alpha(sample: SynthSample) -> NDArray[np.uint8]:
    return np.rint(np.stack([sample.hair_alpha, sample.matte, sample.person], axis=-1) * 255).astype(np.uint8)


def save_picture(path: Path, pixels: NDArray[np.uint8]) -> None:
    """Write one picture, grey or RGB, in the format of its name; raises CannotWrite."""
    ordered = pixels[..., ::-1] if pixels.ndim == 3 else pixels
    _save(path, cv2.imencode(path.suffix, ordered, OPTIONS.get(path.suffix, []))[1].tobytes())


def _npy(values: NDArray[np.float32]) -> bytes:
    buffer = BytesIO()
    np.save(buffer, values, allow_pickle=False)
    return buffer.getvalue()


def _save(path: Path, data: bytes) -> None:
    """All of it or nothing: a full disk leaves no half a file."""
    try:
        path.write_bytes(data)
    except OSError as error:
        path.unlink(missing_ok=True)
        raise _cannot(path, error) from error


def _cannot(path: Path, error: OSError) -> CannotWrite:
    return CannotWrite(
        f"{path} cannot be written: {error.strerror or error}.",
        "Free some space or choose another folder.",
    )


def _rounded(points: NDArray[np.float32]) -> list[list[float]]:
    return np.round(points.astype(np.float64), 3).tolist()
