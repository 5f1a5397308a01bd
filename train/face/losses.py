"""What the face network is punished for: Deng et al. 2019 (arXiv 1903.08527), and known truth.

Losses without truth compare pictures, landmarks and identities, and keep the coefficients near what is
usual. Those with truth are for synthetic faces.
"""

from __future__ import annotations

import torch
from torch import Tensor

from backend.landmarks import IRIS_LANDMARKS
from backend.morphable import IBUG_POINTS, MEDIAPIPE_POINTS
from backend.nets.face_net import FaceCoefficients

SKIN_IS_SURE = 0.5
"""Probability from which a pixel counts as skin altogether (Deng et al., section 4.1.1)."""
IMPORTANT = 20.0
"""Weight of the nose's and the inner mouth's landmarks against the others' (section 4.1.1)."""
IDENTITY_WEIGHT, EXPRESSION_WEIGHT, ALBEDO_WEIGHT = 1.0, 0.8, 1.7e-3
"""Of the groups of coefficients in the regularisation (section 4.3)."""
LEAST_SQUARE = 1e-12
"""Added below roots, whose gradient at 0 has no bounds."""
OTHER_SURFACE_MM = 30.0
"""Depths that differ more belong to two surfaces: the error stops growing there."""

NOSE_68, INNER_MOUTH_68 = range(27, 36), range(60, 68)
NOSE_478 = (
    168, 6, 197, 195, 5, 4, 1, 19, 94, 2, 98, 97, 326, 327, 129, 358, 64, 294, 48, 278,
)  # fmt: skip
"""Ridge, tip, base and wings of the nose."""
INNER_MOUTH_478 = (
    78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308, 191, 80, 81, 82, 13, 312, 311, 310, 415,
)  # fmt: skip


def photometric_loss(drawn: Tensor, photo: Tensor, covered: Tensor, attention: Tensor) -> Tensor:
    """Mean distance of colours (B,H,W,3) where a face is drawn, weighted by attention (eq. 2), or 0.

    ``covered`` (B,H,W) bool is the drawn face, ``attention`` (B,H,W) of :func:`skin_attention`. The mean
    is taken over each picture, then over all.
    """
    distance = ((drawn - photo).square().sum(dim=-1) + LEAST_SQUARE).sqrt()
    weight = covered * attention
    return ((distance * weight).sum(dim=(1, 2)) / weight.sum(dim=(1, 2)).clamp(min=1.0)).mean()


def skin_attention(probability: Tensor) -> Tensor:
    """How much a pixel counts: all of it where it is likely skin, else its probability (section 4.1.1)."""
    return torch.where(probability > SKIN_IS_SURE, 1.0, probability)


def identity_loss(drawn: Tensor, photo: Tensor) -> Tensor:
    """1 - cosine of embeddings (B,128) of :mod:`backend.nets.identity_net`, averaged (eq. 3)."""
    return (1 - torch.cosine_similarity(drawn, photo, dim=1)).mean()


def landmark_loss(found: Tensor, truth: Tensor, weights: Tensor) -> Tensor:
    """Weighted mean of squared distances of landmarks (B,L,2); ``weights`` (L,).

    In pixels of a 224 window, as the weight of this loss in the paper is meant.
    """
    squared = (found - truth).square().sum(dim=-1)
    return (squared * weights).sum() / (len(found) * weights.sum())


def landmark_weights_68(device: torch.device) -> Tensor:
    """(68,) nose and inner mouth count more."""
    weights = torch.ones(IBUG_POINTS, device=device)
    weights[[*NOSE_68, *INNER_MOUTH_68]] = IMPORTANT
    return weights


def landmark_weights_478(device: torch.device) -> Tensor:
    """(478,) nose and inner mouth count more; the irises nothing, for they follow the gaze."""
    weights = torch.ones(MEDIAPIPE_POINTS, device=device)
    weights[[*NOSE_478, *INNER_MOUTH_478]] = IMPORTANT
    weights[IRIS_LANDMARKS] = 0.0
    return weights


def regularisation(coefficients: FaceCoefficients) -> Tensor:
    """Squared length of the coefficients, weighted by group (section 4.3), averaged over faces."""
    groups = (
        (coefficients.identity, IDENTITY_WEIGHT),
        (coefficients.expression, EXPRESSION_WEIGHT),
        (coefficients.albedo, ALBEDO_WEIGHT),
    )
    return torch.stack([weight * values.square().sum(dim=1).mean() for values, weight in groups]).sum()


def flatness_loss(albedo: Tensor, skin: Tensor) -> Tensor:
    """Variance of the albedo (B,N,3) over vertices of ``skin`` (N,) bool, summed over channels (section 4.3).

    It keeps shadows out of the albedo.
    """
    return albedo[:, skin].var(dim=1, correction=0).sum(dim=-1).mean()


def coefficient_loss(found: Tensor, truth: Tensor) -> Tensor:
    """Mean squared error of coefficients (B,K), in squared standard deviations or weights."""
    return (found - truth).square().mean()


def vertex_loss(found: Tensor, truth: Tensor, weights: Tensor) -> Tensor:
    """Weighted mean distance of vertices (B,N,3), in mm; ``weights`` (N,)."""
    distance = ((found - truth).square().sum(dim=-1) + LEAST_SQUARE).sqrt()
    return (distance * weights).sum() / (len(found) * weights.sum())


def fitted_on(found: Tensor, truth: Tensor, weights: Tensor) -> Tensor:
    """Vertices (B,N,3) moved and scaled onto the truth (B,N,3) by weighted least squares; ``weights`` (N,).

    A photo without its camera's data does not tell how large a head is, so nobody should be asked.
    """
    share = (weights / weights.sum())[:, None]
    middle, target = (share * found).sum(1, keepdim=True), (share * truth).sum(1, keepdim=True)
    spread, aim = found - middle, truth - target
    scale = (share * spread * aim).sum((1, 2)) / (share * spread.square()).sum((1, 2)).clamp(min=LEAST_SQUARE)
    return scale[:, None, None] * spread + target


def depth_loss(found: Tensor, truth: Tensor) -> Tensor:
    """Mean difference of depths (B,H,W) in mm where both are finite, or 0; capped at another surface's."""
    known = torch.isfinite(found) & torch.isfinite(truth)
    # Chosen before they are subtracted: infinity times a weight of 0 is no number.
    error = (found[known] - truth[known]).abs().clamp(max=OTHER_SURFACE_MM)
    return error.sum() / known.sum().clamp(min=1)


def rotation_loss(found: Tensor, truth: Tensor) -> Tensor:
    """Mean of 1 - cosine of the angle between rotations (B,3,3)."""
    trace = (found * truth).sum(dim=(1, 2))
    return ((3 - trace) / 2).mean()


def light_loss(found: Tensor, truth: Tensor) -> Tensor:
    """Mean squared error of light (B,9,3) as it shows on a surface, averaged over all directions.

    The harmonics are orthonormal over the sphere, so the mean over directions is a sum over terms.
    """
    return (found - truth).square().sum(dim=1).mean() / (4 * torch.pi)
