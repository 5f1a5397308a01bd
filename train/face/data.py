"""Folders of synthetic portraits become numbered windows with everything that is known of their faces.

Reads what ``train.synth --faces`` writes: ``manifest.jsonl`` with ``image``, ``camera``, ``landmarks_478``
and ``scene`` in each line (``train/synth/write.py``), and ``face_depth`` where it was written.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from backend.harmonics import CONSTANT, LOBE, PICTURED, sh_basis
from backend.morphable import MEDIAPIPE_POINTS, load_head_model
from backend.nets.face_crop import WindowCameras, face_window
from backend.nets.parse_net import normalised
from backend.resample import Window, cut, look_up

from ..common.errors import BrokenSample, EmptyDataset
from ..common.seed import sample_generator
from ..synth.scene import ViewParams
from ..synth.write import MANIFEST
from .albedo import albedo_truth

CACHED = 256
"""Decoded pictures that a process keeps."""

DARKEST = 0.25
"""Least share of the light from all around that an exposure goes by."""

Numbers = NDArray[np.float32]


@dataclass(frozen=True)
class Jitter:
    """How far windows stray: detectors do not find what the generator knows."""

    shift: float
    """Usual deviation of the middle, as a share of the side."""
    size: float
    """Usual deviation of the logarithm of the side."""
    wider: float = 1.0
    """All windows are larger by this factor."""


@dataclass(frozen=True, eq=False)
class KnownFace:
    """One line of a manifest; hashed by what it is, not by what it holds."""

    id: str
    image: Path | None
    """None if it is nowhere on disk (``plain.py``)."""
    face_depth: Path | None
    """None where no depth was written: the loss of depth has nothing to say there."""
    focal_px: float
    principal_px: Numbers
    """(2,)."""
    landmarks_px: Numbers
    """(478,2) of the picture."""
    identity: Numbers
    """(K,) standard deviations."""
    expression: Numbers
    """(E,) weights."""
    beyond_mm: Numbers | None
    """(N,3) displacement of the head's vertices that no coefficient shows (:mod:`.beyond`); None is none."""
    albedo: Numbers
    """(A,) standard deviations; none where the shipped head has no basis."""
    rotation: Numbers
    """(3,3) head axes to camera axes."""
    translation_mm: Numbers
    """(3,) head centre in camera space."""
    light: Numbers
    """(9,3) as in :class:`backend.nets.face_net.FaceCoefficients`, scaled by :func:`even_out`."""

    def within(self, window: Window) -> KnownFace:
        """The same face in the pixels of a window."""
        return replace(
            self,
            focal_px=self.focal_px * window.scale,
            principal_px=window.to_window(self.principal_px),
            landmarks_px=window.to_window(self.landmarks_px),
        )

    def read(self) -> tuple[NDArray[np.uint8], Numbers]:
        """Picture (H,W,3) sRGB, and the bare face's depth (H,W) in mm or NaN; raises BrokenSample."""
        assert self.image is not None
        pixels = cv2.imread(str(self.image), cv2.IMREAD_COLOR_RGB)
        if pixels is None:
            raise BrokenSample(self.image, "it is no picture")
        if self.face_depth is None:
            return pixels, np.full(pixels.shape[:2], np.nan, np.float32)
        try:
            depth = np.load(self.face_depth, allow_pickle=False)
        except (OSError, ValueError, EOFError) as error:
            raise BrokenSample(self.face_depth, f"it holds no depth ({error})") from error
        if depth.shape != pixels.shape[:2]:
            raise BrokenSample(self.face_depth, f"its size {depth.shape} is not the picture's")
        return pixels, depth


class PlainSource(Protocol):
    """Windows drawn when they are asked for."""

    def sample(self, number: int, side: int) -> dict[str, Tensor]:
        """As :meth:`FaceData.sample`."""
        ...


class FaceData:
    """Windows of all folders; each folder is drawn from equally often, however large it is."""

    def __init__(
        self, folders: Sequence[Path], side: int, jitter: Jitter, seed: int, plain: PlainSource | None = None
    ) -> None:
        """``plain`` gives every second window, if there is one."""
        if not folders:
            raise EmptyDataset("No folder of samples was named.", "Name at least one with --data.")
        self._folders = [read_faces(folder) for folder in folders]
        self._side, self._jitter, self._seed = side, jitter, seed
        self._plain = plain
        self._read = lru_cache(CACHED)(KnownFace.read)

    def sample(self, number: int) -> dict[str, Tensor]:
        """The ``number``-th window; equal numbers give equal windows."""
        if self._plain is not None and number % 2:
            return self._plain.sample(number, self._side)
        rng = sample_generator(self._seed, number)
        folder = self._folders[rng.integers(len(self._folders))]
        face = folder[rng.integers(len(folder))]
        window = strayed(face_window(face.landmarks_px, self._side), self._jitter, rng)
        return tensors(face, *self._read(face), window)


def strayed(window: Window, jitter: Jitter, rng: np.random.Generator) -> Window:
    """The window moved and resized at random."""
    side_px = window.width / window.scale
    middle = window.to_picture(np.full(2, (window.width - 1) / 2))
    x, y = (middle + side_px * rng.normal(0, jitter.shift, 2)).tolist()
    return Window.centred(
        x, y, side_px * jitter.wider * float(np.exp(rng.normal(0, jitter.size))), window.width
    )


def tensors(face: KnownFace, pixels: NDArray[np.uint8], depth: Numbers, window: Window) -> dict[str, Tensor]:
    """What the network sees and should say, float32.

    ``picture`` (3,S,S); ``focal`` (), ``principal`` (2,) of the window's camera; ``landmarks`` (478,2) in
    window pixels; ``depth`` (S,S) mm, NaN where no face is; ``identity``, ``expression``, ``albedo``,
    ``light``; ``beyond`` (N,3) mm on top of the identity's and the expression's shape;
    ``rotation`` (3,3) and ``place`` (3,) as in :mod:`backend.nets.face_crop`.
    """
    principal = window.to_window(face.principal_px.astype(np.float64))
    cameras = WindowCameras(
        torch.tensor([face.focal_px * window.scale], dtype=torch.float64),
        torch.from_numpy(principal)[None],
        window.width,
    )
    rotation = torch.from_numpy(face.rotation.astype(np.float64))
    return {
        "picture": normalised(torch.from_numpy(cut(pixels, window))),
        "focal": cameras.focal_px[0].float(),
        "principal": cameras.principal_px[0].float(),
        "landmarks": torch.from_numpy(window.to_window(face.landmarks_px)),
        "depth": torch.from_numpy(look_up(depth, window)),
        "identity": torch.from_numpy(face.identity),
        "beyond": torch.zeros(len(load_head_model().mean), 3)
        if face.beyond_mm is None
        else torch.from_numpy(face.beyond_mm),
        "expression": torch.from_numpy(face.expression),
        "albedo": torch.from_numpy(face.albedo),
        "light": torch.from_numpy(face.light),
        "rotation": (cameras.rays()[0].T @ rotation).float(),
        "place": cameras.place_of(torch.from_numpy(face.translation_mm.astype(np.float64))[None])[0].float(),
    }


def read_faces(folder: Path) -> list[KnownFace]:
    """The samples of a folder.

    Raises EmptyDataset if there are none, BrokenSample with the line that cannot be read.
    """
    path = folder / MANIFEST
    if not path.is_file():
        raise EmptyDataset(f"There is no {path}.", "Write samples with train.synth --faces.")
    lines = path.read_text(encoding="utf-8").splitlines()
    entries = [(number, _entry(path, number, line)) for number, line in enumerate(lines, 1) if line.strip()]
    if not entries:
        raise EmptyDataset(f"{path} lists no samples.", "Write some with train.synth --faces.")
    return [_known(folder, path, number, entry) for number, entry in entries]


def _entry(manifest: Path, number: int, line: str) -> dict[str, Any]:
    try:
        return dict(json.loads(line))
    except (ValueError, TypeError) as error:
        raise BrokenSample(manifest, f"line {number} cannot be read ({error!r})") from error


def _known(folder: Path, manifest: Path, number: int, entry: Mapping[str, Any]) -> KnownFace:
    try:
        camera, scene = entry["camera"], entry["scene"]
        pose = ViewParams(**scene["view"]).pose
        face = KnownFace(
            id=str(entry["id"]),
            image=folder / entry["image"],
            face_depth=folder / entry["face_depth"] if "face_depth" in entry else None,
            focal_px=float(camera["fx"]),
            principal_px=np.array([camera["cx"], camera["cy"]], np.float32),
            landmarks_px=np.array(entry["landmarks_478"], np.float32)[:, :2],
            identity=np.array(scene["person"]["head"]["identity"], np.float32),
            expression=np.array(scene["person"]["head"]["expression"], np.float32),
            beyond_mm=None,
            albedo=_albedo_of(scene),
            rotation=pose.rotation.astype(np.float32),
            translation_mm=pose.translation_mm.astype(np.float32),
            light=known_light(scene),
        )
    except (ValueError, KeyError, TypeError, IndexError) as error:
        raise BrokenSample(manifest, f"line {number} cannot be read ({error!r})") from error
    if face.landmarks_px.shape != (MEDIAPIPE_POINTS, 2):
        raise BrokenSample(manifest, f"line {number} ({face.id}) has no {MEDIAPIPE_POINTS} landmarks")
    return face


def _albedo_of(scene: Mapping[str, Any]) -> Numbers:
    """(A,) of the shipped basis; none without one."""
    known = load_head_model().albedo is not None
    return albedo_truth(scene) if known else np.zeros(0, np.float32)


def known_light(scene: Mapping[str, Any]) -> Numbers:
    """(9,3) light of a scene as the network should say it."""
    return even_out(photographed(light_of(scene["light"]), scene["finish"]))


def light_of(light: Mapping[str, Any]) -> Numbers:
    """(9,3) sky and lamps of a scene as harmonics, as if nothing cast a shadow.

    A lamp of colour 1 shines max(0, cosine) of itself from a surface; the clamped cosine's harmonics are
    those of its direction times pi times the lobe (Ramamoorthi and Hanrahan 2001, eq. 8).
    """
    total = np.array(light["sky"], np.float64)
    for lamp in light["lamps"]:
        basis = sh_basis(torch.tensor(lamp["direction"], dtype=torch.float64)).numpy()
        total += np.outer(np.pi * LOBE * basis, lamp["colour"])
    return total.astype(np.float32)


def photographed(light: Numbers, finish: Mapping[str, Any]) -> Numbers:
    """Light (9,3) in the colours that the camera's white balance leaves; grey in a picture without colour."""
    balanced = light * np.array(finish["white_balance"], np.float32)
    return np.repeat(balanced.mean(axis=1, keepdims=True), 3, axis=1) if finish["grey"] else balanced


def even_out(light: Numbers) -> Numbers:
    """Light (9,3) that shows a white ball before the camera as 1 on average: cameras meter what they see.

    Against the light the ball is dark, but never below a share of the light from all around.
    """
    shown, around = float(PICTURED @ light.mean(axis=1)), CONSTANT * float(light[0].mean())
    if not around > 0:
        raise ValueError("a scene without light")
    return light / np.float32(max(shown, DARKEST * around))
