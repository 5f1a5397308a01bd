"""Finishes a coarse render by the refinement network; what the photo saw stays as it is."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from .errors import AssetBroken
from .nets.refine_net import REFINE_ASSET, STRIDE, RefineNet, load_refine_net
from .refine import ClassicalRefiner, Refiner, cover_fit
from .refine_view import texture_guess, view_of, view_tensors
from .resample import Window, cut, paste
from .still import Still

Field = NDArray[np.float32]
Pixels = NDArray[np.uint8]

SIDE = 512
"""Pixels along one side of the window that the network sees, at most."""
MARGIN = 0.15
"""Room around what is missing, as a share of its size: the network needs to see what it joins."""
MISSING = 0.1
"""Share of a pixel that has to be missing for the window to hold it."""
FEATHER_PX = 1.5
"""Half the width of the border, in the window's pixels, over which the answer fades in."""
SIZES = 2 ** (np.arange(4, 64) / 4)
"""Windows have one of these sizes and stand on a grid: a head that turns is not resampled anew in every
frame, which would flicker."""

log = logging.getLogger(__name__)


class NetworkRefiner:
    """Redraws what the photo did not see. Around it, the network's answer is not used."""

    interim = False
    method = "the refinement network"

    def __init__(self, net: RefineNet, device: torch.device | str = "cpu") -> None:
        """``net`` as :func:`load_refine_net` gives it."""
        self._device = torch.device(device)
        self._net = net.to(self._device, memory_format=torch.channels_last)
        self._classical = ClassicalRefiner()

    def refine(
        self,
        coarse: Pixels,
        known: Pixels,
        plate: Pixels,
        *,
        transparent: bool,
    ) -> Still:
        """See :class:`backend.refine.Refiner`. Gaps between surfaces are closed classically before."""
        height, width = known.shape
        plate = cover_fit(plate, width, height)
        begun = self._classical.refine(coarse, known, plate, transparent=True)
        missing = begun.invented / np.float32(255)
        window = window_around(missing)
        finished = begun.pixels
        if window is not None:
            change = self._change(finished, missing, plate, window)
            finished = finished.astype(np.float32)
            finished[..., :3] += change
        if not transparent:
            share = finished[..., 3:].astype(np.float32) / 255
            finished = share * finished[..., :3] + (1 - share) * plate
        pixels = np.rint(np.clip(finished, 0, 255)).astype(np.uint8)
        return replace(begun, pixels=pixels, method=self.method, interim=self.interim)

    @torch.inference_mode()
    def _change(self, head: Pixels, missing: Field, plate: Pixels, window: Window) -> Field:
        """(H,W,3) what the network adds to the head (H,W,4): nothing where no pixel is missing."""
        small = cut(head, window).astype(np.float32)
        behind = cut(plate, window)
        lost = cut(missing, window)
        cover = small[..., 3] / 255
        colour = small[..., :3]
        picture = cover[..., None] * colour + (1 - cover[..., None]) * behind
        tensors = view_tensors(picture, 1 - lost, cover, texture_guess(colour, cover, behind))
        batch = {name: values[None].to(self._device) for name, values in tensors.items()}
        answer = self._net(view_of(batch))[0].movedim(0, -1).cpu().numpy()
        change = ((answer + 1) * 127.5 - picture) * faded(lost)[..., None]
        # Coarser than a large render, the answer replaces only what it can show; finer grain stays.
        enlarged = paste(change, window, head.shape[1], head.shape[0])
        return enlarged * (missing > 0)[..., None]


def window_around(missing: Field, side: int = SIDE) -> Window | None:
    """The square of a picture (H,W) that holds all that is missing, or None if nothing is.

    No more than ``side`` pixels wide and never enlarged; sides are multiples of the network's stride.
    """
    rows, columns = (np.flatnonzero((missing > MISSING).any(axis=axis)) for axis in (1, 0))
    if len(rows) == 0:
        return None
    extent = max(rows[-1] - rows[0], columns[-1] - columns[0]) + 1
    wanted = extent * (1 + 2 * MARGIN)
    side_px = float(SIZES[np.searchsorted(SIZES, max(wanted, STRIDE))])
    size = min(side, STRIDE * int(np.ceil(side_px / STRIDE)))
    scale = min(1.0, size / side_px)
    step = STRIDE / scale
    x, y = ((along[0] + along[-1]) / 2 - size / scale / 2 for along in (columns, rows))
    return Window(scale, round(x / step) * step, round(y / step) * step, size, size)


def faded(missing: Field) -> Field:
    """(S,S) how much the answer counts: nothing where all is known, everything well inside a hole."""
    inside = 2 * cv2.GaussianBlur(missing, (0, 0), FEATHER_PX) - 1
    return missing * inside.clip(0, 1)


def still_refiner(device: torch.device | str, weights: Path = REFINE_ASSET) -> Refiner:
    """The network if its weights are there and sound, else :class:`ClassicalRefiner` (``interim``)."""
    if not weights.is_file():
        return ClassicalRefiner()
    try:
        return NetworkRefiner(load_refine_net(weights), device)
    except AssetBroken as error:
        log.warning("Gaps are filled from the neighbours instead of by a network. %s", error.message)
        return ClassicalRefiner()
