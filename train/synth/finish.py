"""What a camera and the way to the screen do to a picture: exposure, tone, noise, blur, scaling, JPEG."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

SHARED_EXPOSURE = 0.75
"""How far exposure follows the person: 1 would make all skins equally bright."""
USUAL_LUMINANCE = 0.22
"""Linear luminance of a medium face under the lamps of ``light``."""
LUMINANCE = (0.2126, 0.7152, 0.0722)
KNEE = 0.5
"""Linear value from which highlights are compressed."""
WHITEST = 4.0
"""Linear value from which everything is white."""
CURVE_STEPS = 2048
"""Of the tone curve, on a square-root scale: finer than 8 bits everywhere."""


@dataclass(frozen=True)
class FinishParams:
    """Camera and post-production in numbers."""

    exposure: float
    """Linear luminance that an average person gets in the picture."""
    white_balance: tuple[float, float, float]
    """Gain of red, green, blue."""
    contrast: float
    """Slope of the tone curve in its middle, 1 is none."""
    saturation: float
    vignette: float
    """Share of the light that the corners lose."""
    noise: float
    """Standard deviation at middle grey, in sRGB steps of 1/255."""
    blur_px: float
    """Standard deviation of the defocus."""
    motion_px: float
    motion_deg: float
    scale: float
    """The picture went through this many times fewer pixels along each side."""
    jpeg: int
    """Quality, 30 to 95; 100 is none."""
    grey: bool
    seed: int
    """Of the noise."""


def sample_finish(rng: np.random.Generator) -> FinishParams:
    """A random camera, mostly a good one."""
    poor = rng.random() < 0.25
    balance = np.exp(rng.normal(0, 0.045, 3) * [1, 0, 1.3])
    red, green, blue = balance.tolist()
    return FinishParams(
        exposure=float(0.30 * np.exp(rng.normal(0, 0.28))),
        white_balance=(red, green, blue),
        contrast=float(np.exp(rng.normal(0.1, 0.13))),
        saturation=float(np.exp(rng.normal(0.05, 0.14))),
        vignette=float(rng.choice([0.0, rng.uniform(0, 0.45)])),
        noise=float(rng.gamma(1.5, 3.0) if poor else rng.gamma(1.5, 0.8)),
        blur_px=float(abs(rng.normal(0, 0.9)) if poor else abs(rng.normal(0, 0.45))),
        motion_px=float(rng.uniform(1, 5)) if rng.random() < 0.05 else 0.0,
        motion_deg=float(rng.uniform(0, 180)),
        scale=float(np.exp(rng.uniform(0, math.log(3.0))) if poor else np.exp(rng.uniform(0, math.log(1.4)))),
        jpeg=int(rng.integers(30, 75) if poor else rng.integers(70, 101)),
        grey=bool(rng.random() < 0.05),
        seed=int(rng.integers(1 << 31)),
    )


def expose(linear: Tensor, metered: Tensor, params: list[FinishParams]) -> Tensor:
    """sRGB (B,S,S,3) in [0,1] of linear pictures, exposed for what ``metered`` (B,S,S) weighs."""
    device, weights = linear.device, linear.new_tensor(LUMINANCE)
    # An even look at the whole picture decides where nothing is to be metered.
    metered = metered.flatten(1) + 1e-3
    mean = (metered[:, None] @ linear.flatten(1, 2))[:, 0] @ weights / metered.sum(1)
    seen = (mean.clamp(min=1e-3) / USUAL_LUMINANCE) ** SHARED_EXPOSURE * USUAL_LUMINANCE
    mixed = torch.from_numpy(np.stack([_mixing(p) for p in params])).to(device)
    picture = linear.flatten(1, 2) @ (mixed / seen[:, None, None])
    vignette = torch.tensor([p.vignette for p in params], device=device)[:, None, None, None]
    picture = picture.view_as(linear) * (1 - vignette * _corners(linear.shape[1], device))
    curves = torch.from_numpy(np.stack([_curve(p.contrast) for p in params])).to(device)
    step = ((picture * (1 / WHITEST)).clamp_(0, 1).sqrt_() * (CURVE_STEPS - 1)).int()
    offset = torch.arange(len(params), dtype=torch.int32, device=device)[:, None, None, None] * CURVE_STEPS
    return curves.flatten().index_select(0, (step + offset).flatten()).view_as(linear)


def _mixing(params: FinishParams) -> NDArray[np.float32]:
    """(3,3) from scene to sensor: white balance, exposure and saturation, for rows of pixels on its left."""
    balance = np.diag(params.white_balance)
    grey = np.outer(LUMINANCE, np.ones(3))
    saturation = 0.0 if params.grey else params.saturation
    return (params.exposure * balance @ (saturation * np.eye(3) + (1 - saturation) * grey)).astype(np.float32)


def _curve(contrast: float) -> NDArray[np.float32]:
    """(CURVE_STEPS,) sRGB for linear values on a square-root scale: shoulder, encoding, S-curve."""
    linear = WHITEST * np.linspace(0, 1, CURVE_STEPS) ** 2
    over = (linear - KNEE).clip(0)
    # Highlights roll off as film does.
    linear = np.minimum(linear, KNEE) + (1 - KNEE) * (1 - np.exp(-over / (1 - KNEE)))
    srgb = np.where(linear < 0.0031308, 12.92 * linear, 1.055 * linear.clip(1e-9) ** (1 / 2.4) - 0.055)
    low, high = srgb.clip(0, 0.5) * 2, (1 - srgb.clip(0.5, 1)) * 2
    return np.where(srgb < 0.5, 0.5 * low**contrast, 1 - 0.5 * high**contrast).astype(np.float32)


def develop(picture: NDArray[np.float32], params: FinishParams) -> NDArray[np.uint8]:
    """One sRGB picture (S,S,3) in [0,1] through lens, sensor, scaling and compression."""
    size = picture.shape[0]
    rng = np.random.default_rng(params.seed)
    if params.scale > 1.05:
        small = max(round(size / params.scale), 16)
        picture = cv2.resize(picture, (small, small), interpolation=cv2.INTER_AREA)
    if params.blur_px > 0.3:
        picture = cv2.GaussianBlur(picture, (0, 0), params.blur_px)
    if params.motion_px > 0:
        picture = cv2.filter2D(picture, -1, _streak(params.motion_px, params.motion_deg))
    if params.noise > 0.2:
        picture = _noisy(picture, params, rng)
    whole = cv2.convertScaleAbs(picture, alpha=255.0)
    if params.jpeg < 100:
        whole = cv2.imdecode(cv2.imencode(".jpg", whole, [cv2.IMWRITE_JPEG_QUALITY, params.jpeg])[1], -1)
    if whole.shape[0] != size:
        whole = cv2.resize(whole, (size, size), interpolation=cv2.INTER_CUBIC)
    return whole


def _noisy(
    picture: NDArray[np.float32], params: FinishParams, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Shot noise grows in the shadows of an sRGB picture; half of it is shared by the three channels."""
    strength = params.noise / 255 * (1.4 - 0.8 * picture)
    grain = rng.standard_normal((*picture.shape[:2], 1 if params.grey else 3), np.float32)
    return (picture + strength * grain).clip(0, 1)


def _streak(length_px: float, angle_deg: float) -> NDArray[np.float32]:
    """Kernel of a straight movement."""
    half = math.ceil(length_px / 2)
    y, x = np.mgrid[-half : half + 1, -half : half + 1].astype(np.float32)
    angle = math.radians(angle_deg)
    along, across = x * math.cos(angle) + y * math.sin(angle), y * math.cos(angle) - x * math.sin(angle)
    kernel = (1 - np.abs(across)).clip(0) * (length_px / 2 + 0.5 - np.abs(along)).clip(0, 1)
    return (kernel / kernel.sum()).astype(np.float32)


def _corners(size: int, device: torch.device) -> Tensor:
    """(1,size,size,1) squared distance from the middle, 1 in the corners."""
    axis = torch.linspace(-1, 1, size, device=device) ** 2
    return ((axis[:, None] + axis[None]) / 2)[None, ..., None]
