"""Makes one labelled picture into endlessly many: other places, sizes, cameras, colours and obstacles."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from .sample import UNKNOWN, Sample

Pixels = NDArray[np.uint8]

FLIP_ODDS, GREY_ODDS, BLUR_ODDS, COARSE_ODDS, NOISE_ODDS, JPEG_ODDS, CUT_ODDS, COVER_ODDS = (
    0.5, 0.08, 0.25, 0.3, 0.35, 0.5, 0.2, 0.1,
)  # fmt: skip
GAIN, GAMMA, TINT, CONTRAST = 0.25, 0.35, 0.12, 0.25
"""Widths of the changes of brightness, tone, single channels and contrast."""
COARSEST = 0.4
"""Smallest share of its pixels that a picture is reduced to and enlarged from."""


@dataclass(frozen=True)
class Geometry:
    """Where a window of ``side`` pixels looks."""

    side: int
    crop: int
    """Pixels that the whole picture would have at zoom 1."""
    rotation_deg: float
    zoom: tuple[float, float]


def augment(sample: Sample, geometry: Geometry, rng: np.random.Generator) -> Sample:
    """A window (side,side) of the sample, changed at random in place, size, light and quality."""
    matrix = _matrix(sample.pixels.shape[0], geometry, rng)
    moved = _moved(sample, matrix, geometry.side)
    if rng.random() < FLIP_ODDS:
        moved = Sample(*(np.ascontiguousarray(values[:, ::-1]) for values in vars(moved).values()))
    if rng.random() < CUT_ODDS:
        moved = _cut(moved, rng)
    if rng.random() < COVER_ODDS:
        moved = _covered(moved, rng)
    return Sample(_photographed(moved.pixels, rng), moved.regions, moved.head, moved.person, moved.trusted)


def centred(sample: Sample, crop: int) -> Sample:
    """The whole sample at the evaluation's size, unchanged otherwise."""
    scale = crop / sample.pixels.shape[0]
    shift = 0.5 * scale - 0.5
    return _moved(sample, np.array([[scale, 0, shift], [0, scale, shift]]), crop)


def _matrix(size: int, geometry: Geometry, rng: np.random.Generator) -> NDArray[np.float64]:
    """(2,3) from the sample's pixels to the window's."""
    scale = geometry.crop / size * np.exp(rng.uniform(*np.log(geometry.zoom)))
    limit = geometry.rotation_deg
    angle = np.deg2rad(np.clip(rng.normal(0, limit / 2.5), -limit, limit))
    a, b = scale * np.cos(angle), scale * np.sin(angle)
    turn = np.array([[a, -b], [b, a]])
    # Windows look around the head, which fills the middle half of a working crop.
    target = (size - 1) / 2 + rng.normal(0, 0.13, 2) * size
    shift = (geometry.side - 1) / 2 - turn @ target
    return np.column_stack([turn, shift])


def _moved(sample: Sample, matrix: NDArray[np.float64], side: int) -> Sample:
    """Warp a sample; outside of it the border goes on, as in :mod:`backend.crop`, and nothing is known."""
    shrink = float(np.hypot(*matrix[:, 0]))
    pixels = _softened(sample.pixels, shrink)
    size = (side, side)
    smooth = {"dsize": size, "flags": cv2.INTER_LINEAR, "borderMode": cv2.BORDER_REPLICATE}
    hard = {"dsize": size, "flags": cv2.INTER_NEAREST, "borderMode": cv2.BORDER_CONSTANT}
    return Sample(
        cv2.warpAffine(pixels, matrix, **smooth),
        cv2.warpAffine(sample.regions, matrix, borderValue=UNKNOWN, **hard),
        cv2.warpAffine(_softened(sample.head, shrink), matrix, **smooth),
        cv2.warpAffine(_softened(sample.person, shrink), matrix, **smooth),
        cv2.warpAffine(sample.trusted, matrix, borderValue=0, **hard),
    )


def _softened(values: Pixels, shrink: float) -> Pixels:
    """Without the detail that the smaller picture cannot hold."""
    return cv2.GaussianBlur(values, (0, 0), 0.4 / shrink) if shrink < 0.8 else values


def _cut(sample: Sample, rng: np.random.Generator) -> Sample:
    """The photo ends inside the window: its border is repeated beyond."""
    side = sample.pixels.shape[0]
    low, high = rng.uniform(-0.25, 0.22, 2), rng.uniform(0.72, 1.25, 2)
    (x0, y0), (x1, y1) = (np.clip(np.rint(v * side), 0, side).astype(int) for v in (low, high))
    inside = np.zeros((side, side), bool)
    inside[y0:y1, x0:x1] = True
    margins = y0, side - y1, x0, side - x1
    pixels = cv2.copyMakeBorder(sample.pixels[y0:y1, x0:x1], *margins, cv2.BORDER_REPLICATE)
    regions = np.where(inside, sample.regions, np.uint8(UNKNOWN))
    return Sample(pixels, regions, sample.head, sample.person, np.where(inside, sample.trusted, np.uint8(0)))


def _covered(sample: Sample, rng: np.random.Generator) -> Sample:
    """Something stands before the head: a soft-edged blob of another part of the picture's colours."""
    side = sample.pixels.shape[0]
    mask = np.zeros((side, side), np.uint8)
    middle = tuple(int(v) for v in rng.uniform(0, side, 2))
    axes = tuple(int(v) for v in rng.uniform(0.04, 0.16, 2) * side)
    cv2.ellipse(mask, middle, axes, float(rng.uniform(0, 180)), 0, 360, 255, -1)
    cover = np.roll(sample.pixels, tuple(rng.integers(side // 4, side, 2).tolist()), (0, 1))
    pixels = np.where(mask[..., None] > 0, cover, sample.pixels)
    hidden = mask > 0
    return Sample(
        pixels,
        np.where(hidden, np.uint8(UNKNOWN), sample.regions),
        sample.head,
        sample.person,
        np.where(hidden, np.uint8(0), sample.trusted),
    )


def _photographed(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    """Another camera, another light, another way through the internet."""
    side = pixels.shape[0]
    x = pixels.astype(np.float32) / 255.0
    x = np.clip(x * np.exp(rng.normal(0, GAIN)) * np.exp(rng.normal(0, TINT, 3)), 0, 1).astype(np.float32)
    x = np.clip(
        (x ** np.float32(np.exp(rng.normal(0, GAMMA))) - 0.5) * np.exp(rng.normal(0, CONTRAST)) + 0.5, 0, 1
    )
    if rng.random() < GREY_ODDS:
        x = np.repeat(x.mean(axis=2, keepdims=True), 3, axis=2)
    if rng.random() < COARSE_ODDS:
        less = max(16, int(side * rng.uniform(COARSEST, 1)))
        x = cv2.resize(cv2.resize(x, (less, less), interpolation=cv2.INTER_AREA), (side, side))
    if rng.random() < BLUR_ODDS:
        x = cv2.GaussianBlur(x, (0, 0), rng.uniform(0.3, 1.6))
    if rng.random() < NOISE_ODDS:
        x = x + rng.normal(0, rng.uniform(0.005, 0.05), x.shape).astype(np.float32)
    out = np.clip(x * 255, 0, 255).astype(np.uint8)
    if rng.random() < JPEG_ODDS:
        _, data = cv2.imencode(".jpg", out, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(30, 96))])
        out = cv2.imdecode(data, cv2.IMREAD_COLOR)
    return out
