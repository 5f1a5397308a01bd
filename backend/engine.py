"""The path of a photo from pixels to a head, stage by stage. Knows nothing of servers or Blender."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray

from .assemble import body_mesh, covered_polygons, part_mesh
from .crop import HeadCrop
from .delight import Delit, take_off_light
from .depth import HeadDepth, HeadDepthEstimator
from .depth_network import head_depth_estimator
from .doubts import doubts_about_cover, doubts_about_light, doubts_about_outline, surprise
from .eyes import EYES, Eyeball, eyeball, lash_image
from .fit import HeadFit
from .fitting import FittedView, Fitting
from .frames import Pose
from .hair_mesh import build_shells
from .head_parse import HeadParse, HeadParser
from .known import known_vertices
from .landmarks import DetectedFace, Detector, MediaPipeDetector
from .morphable import MorphableModel, load_head_model
from .paint import HeadPainter
from .parse import head_parser
from .person_mask import PersonSegmenter
from .photo import Photo
from .photo_checks import check_face, choose_face
from .plate import background_plate, body_card, head_matte
from .progress import Progress, Stopwatch, ignore
from .project import shown_skin, well_fitted_ears
from .protocol import Quality, Stage
from .raster import Rasterizer, default_rasterizer, rasterize_arrays, triangulate
from .reconstruction import Reconstruction, TexturedMesh
from .refine import Refiner
from .refine_network import still_refiner
from .repose import posed_vertices
from .shell_depth import shell_region
from .shell_texture import back_image, front_image, over
from .sight import Sight
from .still import Still
from .transfer import FaceMeasure

FINER = 2
"""Visibility is decided at this multiple of the crop's resolution: nostrils and lids are small."""


class Engine:
    """Turns photos into heads; networks and models are loaded on first use and kept."""

    def __init__(
        self,
        device: str | None = None,
        *,
        model: MorphableModel | None = None,
        detector: Detector | None = None,
        parser: HeadParser | None = None,
        depth_estimator: HeadDepthEstimator | None = None,
        refiner: Refiner | None = None,
    ) -> None:
        """``device`` is a torch device name; by default the best one that this machine has. ``model`` is
        the morphable model; by default the one that ships."""
        self.device = torch.device(device or best_device())
        self._detector = detector or MediaPipeDetector()
        self._segmenter = PersonSegmenter()
        self._parser = parser or head_parser(self.device, self._segmenter)
        self._depth = depth_estimator or head_depth_estimator(self.device)
        self._refiner = refiner or still_refiner(self.device)
        self._rasterizer: Rasterizer = default_rasterizer(self.device)
        self._chosen_model = model

    @property
    def device_name(self) -> str:
        """The device in words, such as ``CPU (2 threads)``."""
        if self.device.type == "cuda":
            return torch.cuda.get_device_name(self.device)
        if self.device.type == "mps":
            return "Apple GPU"
        threads = torch.get_num_threads()
        return f"CPU ({threads} thread{'s' if threads != 1 else ''})"

    @property
    def interim(self) -> tuple[str, ...]:
        """Names of the stages in which a classical method still stands in for a network."""
        stages = {"parse": self._parser, "depth": self._depth, "refine": self._refiner}
        fitted_blindly = () if self._fitting.estimator else ("fit",)
        return (*fitted_blindly, *(name for name, stage in stages.items() if stage.interim))

    @cached_property
    def model(self) -> MorphableModel:
        """The morphable head that is fitted to photos."""
        return self._chosen_model or load_head_model()

    @cached_property
    def _fitting(self) -> Fitting:
        return Fitting(self.model, self._parser, self._rasterizer, self.device)

    @cached_property
    def _painter(self) -> HeadPainter:
        return HeadPainter(self.model)

    def fit(
        self, photo: Photo, *, face: int | None = None, quality: Quality = Quality.FAST
    ) -> tuple[HeadFit, DetectedFace, tuple[str, ...]]:
        """Detection and fit alone: the head's coefficients, its landmarks and warnings.

        Raises:
            NoFaceFound, FaceUnusable: the photo cannot become a head.
        """
        found, warnings = self._detect(photo, face)
        fit, doubts = self._fitting.fit(photo, found, quality)
        return fit, found, (*warnings, *doubts)

    def parse(self, photo: Photo, *, face: int | None = None) -> tuple[HeadCrop, HeadParse]:
        """Detection, fit and parsing alone: the working crop and its classes; raises as :meth:`fit`."""
        fit, found, _ = self.fit(photo, face=face)
        view = self._fitting.view(photo, found, fit)
        return view.crop, view.parse

    def _detect(self, photo: Photo, face: int | None) -> tuple[DetectedFace, list[str]]:
        faces = self._detector.detect(photo.pixels)
        found = choose_face(faces, face)
        notice = self.model.licence_notice
        return found, [*([notice] if notice else []), *check_face(photo, found, faces)]

    def reconstruct(
        self,
        photo: Photo,
        *,
        face: int | None = None,
        quality: Quality = Quality.FAST,
        progress: Progress = ignore,
    ) -> Reconstruction:
        """Rebuild the head of one person.

        Args:
            photo: upright sRGB pixels.
            face: which face, counted from the largest (1); None takes the largest.
            quality: how long the fit may take.
            progress: told of every stage; raises ``Cancelled`` to stop.

        Raises:
            NoFaceFound, FaceUnusable: the photo cannot become a head.
            Cancelled: from ``progress``.
        """
        watch = Stopwatch(progress)
        with watch.stage(Stage.DETECT):
            found, warnings = self._detect(photo, face)
        with watch.stage(Stage.FIT):
            fit, doubts = self._fitting.fit(photo, found, quality)
        with watch.stage(Stage.PARSE):
            fit, view = self._fitting.met(photo, found, fit, self._fitting.view(photo, found, fit))
            crop, head, parse = view.crop, view.head, view.parse
        with watch.stage(Stage.DEPTH):
            depth = self._depth.estimate(crop, parse, head, float(fit.pose.translation_mm[2]))
        with watch.stage(Stage.MESH):
            ears = well_fitted_ears(head, parse.labels)
            shells = build_shells(depth, parse, crop, fit.pose, skin_mm=shown_skin(head, ears))
            hair_mm = self._drawn(shells[0], crop, fit.pose)
            # The shell was calmed and cut since: what goes by the map should meet the mesh.
            depth = replace(depth, front=np.where(np.isfinite(hair_mm), hair_mm, depth.front))
        with watch.stage(Stage.TEXTURE):
            meshes, images, delit, sight = self._dress(photo, found, fit, view, depth, shells, hair_mm, ears)
        estimate = delit and delit.estimate
        pitch_mm = float(fit.pose.translation_mm[2]) / crop.camera.fx
        seen = (
            *doubts_about_cover(parse.labels, head.face, fit.normals and fit.normals.covered_in(crop)),
            *doubts_about_outline(parse.matte, head.skull, pitch_mm),
            *doubts_about_light(estimate),
        )
        reconstruction = Reconstruction(
            camera=fit.camera,
            pose=fit.pose,
            identity=fit.identity,
            expression=fit.expression,
            expression_names=self.model.expression_names,
            meshes=meshes,
            images=images,
            model=self.model.name,
            warnings=(*warnings, *doubts, *seen),
            timings_ms=watch.timings_ms,
            interim=self.interim,
            light=delit and delit.light,
            surprise=surprise(self.model, fit, estimate),
        )
        return _with_known(reconstruction, sight)

    def measure(
        self,
        photo: Photo,
        *,
        face: int | None = None,
        quality: Quality = Quality.FAST,
        progress: Progress = ignore,
    ) -> FaceMeasure:
        """Pose and expression in a photo, to be taken over by another head; raises as :meth:`fit`."""
        progress(Stage.DETECT, 0.0)
        found, warnings = self._detect(photo, face)
        progress(Stage.FIT, 0.0)
        fit, doubts = self._fitting.fit(photo, found, quality)
        weights = zip(self.model.expression_names, fit.expression.tolist(), strict=True)
        return FaceMeasure(fit.pose, dict(weights), self.model.name, (*warnings, *doubts))

    def _dress(
        self,
        photo: Photo,
        found: DetectedFace,
        fit: HeadFit,
        view: FittedView,
        depth: HeadDepth,
        shells: tuple[TexturedMesh, TexturedMesh],
        hair_mm: NDArray[np.float32],
        ears: tuple[str, ...],
    ) -> tuple[tuple[TexturedMesh, ...], dict[str, NDArray[np.uint8]], Delit | None, Sight]:
        """All meshes and images of the reconstruction, its face without light, and what the photo sees."""
        crop, parse = view.crop, view.parse
        model, straight = self.model, fit.vertices(self.model)
        eyes = [name for name in EYES if name in model.part_names]
        balls = tuple(self._eyeball(name, straight, found, fit) for name in eyes)
        gazing = straight
        for ball in balls:
            gazing = ball.turned(gazing)
        vertices_cam = fit.pose.to_camera(gazing)
        is_shell = shell_region(depth, parse)
        shell_mm = np.where(is_shell, depth.front, np.float32(np.inf)).repeat(FINER, 0).repeat(FINER, 1)
        nearest = np.minimum(self._nearest(vertices_cam, crop), shell_mm)
        sight = Sight(photo.pixels, fit.camera, crop, nearest, parse.labels)
        drop = covered_polygons(model, vertices_cam, sight, ears)
        by_name = {ball.name: ball for ball in balls}
        # The face's texture takes as long as everything else together; numpy and OpenCV release the GIL.
        with ThreadPoolExecutor(max_workers=1) as second:
            face = second.submit(self._face, vertices_cam, sight, found)
            parts = [part_mesh(model, fit, part, by_name.get(part), drop, ears) for part in model.part_names]
            person = self._person(photo, crop, parse)
            plate = background_plate(photo, person, head_matte(crop, parse, photo))
            body = body_card(photo, crop, parse, person, plate)
            images = {
                **self._small_images(
                    {part.image for part in parts}, vertices_cam, sight, found, straight, balls
                ),
                "hair": front_image(photo, crop, parse, over(body, plate), view.head.face),
                "back": back_image(photo, crop, parse),
                "body": body,
                "photo": photo.pixels,
                "plate": plate,
            }
            images["face"], delit = face.result()
        if delit is not None:
            images["face_albedo"] = delit.texture
        behind_mm = np.where(np.isfinite(hair_mm), hair_mm, 0)
        body_behind_mm = crop.map_to_photo(behind_mm, photo.width, photo.height)
        return (*parts, *shells, body_mesh(fit.camera, fit.pose, body, body_behind_mm)), images, delit, sight

    def _face(
        self, vertices_cam: NDArray[np.float32], sight: Sight, found: DetectedFace
    ) -> tuple[NDArray[np.uint8], Delit | None]:
        """The face's texture with the photo's light and, if the model knows albedo, without."""
        texture = self._painter.face(vertices_cam, sight, found.points_px)
        atlas = self._painter.atlases["face"]
        return texture, take_off_light(self.model, vertices_cam, sight, texture, atlas)

    def _small_images(
        self,
        used: set[str],
        vertices_cam: NDArray[np.float32],
        sight: Sight,
        found: DetectedFace,
        straight: NDArray[np.float32],
        balls: tuple[Eyeball, ...],
    ) -> dict[str, NDArray[np.uint8]]:
        """Images of eyes, mouth and lashes, as far as the model has such parts."""
        images: dict[str, NDArray[np.uint8]] = {}
        if "eyes" in used:
            images["eyes"] = self._painter.eyes(vertices_cam, sight, found.points_px, straight, balls)
        if "mouth" in used:
            images["mouth"] = self._painter.mouth(vertices_cam, sight, found.points_px)
        if "lashes" in used:
            images["lashes"] = lash_image()
        return images

    def _person(self, photo: Photo, crop: HeadCrop, parse: HeadParse) -> NDArray[np.float32]:
        """(H,W) matte of the whole person: the crop's where it reaches, a coarser look beyond."""
        size = (photo.width, photo.height)
        near = crop.map_to_photo(parse.person, *size)
        within = crop.map_to_photo(crop.inside.astype(np.float32), *size)
        if within.min() >= 1.0:
            return near
        return np.where(within >= 1.0, near, self._segmenter.segment(photo.pixels)).astype(np.float32)

    def _eyeball(
        self, name: str, straight: NDArray[np.float32], found: DetectedFace, fit: HeadFit
    ) -> Eyeball:
        vertices = np.flatnonzero(self.model.regions[name])
        return eyeball(name, vertices, straight, found.points_px, fit.camera, fit.pose)

    def _drawn(self, shell: TexturedMesh, crop: HeadCrop, pose: Pose) -> NDArray[np.float32]:
        """(S,S) depth of a shell, infinite where it is not."""
        triangles = triangulate(shell.polygons).vertices
        return rasterize_arrays(
            pose.to_camera(shell.vertices), triangles, crop.camera, self._rasterizer
        ).depth

    def _nearest(self, vertices_cam: NDArray[np.float32], crop: HeadCrop) -> NDArray[np.float32]:
        triangles = triangulate(self.model.polygons[self.model.solid]).vertices
        size = FINER * crop.size
        finer = crop.camera.cropped(FINER, 0.5 / FINER - 0.5, 0.5 / FINER - 0.5, size, size)
        return rasterize_arrays(vertices_cam, triangles, finer, self._rasterizer).depth

    def refine(
        self,
        coarse: NDArray[np.uint8],
        known: NDArray[np.uint8],
        plate: NDArray[np.uint8],
        *,
        transparent: bool = False,
        progress: Progress = ignore,
    ) -> Still:
        """Finish a coarse render over a plate; arguments as in :meth:`backend.refine.Refiner.refine`."""
        progress(Stage.REFINE, 0.0)
        return self._refiner.refine(coarse, known, plate, transparent=transparent)


def _with_known(reconstruction: Reconstruction, sight: Sight) -> Reconstruction:
    """The same head, whose vertices know how well the photo saw them."""
    placed = [
        (mesh, reconstruction.pose.to_camera(posed_vertices(reconstruction, mesh)))
        for mesh in reconstruction.meshes
    ]
    meshes = (
        replace(mesh, known=known_vertices(mesh, at, sight), seen_at=at.astype(np.float32))
        for mesh, at in placed
    )
    return replace(reconstruction, meshes=tuple(meshes))


def best_device() -> str:
    """``cuda``, ``mps`` or ``cpu``, whichever this machine has first."""
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"
