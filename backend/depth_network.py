"""Depth of the whole head by the depth network; without its weights the geometric prior does the work."""

from __future__ import annotations

import logging
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from .crop import HeadCrop
from .depth import GeometricPrior, HeadDepth, HeadDepthEstimator, before_face, face_share
from .errors import AssetBroken
from .head_parse import BACKGROUND, HeadParse
from .nets.depth_net import (
    DEPTH_ASSET,
    FARTHEST,
    UNIT_MM,
    DepthNet,
    HeadView,
    load_depth_net,
    relief_of,
)
from .nets.parse_net import normalised
from .project import ProjectedHead, well_fitted_ears
from .resample import Window, cut, look_up

Field = NDArray[np.float32]

LEAST_SHARE = 1e-3
"""A pixel with less of the head around it keeps the prior's depth."""

log = logging.getLogger(__name__)


class NetworkHeadDepth:
    """Corrects the geometric prior by the network of :mod:`backend.nets.depth_net`.

    Silhouette, far side and what lies behind a fitted ear stay the prior's: no single view shows them.
    """

    name = "depth network"
    interim = False

    def __init__(self, net: DepthNet, device: torch.device | str = "cpu") -> None:
        """``net`` as :func:`load_depth_net` gives it."""
        self._device = torch.device(device)
        self._net = net.to(self._device, memory_format=torch.channels_last)
        self._prior = GeometricPrior()

    def estimate(self, crop: HeadCrop, parse: HeadParse, head: ProjectedHead, centre_mm: float) -> HeadDepth:
        """See :class:`backend.depth.HeadDepthEstimator`."""
        prior = self._prior.estimate(crop, parse, head, centre_mm)
        answer = self.answer(crop, parse, prior, centre_mm)
        front = prior.front + (answer - prior.front) * (1 - face_share(parse, head))
        for ear in well_fitted_ears(head, parse.labels):
            front = np.where(getattr(head, ear), np.fmax(front, prior.front), front)
        front = before_face(front, parse, head)
        # Not fmax: where the far side is left open, it stays open.
        return HeadDepth(front.astype(np.float32), np.maximum(prior.back, front), prior.face)

    def answer(self, crop: HeadCrop, parse: HeadParse, prior: HeadDepth, centre_mm: float) -> Field:
        """(S,S) mm, the network's own depth of head and face; NaN where ``prior`` has none."""
        return prior.front - UNIT_MM * self._change(crop, parse, prior, centre_mm)

    @torch.inference_mode()
    def _change(self, crop: HeadCrop, parse: HeadParse, prior: HeadDepth, centre_mm: float) -> Field:
        """(S,S) relief that the network adds to the prior's."""
        middle = (crop.size - 1) / 2
        window = Window.centred(middle, middle, crop.size, self._net.side)
        centre = torch.tensor([centre_mm], dtype=torch.float32)

        def relief(depth_mm: Field) -> torch.Tensor:
            return relief_of(torch.from_numpy(look_up(depth_mm, window))[None], centre)

        view = HeadView(
            picture=normalised(torch.from_numpy(cut(crop.pixels, window)))[None],
            face=relief(prior.face),
            prior=relief(prior.front),
            regions=torch.from_numpy(look_up(parse.labels, window, BACKGROUND)).long()[None],
            matte=torch.from_numpy(cut(parse.matte, window))[None],
        )
        there = HeadView(**{name: values.to(self._device) for name, values in vars(view).items()})
        answer = self._net(there).clamp(-FARTHEST, FARTHEST).cpu()
        change = (answer - view.prior)[0].numpy()
        return _spread(np.nan_to_num(change), np.isfinite(change), crop.size)


def head_depth_estimator(device: torch.device | str, weights: Path = DEPTH_ASSET) -> HeadDepthEstimator:
    """The network if its weights are there and sound, else the geometric prior (``interim``)."""
    if not weights.is_file():
        return GeometricPrior()
    try:
        return NetworkHeadDepth(load_depth_net(weights), device)
    except AssetBroken as error:
        log.warning("The geometric prior stands in for the depth network. %s", error.message)
        return GeometricPrior()


def _spread(values: Field, known: NDArray[np.bool_], size: int) -> Field:
    """Known values (s,s) on a finer grid (size,size), led to 0 where none is near."""
    share = known.astype(np.float32)
    total, share = (
        cv2.resize(plane, (size, size), interpolation=cv2.INTER_LINEAR) for plane in (values * share, share)
    )
    return np.where(share > LEAST_SHARE, total / np.maximum(share, LEAST_SHARE), 0.0).astype(np.float32)
