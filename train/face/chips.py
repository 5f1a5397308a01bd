"""Cuts the square that the identity network looks at out of pictures, with gradients to their colours."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from backend.nets.identity_net import CHIP_LANDMARKS, CHIP_PADDING, CHIP_POINTS, INPUT_SIDE


def face_chips(pictures: Tensor, landmarks_px: Tensor) -> Tensor:
    """(B,3,150,150) of ``pictures`` (B,3,H,W) whose faces have ``landmarks_px`` (B,478,2).

    The tensors' twin of :func:`backend.nets.identity_net.face_chip`. Bilinear: meant for windows that are
    hardly larger than the chip, because nothing blurs what the chip cannot hold.
    """
    height, width = pictures.shape[2:]
    points = landmarks_px.detach()[:, list(CHIP_LANDMARKS)]
    share = (points.new_tensor(CHIP_POINTS) + CHIP_PADDING) / (1 + 2 * CHIP_PADDING) * INPUT_SIDE
    scale_turn, shift = _similarity(share.expand_as(points), points)
    line = torch.arange(INPUT_SIDE, dtype=points.dtype, device=points.device)
    chip = torch.complex(*torch.meshgrid(line, line, indexing="xy"))
    place = chip * scale_turn[:, None, None] + shift[:, None, None]
    # grid_sample measures from the picture's corner, over its whole width.
    grid = torch.stack([(2 * place.real + 1) / width - 1, (2 * place.imag + 1) / height - 1], dim=-1)
    return functional.grid_sample(pictures, grid.to(pictures.dtype), align_corners=False)


def _similarity(source: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """Complex factors (B,) and shifts (B,) that best take points (B,n,2) to others, as complex numbers."""
    a, b = (torch.complex(*points.unbind(-1)) for points in (source, target))
    middle_a, middle_b = a.mean(dim=1), b.mean(dim=1)
    a, b = a - middle_a[:, None], b - middle_b[:, None]
    factor = (a.conj() * b).sum(dim=1) / (a.abs() ** 2).sum(dim=1)
    return factor, middle_b - factor * middle_a
