"""Where predictions come from: this project's engine, or a folder of another system's results."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import cv2
import numpy as np
import trimesh
from numpy.typing import NDArray

from ..camera import Camera
from ..crop import HeadCrop
from ..errors import FaceUnusable, LikenessError, NoFaceFound
from ..export import head_surface
from ..fit import HeadFit
from ..head_parse import HeadParse
from ..landmarks import DetectedFace
from ..morphable import MorphableModel
from ..photo import Photo, read_photo
from ..reconstruction import Reconstruction
from ..repose import render_coarse
from .dataset import REGION_NAMES, DatasetBroken, EvaluationItem, read_labels

if TYPE_CHECKING:
    from ..engine import Engine

SCORED_MESHES = ("face", "eye_left", "eye_right", "hair")
"""Face and hair-ear together; the invented back of the head and the mouth's inside are not scored."""


@dataclass(frozen=True)
class CameraMesh:
    """A predicted surface in the data set's camera space."""

    vertices_cam: NDArray[np.floating]
    """(N,3) mm, OpenCV axes."""
    triangles: NDArray[np.int64]
    """(T,3)."""


@dataclass(frozen=True)
class HeadRender:
    """A photo and the head rendered back into it."""

    photo: NDArray[np.uint8]
    """(H,W,3) sRGB."""
    render: NDArray[np.uint8]
    """(H,W,3) sRGB, the head over the plate."""
    head: NDArray[np.bool_]
    """(H,W) where the prediction sees the head."""


@dataclass(frozen=True)
class FittedHead:
    """A morphable head laid onto a photo."""

    photo: Photo
    face: DetectedFace
    fit: HeadFit
    model: MorphableModel
    vertices: NDArray[np.float32]
    """(N,3) mm, head frame, with the photo's expression."""


class MeshPredictor(Protocol):
    """Predicts surfaces. Raises one of :data:`REFUSALS` for a photo that it refuses."""

    def mesh(self, item: EvaluationItem) -> CameraMesh:
        """The head of one photo, in the camera space of ``item.camera``."""
        ...


class LabelPredictor(Protocol):
    """Predicts region codes; refuses like :class:`MeshPredictor`."""

    def labels(self, item: EvaluationItem) -> NDArray[np.uint8]:
        """(H,W) region codes 0 to 7."""
        ...


class PosePredictor(Protocol):
    """Predicts pose angles; refuses like :class:`MeshPredictor`."""

    def pose_deg(self, item: EvaluationItem) -> Mapping[str, float]:
        """``{"yaw", "pitch", "roll"}`` in the signs of docs/conventions.md."""
        ...


class RenderPredictor(Protocol):
    """Renders heads back into their photos; refuses like :class:`MeshPredictor`."""

    def render(self, item: EvaluationItem) -> HeadRender:
        """The head at zero pose change."""
        ...


class FitPredictor(Protocol):
    """Lays the morphable head onto photos; refuses like :class:`MeshPredictor`."""

    def fitted(self, item: EvaluationItem) -> FittedHead:
        """The head of one photo."""
        ...


class PredictionMissing(LikenessError):
    """A folder of predictions has none for an item."""


REFUSALS = (NoFaceFound, FaceUnusable, PredictionMissing)
"""What counts as a miss of the system; anything else is a fault of the run and stops it."""


@dataclass(frozen=True)
class EnginePredictor:
    """Predictions of this project's engine, which is told the true focal length."""

    engine: Engine

    def mesh(self, item: EvaluationItem) -> CameraMesh:
        """Face, eyes and hair-ear shell."""
        photo = photo_of(item)
        reconstruction = self.engine.reconstruct(photo)
        surface = head_surface(reconstruction)
        scored = [surface.mesh_names.index(name) for name in SCORED_MESHES if name in surface.mesh_names]
        triangles = surface.triangles[np.isin(surface.mesh_index, scored)]
        used, corner = np.unique(triangles, return_inverse=True)
        vertices = surface.vertices_cam[used].astype(np.float64)
        if item.camera is not None:
            vertices = seen_by(vertices, reconstruction.camera, scaled(item.camera, photo.scale))
        return CameraMesh(vertices, corner.reshape(-1, 3))

    def labels(self, item: EvaluationItem) -> NDArray[np.uint8]:
        """The parsing stage's classes on the photo's own grid."""
        photo = photo_of(item)
        crop, parse = self.engine.parse(photo)
        labels = labels_on_photo(crop, parse, photo)
        native = (round(photo.width / photo.scale), round(photo.height / photo.scale))
        return cv2.resize(labels, native, interpolation=cv2.INTER_NEAREST)

    def pose_deg(self, item: EvaluationItem) -> Mapping[str, float]:
        """Angles of the landmark fit."""
        fit, _, _ = self.engine.fit(photo_of(item))
        return fit.pose.angles_deg

    def fitted(self, item: EvaluationItem) -> FittedHead:
        """The morphable head alone."""
        photo = photo_of(item)
        fit, face, _ = self.engine.fit(photo)
        return FittedHead(photo, face, fit, self.engine.model, fit.vertices(self.engine.model))

    def render(self, item: EvaluationItem) -> HeadRender:
        """The coarse render over the plate, without refinement: what the reconstruction itself keeps."""
        photo = photo_of(item)
        reconstruction = self.engine.reconstruct(photo)
        return HeadRender(photo.pixels, *render_over_plate(reconstruction))


@dataclass(frozen=True)
class FolderPredictor:
    """Results of any system: ``<id>.ply`` in camera space (mm) and ``<id>.png`` with region codes."""

    folder: Path

    def mesh(self, item: EvaluationItem) -> CameraMesh:
        """The triangles of ``<id>.ply``."""
        path = self._path(item, "ply")
        try:
            loaded = trimesh.load(path, file_type="ply", process=False)
        except (ValueError, IndexError, KeyError, OSError) as error:
            raise DatasetBroken(f"{path} is no readable PLY file: {error}.") from error
        if not isinstance(loaded, trimesh.Trimesh):
            raise DatasetBroken(f"{path} holds no triangles.")
        return CameraMesh(np.asarray(loaded.vertices), np.asarray(loaded.faces, np.int64))

    def labels(self, item: EvaluationItem) -> NDArray[np.uint8]:
        """The codes of ``<id>.png``."""
        return read_labels(self._path(item, "png"))

    def _path(self, item: EvaluationItem, extension: str) -> Path:
        path = self.folder / f"{item.id}.{extension}"
        if not path.is_file():
            raise PredictionMissing(f"There is no {path.name} in {self.folder}.")
        return path


def photo_of(item: EvaluationItem) -> Photo:
    """The item's photo with its true focal length, where the data set knows it."""
    photo = read_photo(item.image)
    if item.camera is None:
        return photo
    return replace(photo, focal_px=item.camera.fx * photo.scale)


def scaled(camera: Camera, scale: float) -> Camera:
    """The camera of the whole picture resized by ``scale``; the picture's corner stays in place."""
    corner = 0.5 - 0.5 / scale
    return camera.cropped(scale, -corner, -corner, round(camera.width * scale), round(camera.height * scale))


def seen_by(points_cam: NDArray[np.float64], solved: Camera, true: Camera) -> NDArray[np.float64]:
    """Move (N,3) points so that ``true`` sees them at the pixels and depths at which ``solved`` does."""
    return true.unproject(solved.project(points_cam), points_cam[:, 2])


def labels_on_photo(crop: HeadCrop, parse: HeadParse, photo: Photo) -> NDArray[np.uint8]:
    """The classes of a working crop as (H,W) codes of the photo; background beyond the crop."""
    best = np.full((photo.height, photo.width), -1.0, np.float32)
    labels = np.zeros((photo.height, photo.width), np.uint8)
    for code in range(len(REGION_NAMES)):
        share = crop.map_to_photo(
            (parse.labels == code).astype(np.float32), photo.width, photo.height, float(code == 0)
        )
        labels[share > best] = code
        best = np.maximum(best, share)
    return labels


def render_over_plate(reconstruction: Reconstruction) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """The head at the photo's pose over the plate (H,W,3), and where the head is (H,W)."""
    coarse = render_coarse(reconstruction, reconstruction.pose).astype(np.float64)
    alpha = coarse[..., 3:] / 255
    picture = alpha * coarse[..., :3] + (1 - alpha) * reconstruction.images["plate"][..., :3]
    head_only = replace(reconstruction, meshes=tuple(m for m in reconstruction.meshes if m.follows_head))
    head = render_coarse(head_only, reconstruction.pose, supersample=1)[..., 3] > 127
    return np.rint(picture).astype(np.uint8), head
