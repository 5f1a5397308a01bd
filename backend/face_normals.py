"""Which way the skin of one face looks, as the normal network reads it from the photo.

The network answers for the same window as the face network (:mod:`backend.nets.face_crop`), and is sure of
itself where it sees skin, not where hair or glasses hide it.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from .camera import Camera
from .crop import HeadCrop
from .errors import AssetBroken
from .frames import HEAD_TO_CAMERA_AXES
from .landmarks import DetectedFace
from .morphable import MorphableModel, load_head_model
from .nets.face_crop import WindowCameras, face_window
from .nets.normal_net import NORMAL_ASSET, STRIDE, NormalNet, load_normal_net
from .nets.parse_net import normalised
from .photo import Photo
from .resample import Window, cut, look_up

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class NormalMap:
    """Normals of one face in a square window of its photo."""

    normals: NDArray[np.float32]
    """(S,S,3) unit; axes of a camera that looks straight at the window's middle, turned y-up."""
    spread: NDArray[np.float32]
    """(S,S) radians by which they usually err."""
    covered: NDArray[np.float32]
    """(S,S) in [0,1] how likely something that belongs to no head lies before the face: a hand, a cup."""
    window: Window
    """Where the map's pixels lie in the photo."""

    def covered_in(self, crop: HeadCrop) -> NDArray[np.float32]:
        """(S,S) :attr:`covered` at the pixels of a crop of the same photo, 0 beyond the window."""
        scale, w = self.window.scale, self.window
        x, y = (crop.offset_x - w.offset_x) * scale, (crop.offset_y - w.offset_y) * scale
        return look_up(self.covered, Window(crop.scale / scale, x, y, crop.size, crop.size), outside=0.0)

    def crop(self, camera: Camera) -> HeadCrop:
        """The window as a crop, black, with the camera that sees just that; ``camera`` took the photo."""
        w, size = self.window, self.window.width
        return HeadCrop(
            pixels=np.zeros((size, size, 3), np.uint8),
            inside=np.ones((size, size), np.bool_),
            camera=camera.cropped(w.scale, w.offset_x, w.offset_y, size, size),
            scale=w.scale,
            offset_x=w.offset_x,
            offset_y=w.offset_y,
        )

    def before(self, camera: Camera) -> NDArray[np.float32]:
        """(S,S,3) the normals in the axes of the photo's own camera, turned y-up."""
        at = self.crop(camera).camera
        cameras = WindowCameras(
            torch.tensor([at.fx], dtype=torch.float64),
            torch.tensor([[at.cx, at.cy]], dtype=torch.float64),
            self.window.width,
        )
        turn = HEAD_TO_CAMERA_AXES @ cameras.rays()[0].numpy() @ HEAD_TO_CAMERA_AXES
        return (self.normals @ turn.T).astype(np.float32)


class NormalEstimator(Protocol):
    """Reads a face's normals from its pixels."""

    def estimate(self, photo: Photo, face: DetectedFace) -> NormalMap:
        """The face whose landmarks are given, in a photo at its full resolution."""
        ...


class NetworkNormalEstimator:
    """Estimator with the network of :mod:`backend.nets.normal_net`."""

    def __init__(self, net: NormalNet, device: torch.device | str = "cpu") -> None:
        """``net`` as :func:`backend.nets.normal_net.load_normal_net` gives it."""
        self._device = torch.device(device)
        self._net = net.to(self._device, memory_format=torch.channels_last)

    @torch.inference_mode()
    def estimate(self, photo: Photo, face: DetectedFace) -> NormalMap:
        """See :meth:`NormalEstimator.estimate`."""
        side = self._net.side
        pixels = cut(photo.pixels, face_window(face.points_px, side))
        picture = normalised(torch.from_numpy(pixels)[None].to(self._device))
        answer = self._net(picture.contiguous(memory_format=torch.channels_last))
        return NormalMap(
            normals=answer.normals[0].permute(1, 2, 0).cpu().numpy(),
            spread=(2 / answer.sureness[0]).cpu().numpy(),
            covered=answer.covered[0].sigmoid().cpu().numpy(),
            window=face_window(face.points_px, side // STRIDE),
        )


def normal_estimator(
    model: MorphableModel, device: torch.device | str = "cpu", weights: Path = NORMAL_ASSET
) -> NormalEstimator | None:
    """The network if its weights are there and sound, and ``model`` is the head it was trained with."""
    try:
        if model.name != load_head_model().name:
            return None
        net = load_normal_net(weights)
    except AssetBroken as error:
        log.warning("Heads are fitted without a look at their relief. %s", error.message)
        return None
    return NetworkNormalEstimator(net, device)
