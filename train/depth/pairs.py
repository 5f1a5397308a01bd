"""Pairs of views from video: ``python -m train.depth.pairs VIDEO... --out DIR``.

Tracks the largest head through each clip with the product's own detector, fit and parser, selects frames
5 to 15 degrees apart (supplement S2 of the paper), and writes them as ``train.depth.data`` reads them: the
evaluation format without ``depth``, for nobody knows it. Runs on the machine that has the product's
packages; training reads the written folder alone.
"""

from __future__ import annotations

import argparse
import json
import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from numpy.typing import NDArray

from backend.crop import head_crop
from backend.head_parse import HAIR

from ..common.errors import TrainingError
from ..common.storage import write_whole
from ..synth.write import MANIFEST, make_folder, save_picture

if TYPE_CHECKING:
    from backend.fit import HeadFit
    from backend.landmarks import DetectedFace
    from backend.photo import Photo

TURN_DEG = (5.0, 15.0)
"""How far the head turns between the views of a pair."""
WITHIN_S = 2.0
"""Later, a face says something else and hair has moved."""
WORST_FIT_MM = 4.0
"""Landmarks of a head that is tracked lie this near to the model (root mean square)."""
PROBES = 5
"""Fits that agree on the clip's focal length: a zoom that breathes from frame to frame is no stereo."""
SIDE = 256
"""Pixels along one side of what is written, as in the paper."""

log = logging.getLogger(__name__)


class VideoUnreadable(TrainingError):
    """A file that is no video, or of another kind than OpenCV reads."""


@dataclass(frozen=True)
class Frame:
    """One picture of a clip with the head in it."""

    number: int
    seconds: float
    photo: Photo
    face: DetectedFace
    fit: HeadFit


class HeadWatcher:
    """The product's stages up to the parse, on one head at a time."""

    def __init__(self) -> None:
        from backend.fit import HeadFitter
        from backend.landmarks import MediaPipeDetector
        from backend.morphable import load_head_model
        from backend.parse import head_parser
        from backend.raster import TorchRasterizer

        self._model = load_head_model()
        self._detector, self._fitter = MediaPipeDetector(), HeadFitter(self._model)
        self._parser, self._rasterizer = head_parser("cpu"), TorchRasterizer()

    def find(self, photo: Photo) -> DetectedFace | None:
        """The largest face."""
        return next(iter(self._detector.detect(photo.pixels)), None)

    def fit(self, photo: Photo, face: DetectedFace) -> HeadFit:
        """Its head."""
        return self._fitter.fit(face, photo)

    def write(self, frame: Frame, folder: Path, name: str) -> dict[str, Any]:
        """Save a view; returns the keys of its line but for ``id`` and ``subject``."""
        from backend.depth import GeometricPrior
        from backend.fitting import guide_of
        from backend.project import project_head

        fit = frame.fit
        crop = head_crop(frame.photo, fit.camera, fit.pose, SIDE)
        head = project_head(self._model, fit, crop.camera, self._rasterizer)
        parse = self._parser.parse(crop, guide_of(crop, head, frame.face))
        prior = GeometricPrior().estimate(crop, parse, head, float(fit.pose.translation_mm[2]))
        shares = [parse.matte * (parse.labels == HAIR), parse.matte, parse.person]
        pictures = {
            "image": crop.pixels,
            "regions": parse.labels,
            "alpha": np.rint(255 * np.dstack(shares)).astype(np.uint8),
        }
        files = {key: f"{name}_{key}.png" for key in pictures}
        for key, pixels in pictures.items():
            save_picture(folder / files[key], pixels)
        for key, depth in {"face_depth": head.face_mm, "prior": prior.front}.items():
            files[key] = f"{name}_{key}.npy"
            write_whole(folder / files[key], _npy(depth))
        camera, pose = crop.camera, fit.pose
        return {
            **files,
            "camera": {key: getattr(camera, key) for key in ("fx", "fy", "cx", "cy")},
            "pose_deg": pose.angles_deg,
            "pose": {"rotation": pose.rotation.tolist(), "translation_mm": pose.translation_mm.tolist()},
        }


def _npy(values: NDArray[np.float32]) -> Any:
    return lambda stream: np.save(stream, values, allow_pickle=False)


def pictures_of(path: Path, every: int = 1) -> Iterator[tuple[int, float, NDArray[np.uint8]]]:
    """Number, second and pixels (H,W,3) sRGB of every n-th frame; raises VideoUnreadable."""
    clip = cv2.VideoCapture(str(path))
    if not clip.isOpened():
        raise VideoUnreadable(f"{path} cannot be opened as a video.", "Convert it to MP4.")
    rate = clip.get(cv2.CAP_PROP_FPS) or 25.0
    number = 0
    while True:
        found, pixels = clip.read()
        if not found:
            break
        if number % every == 0:
            yield number, number / rate, cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB)
        number += 1
    clip.release()


def tracked(
    pictures: Iterator[tuple[int, float, NDArray[np.uint8]]], watcher: HeadWatcher
) -> Iterator[Frame]:
    """Frames with a head in them, all seen through one lens."""
    from backend.photo import Photo

    def seen() -> Iterator[tuple[int, float, Photo, DetectedFace]]:
        for number, seconds, pixels in pictures:
            photo = Photo(pixels)
            face = watcher.find(photo)
            if face is not None:
                yield number, seconds, photo, face

    faces = seen()
    probes = list(islice(faces, PROBES))
    if not probes:
        return
    focal_px = float(np.median([watcher.fit(photo, face).camera.fx for _, _, photo, face in probes]))
    for number, seconds, photo, face in chain(probes, faces):
        photo = replace(photo, focal_px=focal_px)
        fit = watcher.fit(photo, face)
        if fit.rms_mm < WORST_FIT_MM:
            yield Frame(number, seconds, photo, face, fit)


def chosen_pairs(
    rotations: Sequence[NDArray[np.floating]], seconds: Sequence[float], most: int
) -> list[tuple[int, int]]:
    """Places of frames that make pairs, at most so many, spread over the clip.

    Each frame goes with the first later one that has turned far enough, if it comes in time and has not
    turned too far. ``rotations`` are head to camera (3,3).
    """
    pairs = []
    for i, first in enumerate(rotations):
        for j in range(i + 1, len(rotations)):
            if seconds[j] - seconds[i] > WITHIN_S:
                break
            turn = turned_deg(first, rotations[j])
            if turn >= TURN_DEG[0]:
                if turn <= TURN_DEG[1]:
                    pairs.append((i, j))
                break
    if len(pairs) <= most:
        return pairs
    return [pairs[k] for k in np.linspace(0, len(pairs) - 1, most).round().astype(int)]


def turned_deg(a: NDArray[np.floating], b: NDArray[np.floating]) -> float:
    """Angle of the rotation from one (3,3) to another."""
    cosine = (np.trace(b @ a.T) - 1) / 2
    return float(np.degrees(np.arccos(np.clip(cosine, -1, 1))))


def write_pairs(
    frames: Sequence[Frame], places: Sequence[tuple[int, int]], watcher: HeadWatcher, folder: Path, clip: str
) -> list[dict[str, Any]]:
    """Save the views of a clip's pairs, each frame once; the manifest's lines, two for a pair."""
    written: dict[int, dict[str, Any]] = {}
    for place in sorted({place for pair in places for place in pair}):
        name = f"{clip}_{frames[place].number:05d}"
        written[place] = watcher.write(frames[place], folder, name)
    return [
        {"id": f"{clip}_{number:03d}{view}", "subject": f"{clip}_{number:03d}", **written[place]}
        for number, pair in enumerate(places)
        for view, place in zip("ab", pair, strict=True)
    ]


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(
        prog="python -m train.depth.pairs", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("videos", type=Path, nargs="+", help="clips of one person who turns the head")
    parser.add_argument("--out", type=Path, required=True, help="folder for the pairs")
    parser.add_argument("--every", type=int, default=3, help="look at every n-th frame")
    parser.add_argument("--frames", type=int, help="end each clip after so many looks")
    parser.add_argument("--most", type=int, default=50, help="pairs of one clip")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    watcher = HeadWatcher()
    make_folder(arguments.out)
    lines: list[dict[str, Any]] = []
    for path in arguments.videos:
        pictures = pictures_of(path, arguments.every)
        if arguments.frames is not None:
            pictures = islice(pictures, arguments.frames)
        try:
            frames = list(tracked(pictures, watcher))
        except VideoUnreadable as error:
            log.info("%s", error)
            continue
        turns, times = [frame.fit.pose.rotation for frame in frames], [frame.seconds for frame in frames]
        places = chosen_pairs(turns, times, arguments.most)
        lines += write_pairs(frames, places, watcher, arguments.out, path.stem)
        log.info("%s: %d frames with a head, %d pairs", path.name, len(frames), len(places))
    text = "".join(json.dumps(line) + "\n" for line in lines)
    write_whole(arguments.out / MANIFEST, lambda stream: stream.write(text.encode()))


if __name__ == "__main__":
    main()
