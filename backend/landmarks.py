"""Finds faces and their 478 landmarks in a photo (MediaPipe's FaceLandmarker)."""

from __future__ import annotations

import atexit
import hashlib
import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from .errors import AssetBroken
from .libraries import library_missing
from .resample import Window, cut

if TYPE_CHECKING:
    from mediapipe.tasks.python.vision import FaceLandmarker

LANDMARKER_ASSET = Path(__file__).parent / "assets" / "face_landmarker_v2.task"
LANDMARKER_SHA256 = "64184e229b263107bc2b804c6625db1341ff2bb731874b0bcc2fe6544e0bc9ff"

MAX_FACES = 10
GROUP_SHARE = 0.2
"""Below this share of the picture's short side, a face may be one of a group; tiles are searched, too."""
SEARCH_SIDE = 1280
"""The search runs on a copy whose long side has at most so many pixels."""
TILE_SHARES = (0.5, 0.25)
"""Sides of the search tiles relative to the picture's short side, tried while no face is found:
the detector looks at 128 x 128 pixels and misses faces below about a sixth of the picture."""
TILE_SIZE = 512
MARGIN_SHARE = 0.5
"""Margin added on each side when a face may fill the whole frame."""
CLOSE_UP_SHARE = 2.0
"""Side of the close-up on which the landmarks are measured, relative to the face's longer side."""
CLOSE_UP_SIDE = 640
SAME_FACE_OVERLAP = 0.3
"""Boxes that overlap more than this (intersection over union) are one face found twice."""

IRIS_BEGINS = 468
"""MediaPipe's points from here on lie on the irises."""
IRIS_LANDMARKS = slice(IRIS_BEGINS, None)
"""They follow the gaze, so they take no part in the fit of the head."""
IBUG_68_FROM_478 = (
    *(127, 234, 93, 132, 58, 136, 150, 176, 152, 400, 379, 365, 288, 361, 323, 454, 356),
    *(70, 63, 105, 66, 107, 336, 296, 334, 293, 300),
    *(168, 197, 5, 4, 98, 97, 2, 326, 327),
    *(33, 160, 158, 133, 153, 144, 362, 385, 387, 263, 373, 380),
    *(61, 39, 37, 0, 267, 269, 291, 405, 314, 17, 84, 181),
    *(78, 82, 13, 312, 308, 317, 14, 87),
)
"""The 68 points of the iBUG 300-W mark-up (jaw, brows, nose, eyes, mouth) among MediaPipe's 478."""


@dataclass(frozen=True)
class DetectedFace:
    """One face in pixels of the photo (pixel centres at integers)."""

    points_px: NDArray[np.float32]
    """(478,2) MediaPipe's landmarks; 468 to 477 are the irises."""
    points_z: NDArray[np.float32]
    """(478,) relative depth in pixels (weak perspective), smaller is nearer."""
    expression_scores: dict[str, float]
    """ARKit names to [0,1]."""
    box: tuple[float, float, float, float]
    """(x0, y0, x1, y1) around the landmarks."""

    @property
    def size_px(self) -> float:
        """Longer side of the box."""
        return max(self.box[2] - self.box[0], self.box[3] - self.box[1])


class Detector(Protocol):
    """Finds faces in pixels."""

    def detect(self, pixels: NDArray[np.uint8]) -> list[DetectedFace]:
        """Faces of an (H,W,3) sRGB picture, the largest first; empty if there is none."""
        ...


class MediaPipeDetector:
    """Google's FaceLandmarker, created at first use and safe to call from several threads.

    Raises at first use :class:`AssetBroken` if its model file is missing or altered, and
    :class:`~backend.libraries.LibraryMissing` if the system lacks what MediaPipe links to.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()

    def detect(self, pixels: NDArray[np.uint8]) -> list[DetectedFace]:
        """See :meth:`Detector.detect`."""
        with self._lock:
            found = self._search(pixels)
            measured = [self._close_up(pixels, face) for face in found]
        return _distinct(measured)

    def _search(self, pixels: NDArray[np.uint8]) -> list[DetectedFace]:
        """Look at the whole picture, then with a margin, then at ever smaller tiles.

        It ends with the first look that finds a face large enough that smaller ones are bystanders.
        """
        found: list[DetectedFace] = []
        enough = GROUP_SHARE * min(pixels.shape[:2])
        for windows in _search_plan(pixels.shape[1], pixels.shape[0]):
            found = _distinct(found + [face for window in windows for face in self._look(pixels, window)])
            if found and (found[0].size_px >= enough or windows[0].width == TILE_SIZE):
                break
        return found

    def _close_up(self, pixels: NDArray[np.uint8], face: DetectedFace) -> DetectedFace:
        """Measure one face again at the resolution that suits the landmark network."""
        x0, y0, x1, y1 = face.box
        side = CLOSE_UP_SHARE * face.size_px
        window = Window.centred((x0 + x1) / 2, (y0 + y1) / 2, side, CLOSE_UP_SIDE)
        again = [other for other in self._look(pixels, window) if _overlap(face.box, other.box) > 0.5]
        return max(again, key=lambda other: _overlap(face.box, other.box), default=face)

    def _look(self, pixels: NDArray[np.uint8], window: Window) -> list[DetectedFace]:
        """Run the network on one window of the picture."""
        import mediapipe

        landmarker = self._landmarker  # first, because it explains a library that is missing
        image = mediapipe.Image(image_format=mediapipe.ImageFormat.SRGB, data=cut(pixels, window))
        result = landmarker.detect(image)
        faces = []
        for landmarks, scores in zip(result.face_landmarks, result.face_blendshapes, strict=True):
            points = np.array([(p.x, p.y, p.z) for p in landmarks])
            # MediaPipe measures from the picture's corner; pixel centres lie half a pixel further in.
            xy = window.to_picture(points[:, :2] * (window.width, window.height) - 0.5)
            faces.append(_face(xy, points[:, 2] * window.width / window.scale, scores))
        return faces

    @cached_property
    def _landmarker(self) -> FaceLandmarker:
        os.environ.setdefault("GLOG_minloglevel", "2")  # its progress notes would fill the log
        from mediapipe.tasks.python import BaseOptions
        from mediapipe.tasks.python.vision import FaceLandmarker, FaceLandmarkerOptions

        options = FaceLandmarkerOptions(
            base_options=BaseOptions(model_asset_buffer=read_asset(LANDMARKER_ASSET, LANDMARKER_SHA256)),
            num_faces=MAX_FACES,
            output_face_blendshapes=True,
        )
        try:
            landmarker = FaceLandmarker.create_from_options(options)
        except OSError as error:
            raise library_missing(error) or error from error
        # mediapipe 0.10.35 closes through a thread pool that is gone when Python exits, and prints a
        # traceback; without a handle it has nothing to close.
        atexit.register(setattr, landmarker, "_handle", None)
        return landmarker


def read_asset(path: Path, sha256: str) -> bytes:
    """The bytes of a shipped file; raises :class:`AssetBroken` if it is missing or altered."""
    hint = "Install Likeness again."
    try:
        data = path.read_bytes()
    except OSError as error:
        raise AssetBroken(f'The file "{path.name}" of Likeness is missing.', hint) from error
    if hashlib.sha256(data).hexdigest() != sha256:
        raise AssetBroken(f'The file "{path.name}" of Likeness is damaged.', hint)
    return data


def _search_plan(width: int, height: int) -> Iterator[list[Window]]:
    yield [_whole(width, height, 0.0)]
    yield [_whole(width, height, MARGIN_SHARE * max(width, height))]
    for share in TILE_SHARES:
        yield list(_tiles(width, height, share * min(width, height)))


def _whole(width: int, height: int, margin: float) -> Window:
    """The whole picture with a margin of picture pixels around it."""
    scale = min(1.0, SEARCH_SIDE / (max(width, height) + 2 * margin))
    size = [max(1, round((length + 2 * margin) * scale)) for length in (width, height)]
    corner = 0.5 / scale - 0.5 - margin
    return Window(scale, corner, corner, *size)


def _tiles(width: int, height: int, side: float) -> Iterator[Window]:
    """Square tiles that overlap by half, so that any face up to half a tile lies whole in one."""
    for y in _centres(height, side):
        for x in _centres(width, side):
            yield Window.centred(x, y, side, TILE_SIZE)


def _centres(length: int, side: float) -> list[float]:
    count = max(1, int(np.ceil(2 * length / side)) - 1)
    return (np.linspace(side / 2, length - side / 2, count) - 0.5).tolist()


def _face(xy: NDArray[np.float64], z: NDArray[np.float64], scores: list) -> DetectedFace:
    (x0, y0), (x1, y1) = xy.min(axis=0).tolist(), xy.max(axis=0).tolist()
    expression = {score.category_name: float(score.score) for score in scores}
    expression.pop("_neutral", None)
    return DetectedFace(xy.astype(np.float32), z.astype(np.float32), expression, (x0, y0, x1, y1))


def _distinct(faces: list[DetectedFace]) -> list[DetectedFace]:
    """The largest first, without those that another, larger one covers."""
    kept: list[DetectedFace] = []
    for face in sorted(faces, key=_area, reverse=True):
        if all(_overlap(face.box, other.box) < SAME_FACE_OVERLAP for other in kept):
            kept.append(face)
    return kept


def _area(face: DetectedFace) -> float:
    x0, y0, x1, y1 = face.box
    return (x1 - x0) * (y1 - y0)


def _overlap(a: tuple[float, float, float, float], b: tuple[float, float, float, float]) -> float:
    """Intersection over union of two boxes."""
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    shared = max(width, 0.0) * max(height, 0.0)
    total = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - shared
    return shared / total if total > 0 else 0.0
