"""What the depth network is punished for (section 4.2 of Deep 3D Portrait, 2020).

Relief is in units of 100 mm, see :mod:`backend.nets.depth_net`; the paper's weights are meant for these.
Integrals of the paper are means over their regions, 0 over empty ones.
"""

from __future__ import annotations

import torch
from torch import Tensor


def colour_loss(drawn: Tensor, photo: Tensor, seen: Tensor) -> Tensor:
    """L1 distance of colours (B,3,S,S) in [0,1] over ``seen`` (B,S,S), H' (eq. 4)."""
    return _mean((drawn - photo).abs().sum(dim=1), seen)


def gradient_loss(drawn: Tensor, photo: Tensor, seen: Tensor) -> Tensor:
    """L1 distance of the colours' gradients over H' (eq. 5), by differences to the right and down."""
    off = drawn - photo
    right, down = off.diff(dim=3).abs().sum(dim=1), off.diff(dim=2).abs().sum(dim=1)
    return _mean(right, seen[..., 1:] & seen[..., :-1]) + _mean(down, seen[:, 1:] & seen[:, :-1])


def smoothness_loss(relief: Tensor, region: Tensor) -> Tensor:
    """Laplacian of relief (B,S,S) over a region (eq. 8 over S, eq. 6 over H), borders left out."""
    return _mean(laplacian(relief).abs(), core(region))


def face_loss(relief: Tensor, face: Tensor, bare_face: Tensor) -> Tensor:
    """Distance to d_f, the fitted face's relief, where no hair is before it (eq. 7)."""
    return _mean((relief - face.where(bare_face, 0.0)).abs(), bare_face)


def layer_loss(relief: Tensor, face: Tensor, covered_face: Tensor) -> Tensor:
    """How far hair lies behind the face that it hides (eq. 9); more relief is nearer."""
    return _mean((face.where(covered_face, 0.0) - relief).clamp(min=0.0), covered_face)


def depth_loss(relief: Tensor, truth: Tensor, region: Tensor) -> Tensor:
    """Distance to the truth (B,S,S) over a region, where there is one; not in the paper."""
    known = region & truth.isfinite()
    return _mean((relief - truth.where(known, 0.0)).abs(), known)


def laplacian(values: Tensor) -> Tensor:
    """(B,S,S) to (B,S-2,S-2): sum of the four neighbours less four times the middle."""
    middle = values[:, 1:-1, 1:-1]
    sides = values[:, :-2, 1:-1] + values[:, 2:, 1:-1] + values[:, 1:-1, :-2] + values[:, 1:-1, 2:]
    return sides - 4 * middle


def core(region: Tensor) -> Tensor:
    """(B,S,S) to (B,S-2,S-2): pixels that lie in the region with their four neighbours."""
    across = region[:, 1:-1, :-2] & region[:, 1:-1, 1:-1] & region[:, 1:-1, 2:]
    return across & region[:, :-2, 1:-1] & region[:, 2:, 1:-1]


def _mean(values: Tensor, region: Tensor) -> Tensor:
    """Mean over a region; what lies outside may be no number and takes no part in gradients."""
    return torch.where(region, values, 0.0).sum() / region.sum().clamp(min=1)
