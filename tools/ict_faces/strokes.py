"""What is drawn onto a face by hand: brows, lips, lid lines, stubble and freckles.

All on a plane before the mean head. A canvas holds shares in [0,1] as bytes; its pixel (i, j) lies at
``x = j / DENSITY - WIDE_MM``, ``y = TOP_MM - i / DENSITY`` of the mean head.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import splev, splprep

from backend.morphable import MorphableModel

from .person import Person

Canvas = NDArray[np.uint8]
Points = NDArray[np.float64]

DENSITY = 8
"""Canvas pixels a millimetre."""
WIDE_MM, TOP_MM, BOTTOM_MM = 90.0, 80.0, -125.0
SUBPIXEL = 4
"""OpenCV draws at fractions of 1/16 pixel."""

BROWS = (range(17, 22), range(26, 21, -1))
"""Of the 68 landmarks, each from its outer to its inner end."""
LIDS = ((36, 37, 38, 39), (45, 44, 43, 42))
"""Upper lids from the outer corner."""
LOWER_LIDS = ((36, 41, 40, 39), (45, 46, 47, 42))
LIPS = range(48, 60)
BROW_HAIRS, STUBBLE_HAIRS = 420, 5000


@dataclass(frozen=True)
class Strokes:
    """Canvases (H,W) uint8."""

    brows: Canvas
    lips: Canvas
    lids: Canvas
    stubble: Canvas
    freckles: Canvas

    def look_up(self, name: str, reference: NDArray[np.floating]) -> NDArray[np.float32]:
        """Shares (M,) of one canvas at places (M,3) of the mean head, 0 outside."""
        x, y = reference[:, 0].astype(np.float32), reference[:, 1].astype(np.float32)
        columns = 4096  # cv2.remap limits the sides of its result
        rows = -(-len(x) // columns)
        at = np.full((rows * columns, 2), -1e6, np.float32)
        at[: len(x)] = np.column_stack([(x + WIDE_MM) * DENSITY, (TOP_MM - y) * DENSITY])
        at = at.reshape(rows, columns, 2)
        taken = cv2.remap(getattr(self, name), at, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
        return taken.ravel()[: len(x)].astype(np.float32) / 255


def draw_strokes(model: MorphableModel, person: Person) -> Strokes:
    """Everything drawn for one person, where the model's 68 landmarks say."""
    random = np.random.default_rng((*person.seed, 2))
    marks = model.landmarks_68.of(model.mean)[:, :2].astype(np.float64)
    return Strokes(
        brows=_brows(marks, person, random),
        lips=_lips(marks),
        lids=_lids(marks),
        stubble=_stubble(marks, person, random),
        freckles=_freckles(marks, person, random),
    )


def _blank() -> Canvas:
    return np.zeros((int((TOP_MM - BOTTOM_MM) * DENSITY), int(2 * WIDE_MM * DENSITY)), np.uint8)


def _pixels(points: Points) -> NDArray[np.int32]:
    """Places (...,2) mm as OpenCV's fixed-point pixels."""
    x, y = points[..., 0] + WIDE_MM, TOP_MM - points[..., 1]
    return np.rint(np.stack([x, y], axis=-1) * DENSITY * 2**SUBPIXEL).astype(np.int32)


def _curve(points: Points, count: int, closed: bool = False) -> Points:
    """(count,2) along a smooth curve through points (n,2)."""
    spline, _ = splprep(points.T, s=0.0, k=3, per=closed)
    return np.stack(splev(np.linspace(0, 1, count), spline), axis=1)


def _hairs(canvas: Canvas, roots: Points, ends: Points, strength: NDArray[np.floating]) -> None:
    """Lines from roots to ends (n,2), each with its own strength (n,) 0..255."""
    for root, end, value in zip(_pixels(roots), _pixels(ends), strength.tolist(), strict=True):
        cv2.line(canvas, root.tolist(), end.tolist(), int(value), 1, cv2.LINE_AA, SUBPIXEL)


def _brows(marks: Points, person: Person, random: np.random.Generator) -> Canvas:
    canvas, looks = _blank(), person.looks
    curves = [_curve(marks[list(numbers)], 200) + np.array([0, random.normal(0, 0.5)]) for numbers in BROWS]
    for curve in curves:
        up = np.array([0, looks.brow_mm])
        under = np.concatenate([curve - 0.4 * up, (curve + 0.3 * up)[::-1]])
        cv2.fillPoly(canvas, [_pixels(under)], int(90 * looks.brow), cv2.LINE_AA, SUBPIXEL)
    canvas = cv2.GaussianBlur(canvas, (0, 0), 0.9 * DENSITY)
    for curve in curves:
        count = int(BROW_HAIRS * looks.brow)
        place = random.beta(1.2, 1.1, count)
        # Outer ends taper, inner ends stay broad.
        width = looks.brow_mm / 2 * np.interp(place, [0, 0.35, 0.8, 1], [0.15, 0.75, 1.0, 0.85])
        across = random.uniform(-1, 1, count) * width
        roots = curve[(place * 199).astype(int)] + np.column_stack([0 * across, across])
        rise = np.interp(place, [0, 0.5, 0.9, 1], [-0.35, 0.25, 0.9, 1.3]) - 0.45 * across / width
        rise += random.normal(0, 0.15, count)
        length = random.uniform(4.5, 8.0, count) * np.interp(place, [0, 0.3, 1], [0.6, 1, 0.9])
        along = np.column_stack([np.sign(curve[0, 0]) * np.cos(rise), np.sin(rise)])
        _hairs(canvas, roots, roots + along * length[:, None], random.uniform(130, 255, count))
    return cv2.GaussianBlur(canvas, (0, 0), 1.0)


def _lips(marks: Points) -> Canvas:
    canvas = _blank()
    cv2.fillPoly(
        canvas, [_pixels(_curve(marks[[*LIPS, LIPS[0]]], 200, closed=True))], 255, cv2.LINE_AA, SUBPIXEL
    )
    return cv2.GaussianBlur(canvas, (0, 0), 0.7 * DENSITY)


def _lids(marks: Points) -> Canvas:
    canvas = _blank()
    for numbers, value, thick in (*((lid, 255, 9) for lid in LIDS), *((lid, 110, 5) for lid in LOWER_LIDS)):
        line = _pixels(_curve(marks[list(numbers)], 60))
        cv2.polylines(canvas, [line], False, value, thick, cv2.LINE_AA, SUBPIXEL)
    return cv2.GaussianBlur(canvas, (0, 0), 0.35 * DENSITY)


def _stubble(marks: Points, person: Person, random: np.random.Generator) -> Canvas:
    """Hairs on lip, chin and jaw; a short beard where they are many."""
    canvas, amount = _blank(), person.looks.stubble
    if amount == 0:
        return canvas
    count = int(STUBBLE_HAIRS * (0.4 + 1.6 * amount))
    roots = np.column_stack(
        [random.uniform(-75, 75, count), random.uniform(BOTTOM_MM, marks[33, 1] - 3, count)]
    )
    # A beard's upper edge falls from the ear to the corner of the mouth and rises to the nose.
    edge = np.interp(
        np.abs(roots[:, 0]), [0, 22, 34, 60, 75], marks[33, 1] + np.array([-4, -6, -26, -8, 12.0])
    )
    keep = random.random(count) < 1 / (1 + np.exp((roots[:, 1] - edge) / 3))
    outline = _pixels(_curve(marks[[*LIPS, LIPS[0]]], 100, closed=True)).astype(np.float32)
    inside = [
        cv2.pointPolygonTest(outline, root.tolist(), False) > 0 for root in _pixels(roots).astype(np.float32)
    ]
    roots = roots[keep & ~np.array(inside)]
    down = random.normal(-np.pi / 2, 0.35, len(roots))
    length = 0.4 + 3.5 * max(0.0, amount - 0.35)
    ends = roots + length * np.column_stack([np.cos(down) + 0.004 * roots[:, 0], np.sin(down)])
    _hairs(canvas, roots, ends, random.uniform(90, 220, len(roots)))
    shade = cv2.GaussianBlur(canvas, (0, 0), 2.5 * DENSITY).astype(np.float32)
    shade *= 190 * amount / max(float(shade.max()), 1.0)
    return np.clip(canvas * (0.3 + 0.5 * amount) + shade, 0, 255).astype(np.uint8)


def _freckles(marks: Points, person: Person, random: np.random.Generator) -> Canvas:
    canvas, count = _blank(), person.looks.freckles
    many = count > 20
    spread = (32, 14) if many else (45, 40)
    places = random.normal((0, marks[30, 1] + 14), spread, (count, 2))
    for place, radius in zip(_pixels(places), random.uniform(2, 6 if many else 9, count), strict=True):
        value = int(random.uniform(25, 110))
        cv2.circle(canvas, place.tolist(), int(radius * 2**SUBPIXEL), value, -1, cv2.LINE_AA, SUBPIXEL)
    return cv2.GaussianBlur(canvas, (0, 0), 2.0)
