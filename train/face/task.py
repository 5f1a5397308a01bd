"""The face network's run on faces whose truth is known: batch in, losses, figures and pictures out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.utils.data import default_collate

from backend.frames import angles_from_rotation
from backend.morphable import load_head_model
from backend.nets.face_crop import WindowCameras, face_window
from backend.nets.face_net import BACKBONES, FaceCoefficients, FaceDimensions, LightBackbone
from backend.nets.identity_net import IdentityNet, load_identity_net

from ..common.checkpoint import begin_with
from ..common.distributed import World
from ..common.errors import WrongExperiment
from ..common.loading import load_batches
from ..parsing.pretrained import start_from_recogniser
from .config import FaceExperiment
from .data import FaceData, Jitter, read_faces, tensors
from .losses import (
    coefficient_loss,
    depth_loss,
    fitted_on,
    landmark_loss,
    landmark_weights_478,
    light_loss,
    rotation_loss,
    vertex_loss,
)
from .photographs import Photographs
from .plain import PlainFaces
from .render import displayed, render_faces
from .shape import ShapeModel, shape_model
from .unsupervised import AlbedoTensors, photograph_losses

CALIBRATION = 16
"""Pictures on which the pretrained filters find their normalisation."""
SHOWN = 8
"""Pictures on a contact sheet."""
GREY = 0.3
"""Albedo of the heads on it."""
FOUND, TRUE = (255, 70, 60), (70, 220, 110)
"""Colours of the landmarks on it."""

PHOTO = "photo/"
"""Before the names of the tensors of photographs."""

Batch = dict[str, Tensor]


class FaceTask:
    """Implements :class:`train.common.loop.Task` for the head that ships with Likeness."""

    def __init__(
        self,
        experiment: FaceExperiment,
        folders: Sequence[Path],
        check: Sequence[Path],
        photos: Sequence[Path] = (),
        start: Path | None = None,
    ) -> None:
        """Folders of synthetic faces, others to score on, and photographs if the experiment asks for them.

        ``start`` is a checkpoint of whichever experiment with the same backbone, to begin with its weights.
        """
        if experiment.backbone not in BACKBONES:
            raise WrongExperiment(
                f"There is no backbone {experiment.backbone!r}.", f"Choose one of: {', '.join(BACKBONES)}."
            )
        self.experiment = experiment
        jitter = Jitter(experiment.shift_jitter, experiment.size_jitter)
        plain = PlainFaces(jitter, experiment.run.seed) if experiment.plain else None
        self._data = FaceData(folders, experiment.side, jitter, experiment.run.seed, plain)
        self._photos = None
        if experiment.photos:
            self._photos = Photographs(photos, experiment.side, jitter, experiment.run.seed)
        self._start = start
        self._albedo: AlbedoTensors | None = None
        self._likeness: IdentityNet | None = None
        self._check = [face for folder in check for face in read_faces(folder)]
        self._shapes: dict[torch.device, ShapeModel] = {}

    def build(self) -> nn.Module:
        """The network, with the weights that it starts from."""
        net = BACKBONES[self.experiment.backbone](FaceDimensions.of(load_head_model()))
        if self._start is not None:
            return begin_with(net, self._start)
        if self.experiment.pretrained and isinstance(net.backbone, LightBackbone):
            pictures = torch.stack([self._data.sample(k)["picture"] for k in range(CALIBRATION)])
            start_from_recogniser(net.backbone.encoder, load_identity_net(), pictures)
        return net

    def batches(self, first: int, world: World) -> Iterator[Batch]:
        """See :class:`train.common.loop.Task`."""
        source = self._data if self._photos is None else _Both(self._data, self._photos)
        return load_batches(source, first, self.experiment.run, world)

    def loss(self, net: nn.Module, batch: Batch) -> dict[str, Tensor]:
        """``loss`` and its parts, scalars."""
        photos = {name[len(PHOTO) :]: v for name, v in batch.items() if name.startswith(PHOTO)}
        known = {name: v for name, v in batch.items() if not name.startswith(PHOTO)}
        pictures = torch.cat([known["picture"], photos["picture"]]) if photos else known["picture"]
        answer: FaceCoefficients = net(pictures.contiguous(memory_format=torch.channels_last))
        with torch.autocast(pictures.device.type, enabled=False):
            count = len(known["picture"])
            parts = self._parts(answer[:count], known)
            if photos:
                parts |= self._photo_parts(answer[count:], photos)
        weights = vars(self.experiment)
        return {"loss": torch.stack([weights[name] * value for name, value in parts.items()]).sum(), **parts}

    def _photo_parts(self, answer: FaceCoefficients, batch: Batch) -> dict[str, Tensor]:
        device = batch["picture"].device
        if self._albedo is None or self._likeness is None:
            basis = load_head_model().albedo
            assert basis is not None
            self._albedo = AlbedoTensors.of(basis, device)
            self._likeness = load_identity_net().to(device)
        return photograph_losses(answer, batch, self._model(device), self._albedo, self._likeness)

    def _parts(self, answer: FaceCoefficients, batch: Batch) -> dict[str, Tensor]:
        """Losses by the names of their weights in the experiment."""
        model, cameras = self._model(batch["picture"].device), self._cameras(batch)
        shapes = model.vertices(answer.identity, answer.expression)
        truth = model.vertices(batch["identity"], batch["expression"])
        points = cameras.to_camera(model.landmarks_478.of(shapes), answer.rotation, answer.place)
        face = model.face.float()
        parts = {
            "identity": coefficient_loss(answer.identity, batch["identity"]),
            "expression": coefficient_loss(answer.expression, batch["expression"]),
            "albedo": coefficient_loss(answer.albedo, batch["albedo"]),
            "light": light_loss(answer.light, batch["light"]),
            "rotation": rotation_loss(answer.rotation, batch["rotation"]),
            "place": coefficient_loss(answer.place, batch["place"]),
            "vertices": vertex_loss(fitted_on(shapes, truth, face), truth, face),
            "landmarks": landmark_loss(
                cameras.project(points), batch["landmarks"], landmark_weights_478(points.device)
            ),
        }
        if self.experiment.depth:
            vertices = cameras.to_camera(shapes, answer.rotation, answer.place)
            grey = torch.full_like(model.mean, GREY)
            drawn = render_faces(vertices, model.triangles, grey, answer.light, cameras)
            parts["depth"] = depth_loss(drawn.depth, batch["depth"])
        return parts

    @torch.no_grad()
    def evaluate(
        self, net: nn.Module, device: torch.device
    ) -> tuple[dict[str, float], NDArray[np.uint8] | None]:
        """Over the check samples, in windows that do not stray:

        ``vertices_mm``, error of the face's shape whatever its size, and ``mean_head_mm``, that of the mean;
        ``pose_deg``, mean absolute error of yaw, pitch and roll; ``landmarks_px``. The score is the
        negative error of the face.
        """
        if not self._check:
            return {"score": 0.0}, None
        found: dict[str, list[float]] = {}
        rows = []
        for face in self._check:
            pixels, depth = face.read()
            window = face_window(face.landmarks_px, self.experiment.side)
            sample = tensors(face, pixels, depth, window)
            batch = {name: values.to(device) for name, values in default_collate([sample]).items()}
            answer = net(batch["picture"].contiguous(memory_format=torch.channels_last))
            for name, value in self._figures(answer, batch).items():
                found.setdefault(name, []).append(value)
            if len(rows) < SHOWN:
                rows.append(self._row(answer, batch))
        figures = {name: float(np.mean(values)) for name, values in found.items()}
        return {**figures, "score": -figures["vertices_mm"]}, np.vstack(rows)

    def _figures(self, answer: FaceCoefficients, batch: Batch) -> dict[str, float]:
        model = self._model(batch["picture"].device)
        truth = model.vertices(batch["identity"], batch["expression"])
        shapes = model.vertices(answer.identity, answer.expression)
        face, mean = model.face.float(), model.mean[None].expand_as(truth)
        angles = [
            np.array(angles_from_rotation(r[0].cpu().numpy())) for r in (answer.rotation, batch["rotation"])
        ]
        off = (angles[0] - angles[1] + 180) % 360 - 180
        distance = (self._pixels(answer, batch) - batch["landmarks"]).norm(dim=-1)
        return {
            "vertices_mm": vertex_loss(fitted_on(shapes, truth, face), truth, face).item(),
            "mean_head_mm": vertex_loss(fitted_on(mean, truth, face), truth, face).item(),
            "pose_deg": float(np.abs(off).mean()),
            "landmarks_px": distance.mean().item(),
        }

    def _pixels(self, answer: FaceCoefficients, batch: Batch) -> Tensor:
        """Landmarks (B,478,2) of the answer in window pixels."""
        model, cameras = self._model(batch["picture"].device), self._cameras(batch)
        points = model.landmarks_478.of(model.vertices(answer.identity, answer.expression))
        return cameras.project(cameras.to_camera(points, answer.rotation, answer.place))

    def _row(self, answer: FaceCoefficients, batch: Batch) -> NDArray[np.uint8]:
        """Photo, the head that was found in its light, and its landmarks beside the true ones."""
        model, cameras = self._model(batch["picture"].device), self._cameras(batch)
        photo = ((batch["picture"][0].permute(1, 2, 0) + 1) * 127.5).round().byte().cpu().numpy()
        vertices = cameras.to_camera(
            model.vertices(answer.identity, answer.expression), answer.rotation, answer.place
        )
        grey = torch.full_like(model.mean, GREY)
        drawn = render_faces(vertices, model.triangles, grey, answer.light, cameras)
        colours = (displayed(drawn.colour[0].clamp(0, 1)) * 255).byte().cpu().numpy()
        head = np.where(drawn.covered[0, ..., None].cpu().numpy(), colours, photo)
        marked = photo.copy()
        for points, colour in ((batch["landmarks"], TRUE), (self._pixels(answer, batch), FOUND)):
            for point in points[0].cpu().numpy():
                cv2.circle(marked, tuple(np.rint(point).astype(int).tolist()), 0, colour, -1)
        return np.hstack([photo, head, marked])

    def _model(self, device: torch.device) -> ShapeModel:
        if device not in self._shapes:
            self._shapes[device] = shape_model(load_head_model(), device)
        return self._shapes[device]

    def _cameras(self, batch: Batch) -> WindowCameras:
        return WindowCameras(batch["focal"], batch["principal"], batch["picture"].shape[-1])


class _Both:
    """A synthetic face and a photograph under each number."""

    def __init__(self, known: FaceData, photos: Photographs) -> None:
        self._known, self._photos = known, photos

    def sample(self, number: int) -> dict[str, Tensor]:
        photo = self._photos.sample(number)
        return {**self._known.sample(number), **{PHOTO + name: values for name, values in photo.items()}}
