"""Bald heads on the fly: faces of the generator's scenes, drawn in a few milliseconds, never twice.

Nothing hides or shades another thing here, but shape, albedo, light and pose are all true, and there is no
end of them. They go beside the generator's pictures, which have hair, clothes and shadows.
"""

from __future__ import annotations

from dataclasses import asdict, replace
from functools import cache

import numpy as np
import torch
from torch import Tensor

from backend.albedo import DARKEST
from backend.eyes import EYES
from backend.morphable import MorphableModel, load_head_model
from backend.nets.face_crop import WindowCameras, face_window
from backend.resample import Window

from ..common.seed import sample_generator
from ..synth.background import paint_backgrounds
from ..synth.finish import develop, expose
from ..synth.sample import SIZE
from ..synth.scene import FACES, Scene, sample_scene
from .albedo import nearest_coefficients
from .beyond import displacement
from .data import Jitter, KnownFace, known_light, light_of, strayed, tensors
from .paint import painted
from .render import render_faces
from .shape import ShapeModel, shape_model

STREAM = 0x51ED270B
"""Keeps these random numbers apart from those of the written faces beside them."""
PAINTED = 0.5
"""Share of the heads that are painted (:mod:`.paint`)."""
GREY = 0.3
IRIS_DEG, PUPIL_DEG = 18.0, 9.0
"""Half the angles that iris and pupil take up of an eyeball; the shipped head's are large."""


class PlainFaces:
    """Numbered windows; equal numbers give equal windows."""

    def __init__(self, jitter: Jitter, seed: int, beyond: float = 0.0) -> None:
        """``beyond``: greatest strength of what the model cannot show (:mod:`.beyond`)."""
        self._jitter, self._seed, self._beyond = jitter, seed, beyond

    def sample(self, number: int, side: int) -> dict[str, Tensor]:
        """The ``number``-th window of ``side`` pixels, as :func:`train.face.data.tensors` gives it."""
        rng = sample_generator(self._seed ^ STREAM, number)
        scene = sample_scene(int(rng.integers(2**31)), FACES)
        model = load_head_model()
        count = 0 if model.albedo is None else len(model.albedo)
        albedo = rng.standard_normal(count).astype(np.float32)
        beyond = displacement(rng, float(rng.uniform(0, self._beyond))) if self._beyond else None
        face = somebody(scene, model, albedo, beyond)
        skin = skin_of(face)
        if model.albedo is not None and rng.random() < PAINTED:
            skin = painted(skin, rng)
            face = replace(face, albedo=nearest_coefficients(skin[None])[0])
        window = strayed(face_window(face.landmarks_px, side), self._jitter, rng)
        close = face.within(window)
        pixels = photograph(close, skin, scene, side)
        nothing = np.full((side, side), np.nan, np.float32)
        return tensors(close, pixels, nothing, Window(1.0, 0.0, 0.0, side, side))


def somebody(
    scene: Scene, model: MorphableModel, albedo: np.ndarray, beyond: np.ndarray | None = None
) -> KnownFace:
    """The face of a scene before the scene's own camera, with albedo coefficients (A,).

    ``beyond`` (N,3) mm is added to its shape.
    """
    head, pose, camera = scene.person.head, scene.view.pose, scene.view.camera(SIZE)
    identity, expression = np.array(head.identity, np.float32), np.array(head.expression, np.float32)
    moved = np.zeros_like(model.mean) if beyond is None else beyond
    points = pose.to_camera(model.landmarks_478.of(model.shape(identity, expression) + moved))
    return KnownFace(
        id=f"plain {scene.seed}",
        image=None,
        face_depth=None,
        focal_px=camera.fx,
        principal_px=np.array([camera.cx, camera.cy], np.float32),
        landmarks_px=camera.project(points).astype(np.float32),
        identity=identity,
        expression=expression,
        beyond_mm=beyond,
        albedo=albedo,
        rotation=pose.rotation.astype(np.float32),
        translation_mm=pose.translation_mm.astype(np.float32),
        light=known_light({"light": asdict(scene.light), "finish": asdict(scene.finish)}),
    )


def skin_of(face: KnownFace) -> np.ndarray:
    """Linear albedo (N,3) of a face; grey where the shipped head has no basis."""
    model = load_head_model()
    if model.albedo is None:
        return np.full((len(model.mean), 3), GREY, np.float32)
    return model.albedo.of(face.albedo)


def photograph(face: KnownFace, skin: np.ndarray, scene: Scene, side: int) -> np.ndarray:
    """The finished photo (S,S,3) uint8 sRGB of a face before a camera of ``side`` pixels.

    ``skin`` (N,3) is its linear albedo.
    """
    model = _shape()
    cameras = WindowCameras(torch.tensor([face.focal_px]), torch.from_numpy(face.principal_px)[None], side)
    vertices = model.vertices(torch.from_numpy(face.identity)[None], torch.from_numpy(face.expression)[None])
    if face.beyond_mm is not None:
        vertices = vertices + torch.from_numpy(face.beyond_mm)
    placed = vertices @ torch.from_numpy(face.rotation).T + torch.from_numpy(face.translation_mm)
    light = torch.from_numpy(light_of(asdict(scene.light)))[None]
    albedo = torch.from_numpy(skin.copy())
    iris, pupil = _irises()
    albedo[iris] = torch.tensor(scene.person.eyes.iris)
    albedo[pupil] = DARKEST
    drawn = render_faces(placed, model.triangles, albedo, light, cameras)
    behind = paint_backgrounds([scene.background], side, placed.device)
    linear = torch.where(drawn.covered[..., None], drawn.colour.clamp(min=0), behind)
    picture = expose(linear, drawn.covered.float(), [scene.finish])
    return develop(picture[0].numpy(), scene.finish)


@cache
def _shape() -> ShapeModel:
    return shape_model(load_head_model(), torch.device("cpu"))


@cache
def _irises() -> tuple[Tensor, Tensor]:
    """Vertices of irises and of pupils, of eyes that look ahead."""
    model = load_head_model()
    found: tuple[list[int], list[int]] = ([], [])
    for name in EYES:
        polygons = model.polygons[model.part(name)]
        ball = np.unique(polygons[polygons >= 0])
        points = model.mean[ball]
        outward = points - (points.min(axis=0) + points.max(axis=0)) / 2
        off_deg = np.degrees(np.arccos(outward[:, 2] / np.linalg.norm(outward, axis=1)))
        for vertices, widest in zip(found, (IRIS_DEG, PUPIL_DEG), strict=True):
            vertices.extend(ball[off_deg < widest].tolist())
    return torch.tensor(found[0]), torch.tensor(found[1])
