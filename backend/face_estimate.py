"""What the face network says of one face of a photo, and how far it usually errs.

The network answers for a window around the landmarks (:mod:`backend.nets.face_crop`); the fit
(:mod:`backend.fit`) takes the answer as its start.
"""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from .camera import Camera
from .errors import AssetBroken
from .frames import Pose
from .landmarks import DetectedFace
from .morphable import MorphableModel, load_head_model
from .nets.face_crop import WindowCameras, face_window
from .nets.face_net import ARCHITECTURE, FACE_ASSET, FaceNet, load_face_net
from .nets.parse_net import normalised
from .nets.weights import read_weights
from .photo import Photo
from .resample import Window, cut

USUAL_IDENTITY_ERROR = 0.5
USUAL_EXPRESSION_ERROR = 0.1
USUAL_ROTATION_ERROR_DEG = 2.0
"""Assumed where the weights' file does not say how far its network errs on faces it has not seen."""
LEAST_ERROR = 0.02
"""No coefficient is known better than this, whatever a small test said."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class FaceErrors:
    """Spread of the network's errors on faces that it was not trained on."""

    identity: NDArray[np.float64]
    """(K,) standard deviations."""
    expression: NDArray[np.float64]
    """(E,) weights."""
    rotation_deg: float
    """Of the turn about each axis."""


@dataclass(frozen=True)
class FaceEstimate:
    """Coefficients, light and pose of one face, from its pixels alone."""

    identity: NDArray[np.float32]
    """(K,) standard deviations."""
    expression: NDArray[np.float32]
    """(E,) weights within the model's bounds."""
    albedo: NDArray[np.float32]
    """(A,) standard deviations; empty if the network knows no albedo."""
    light: NDArray[np.float32]
    """(9,3) as in :class:`backend.nets.face_net.FaceCoefficients`."""
    rotation: NDArray[np.float32]
    """(3,3) head axes to the axes of a camera that looks straight at the window's middle."""
    place: NDArray[np.float32]
    """(3,) of the head centre in the window, see :mod:`backend.nets.face_crop`."""
    window: Window
    errors: FaceErrors

    @property
    def surprise(self) -> float:
        """Root mean square of the identity coefficients: 1 is usual, 3 is a face that hardly exists."""
        return float(np.sqrt(np.mean(self.identity.astype(np.float64) ** 2)))

    def pose(self, camera: Camera) -> Pose:
        """The head before ``camera``, which took the whole photo."""
        principal = self.window.to_window(np.array([camera.cx, camera.cy]))
        cameras = WindowCameras(
            torch.tensor([camera.fx * self.window.scale], dtype=torch.float64),
            torch.from_numpy(principal)[None],
            self.window.width,
        )
        rotation = cameras.rays()[0] @ torch.from_numpy(self.rotation.astype(np.float64))
        place = torch.from_numpy(self.place.astype(np.float64))
        return Pose(rotation.numpy(), cameras.translation_mm(place[None])[0].numpy())


class FaceEstimator(Protocol):
    """Guesses a face's coefficients from its pixels."""

    def estimate(self, photo: Photo, face: DetectedFace) -> FaceEstimate:
        """The face whose landmarks are given, in a photo at its full resolution."""
        ...


class NetworkFaceEstimator:
    """Estimator with the network of :mod:`backend.nets.face_net`."""

    def __init__(self, net: FaceNet, errors: FaceErrors, device: torch.device | str = "cpu") -> None:
        """``net`` as :func:`load_face_net` gives it."""
        self._device = torch.device(device)
        self._net = net.to(self._device, memory_format=torch.channels_last)
        self._errors = errors

    @torch.inference_mode()
    def estimate(self, photo: Photo, face: DetectedFace) -> FaceEstimate:
        """See :meth:`FaceEstimator.estimate`."""
        window = face_window(face.points_px, self._net.side)
        picture = normalised(torch.from_numpy(cut(photo.pixels, window))[None].to(self._device))
        answer = self._net(picture.contiguous(memory_format=torch.channels_last))
        found = {field.name: getattr(answer, field.name)[0].cpu().numpy() for field in fields(answer)}
        return FaceEstimate(**found, window=window, errors=self._errors)


def face_estimator(
    model: MorphableModel, device: torch.device | str = "cpu", weights: Path = FACE_ASSET
) -> FaceEstimator | None:
    """The network if its weights are there, sound and meant for ``model``; None leaves landmarks alone."""
    try:
        if model.name != load_head_model().name:
            return None
        net = load_face_net(model, weights)
        errors = errors_of(read_weights(weights, ARCHITECTURE)[1], model)
    except AssetBroken as error:
        log.warning("Heads are fitted to landmarks alone. %s", error.message)
        return None
    return NetworkFaceEstimator(net, errors, device)


def errors_of(origin: Mapping[str, str], model: MorphableModel) -> FaceErrors:
    """What a weights' file says of its network's errors, as root mean squares in its metadata.

    ``identity_sigma`` and ``expression_sigma`` are JSON lists, ``rotation_sigma_deg`` is the angle between
    found and true rotation. Where it is silent or speaks of another model: what is usual.
    """
    identity = _numbers(origin, "identity_sigma", len(model.identity))
    expression = _numbers(origin, "expression_sigma", len(model.expression))
    rotation = _numbers(origin, "rotation_sigma_deg", 1)
    return FaceErrors(
        np.full(len(model.identity), USUAL_IDENTITY_ERROR) if identity is None else identity,
        np.full(len(model.expression), USUAL_EXPRESSION_ERROR) if expression is None else expression,
        USUAL_ROTATION_ERROR_DEG if rotation is None else float(rotation[0]) / math.sqrt(3),
    )


def _numbers(origin: Mapping[str, str], key: str, count: int) -> NDArray[np.float64] | None:
    """(count,) positive numbers of a JSON text, None if it holds others."""
    try:
        values = np.atleast_1d(np.array(json.loads(origin.get(key, "null")), np.float64))
    except (ValueError, TypeError):
        return None
    if values.shape != (count,) or not (np.isfinite(values) & (values > 0)).all():
        return None
    return values.clip(LEAST_ERROR)
