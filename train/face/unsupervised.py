"""What a photograph says of an answer: landmarks, colours, likeness, and how usual the person is.

Section 3.1 of Deep 3D Portrait (eq. 2 and 3), with the weights and regularisation of Deng et al. 2019.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from backend.albedo import DARKEST, LIGHTEST, AlbedoBasis
from backend.nets.face_crop import WindowCameras
from backend.nets.face_net import FaceCoefficients
from backend.nets.identity_net import IdentityNet

from .chips import face_chips
from .losses import (
    flatness_loss,
    identity_loss,
    landmark_loss,
    landmark_weights_478,
    photometric_loss,
    regularisation,
    skin_attention,
)
from .render import FacePictures, displayed, render_faces
from .shape import ShapeModel


@dataclass(frozen=True)
class AlbedoTensors:
    """An :class:`backend.albedo.AlbedoBasis` on the device of the training."""

    mean: Tensor
    """(N,3)."""
    components: Tensor
    """(A,N,3)."""

    @staticmethod
    def of(basis: AlbedoBasis, device: torch.device) -> AlbedoTensors:
        """Those of a basis."""
        return AlbedoTensors(
            torch.from_numpy(basis.mean).to(device), torch.from_numpy(basis.components).to(device)
        )

    def colours(self, coefficients: Tensor) -> Tensor:
        """(B,N,3) linear albedo for coefficients (B,A)."""
        added = coefficients @ self.components.flatten(1)
        return (self.mean + added.unflatten(1, (-1, 3))).clamp(DARKEST, LIGHTEST)


def draw(
    answer: FaceCoefficients, model: ShapeModel, albedo: AlbedoTensors, cameras: WindowCameras
) -> FacePictures:
    """The answer's heads in their own colours and light."""
    shapes = model.vertices(answer.identity, answer.expression)
    placed = cameras.to_camera(shapes, answer.rotation, answer.place)
    return render_faces(placed, model.triangles, albedo.colours(answer.albedo), answer.light, cameras)


def photograph_losses(
    answer: FaceCoefficients,
    batch: Mapping[str, Tensor],
    model: ShapeModel,
    albedo: AlbedoTensors,
    likeness: IdentityNet,
) -> dict[str, Tensor]:
    """Losses by the names of their weights in the experiment.

    ``batch`` is one of :func:`train.face.photographs.window_tensors`.
    """
    cameras = WindowCameras(batch["focal"], batch["principal"], batch["picture"].shape[-1])
    shapes = model.vertices(answer.identity, answer.expression)
    points = cameras.to_camera(model.landmarks_478.of(shapes), answer.rotation, answer.place)
    found = cameras.project(points)
    drawn = draw(answer, model, albedo, cameras)
    photo = (batch["picture"].permute(0, 2, 3, 1) + 1) / 2
    colours = displayed(drawn.colour)
    seen = torch.where(drawn.covered[..., None], colours, photo)
    faces = [face_chips(p.permute(0, 3, 1, 2), batch["landmarks"]) for p in (seen, photo)]
    embedded = likeness(torch.cat(faces)).chunk(2)
    skin = albedo.colours(answer.albedo)
    return {
        "photo_landmarks": landmark_loss(found, batch["landmarks"], landmark_weights_478(found.device)),
        "photometric": photometric_loss(colours, photo, drawn.covered, skin_attention(batch["skin"])),
        "likeness": identity_loss(embedded[0], embedded[1].detach()),
        "regularisation": regularisation(answer),
        "flatness": flatness_loss(skin, model.face),
    }
