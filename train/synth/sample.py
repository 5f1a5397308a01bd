"""A batch of scenes becomes finished photos with everything that is known about them."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from backend.camera import Camera
from backend.head_parse import FACE
from backend.morphable import LandmarkEmbedding, load_head_model

from .background import paint_backgrounds
from .blend import blend_all
from .finish import develop, expose
from .light import Lights, stack_lights
from .people import build_people
from .person import Person
from .render import DOWN, Rendering, render
from .scene import Scene
from .view import Views, stack_views

SIZE = 256
Engine = Callable[[Person, Views, Lights], Rendering]


@dataclass(frozen=True)
class SynthBatch:
    """B photos of S x S pixels and their truth, on the device that drew them."""

    scenes: tuple[Scene, ...]
    photos: Tensor
    """(B,S,S,3) uint8 sRGB."""
    truth: Rendering
    landmarks_478: Tensor
    """(B,478,3) pixels x, y and depth in mm, of the surface points, seen or not."""
    landmarks_68: Tensor
    """(B,68,3)."""

    def __len__(self) -> int:
        """B."""
        return len(self.scenes)

    def sample(self, index: int) -> SynthSample:
        """One photo as numpy arrays."""
        truth = self.truth
        return SynthSample(
            scene=self.scenes[index],
            camera=self.scenes[index].view.camera(self.photos.shape[1]),
            photo=self.photos[index].cpu().numpy(),
            **{name: getattr(truth, name)[index].cpu().numpy() for name in _TRUTH},
            landmarks_478=self.landmarks_478[index].cpu().numpy(),
            landmarks_68=self.landmarks_68[index].cpu().numpy(),
        )


_TRUTH = ("regions", "depth", "face_depth", "matte", "hair_alpha", "person", "normals")


@dataclass(frozen=True)
class SynthSample:
    """One photo and its truth. All coefficients are in ``scene``: ``scene.person.head`` and so on."""

    scene: Scene
    camera: Camera
    photo: NDArray[np.uint8]
    """(S,S,3) sRGB."""
    regions: NDArray[np.uint8]
    """(S,S) class of the evaluation format at the pixel's centre."""
    depth: NDArray[np.float32]
    """(S,S) mm along the axis, NaN outside: the mean over what belongs to the pixel's class."""
    face_depth: NDArray[np.float32]
    """(S,S) d_f as in backend/project.py: the face of the bare head where nothing else of it is nearer."""
    matte: NDArray[np.float32]
    """(S,S) share that shows the head."""
    hair_alpha: NDArray[np.float32]
    """(S,S) share that shows scalp hair."""
    person: NDArray[np.float32]
    """(S,S) share that shows the person."""
    normals: NDArray[np.float32]
    """(S,S,3) unit normals of surfaces, x right, y up, z to the camera; 0 where there is none."""
    landmarks_478: NDArray[np.float32]
    """(478,3) pixels and mm."""
    landmarks_68: NDArray[np.float32]


def generate(
    scenes: list[Scene], size: int = SIZE, device: torch.device | str = "cpu", draw: Engine = render
) -> SynthBatch:
    """Draw scenes in one go; the same scenes on the same device give the same bytes.

    ``size`` is a multiple of four. ``draw`` is the engine: the project's own, or ``cycles.render``.
    """
    if size % DOWN:
        raise ValueError(f"pictures have a multiple of {DOWN} pixels along each side, not {size}")
    place = torch.device(device)
    with torch.no_grad():
        people = build_people([scene.person for scene in scenes], place)
        poses = [scene.view.pose for scene in scenes]
        views = stack_views(poses, [scene.view.camera(size) for scene in scenes], place)
        truth = _drawn(draw, people, views, scenes)
        behind = paint_backgrounds([scene.background for scene in scenes], size, place)
        linear = truth.colour + (1 - truth.person)[..., None] * behind
        # Photographers expose for the face, whatever the hair.
        face = (truth.regions == FACE).float()
        pictures = expose(linear, face, [scene.finish for scene in scenes]).cpu().numpy()
        photos = _developed(pictures, scenes)
        model = load_head_model()
        return SynthBatch(
            scenes=tuple(scenes),
            photos=torch.from_numpy(photos).to(place),
            truth=truth,
            landmarks_478=_landmarks(people.face, views, model.landmarks_478),
            landmarks_68=_landmarks(people.face, views, model.landmarks_68),
        )


def _drawn(draw: Engine, people: Person, views: Views, scenes: list[Scene]) -> Rendering:
    """All at once on a GPU; one by one on a CPU, whose cache holds one picture and no more."""
    device = people.face.device
    if device.type != "cpu":
        return draw(people, views, stack_lights([scene.light for scene in scenes], device))
    each = [
        draw(people.one(i), views.one(i), stack_lights([scene.light], device))
        for i, scene in enumerate(scenes)
    ]
    names = [field.name for field in fields(Rendering)]
    return Rendering(**{name: torch.cat([getattr(one, name) for one in each]) for name in names})


def _developed(pictures: NDArray[np.float32], scenes: list[Scene]) -> NDArray[np.uint8]:
    """OpenCV lets go of Python's lock: as many pictures at once as it may use threads."""
    finishes = [scene.finish for scene in scenes]
    threads = min(cv2.getNumThreads(), torch.get_num_threads())
    if threads < 2:
        return np.stack([develop(*both) for both in zip(pictures, finishes, strict=True)])
    with ThreadPoolExecutor(threads) as pool:
        return np.stack(list(pool.map(develop, pictures, finishes)))


def _landmarks(face: Tensor, views: Views, embedding: LandmarkEmbedding) -> Tensor:
    corners = torch.from_numpy(embedding.vertices.astype(np.int64)).to(face.device)
    weights = torch.from_numpy(embedding.weights.astype(np.float32)).to(face.device)
    points = blend_all(face, corners, weights)
    pixels, depth = views.project(views.to_view(points))
    return torch.cat([pixels, depth[..., None]], dim=-1)
