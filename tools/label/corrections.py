"""Applies an ordered list of corrections, as read from JSON, to a label map.

Points are photo pixels, written like SVG's: ``"120,40 131.5,42"``. Operations:

* ``{"paint": CLASS, "polygon": POINTS}``; ``"curve"`` instead of ``"polygon"`` rounds the outline
  through the points; ``"line"`` with ``"width"`` paints a stroke, ``"stroke"`` a rounded one (frames).
  ``"only_over": [CLASS…]`` and ``"not_over": [CLASS…]`` restrict it; ``"snap": px`` then lets the
  new region's own border settle on the picture's edges within so many pixels.
* ``{"snap": px, "between": [CLASS, CLASS…]}``, optionally ``"polygon"``: settles existing borders.
* ``{"grow": CLASS, "px": n}``, optionally ``"only_over"``, ``"polygon"``.
* ``{"smooth": px}``, optionally ``"polygon"``: majority vote of the neighbourhood, against specks.
* ``{"rest_of": CLASS, "to": CLASS}``: all but the largest connected patch becomes the other class.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from .classes import CODES
from .snap import settle

Labels = NDArray[np.uint8]
Mask = NDArray[np.bool_]
Operation = Mapping[str, Any]

SUBPIXEL_BITS = 4
CURVE_STEPS = 8
"""Straight pieces between two points of a curve."""


class BadCorrection(ValueError):
    """An operation that cannot be carried out, in words."""


def apply_corrections(pixels: NDArray[np.uint8], labels: Labels, operations: Sequence[Operation]) -> Labels:
    """A corrected copy of ``labels`` (H,W) for a photo (H,W,3) sRGB.

    Raises:
        BadCorrection: unknown class, shape or operation; the message names its number.
    """
    labels = labels.copy()
    for number, operation in enumerate(operations, start=1):
        try:
            _apply(pixels, labels, operation)
        except (KeyError, BadCorrection) as error:
            raise BadCorrection(f"Operation {number} ({dict(operation)}): {error}") from error
    return labels


def _apply(pixels: NDArray[np.uint8], labels: Labels, operation: Operation) -> None:
    if "paint" in operation:
        _paint(pixels, labels, operation)
    elif "snap" in operation:
        within = _where(operation, labels.shape) if "polygon" in operation else None
        labels[:] = settle(pixels, labels, operation["snap"], _codes(operation["between"]), within)
    elif "grow" in operation:
        code = CODES[operation["grow"]]
        reach = 2 * int(operation["px"]) + 1
        brush = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (reach, reach))
        grown = cv2.dilate((labels == code).astype(np.uint8), brush) > 0
        labels[grown & _allowed(labels, operation) & _within(operation, labels.shape)] = code
    elif "smooth" in operation:
        voted = _majority(labels, float(operation["smooth"]))
        where = _within(operation, labels.shape)
        labels[where] = voted[where]
    elif "rest_of" in operation:
        code = CODES[operation["rest_of"]]
        _, patches, stats, _ = cv2.connectedComponentsWithStats((labels == code).astype(np.uint8))
        largest = 1 + int(stats[1:, cv2.CC_STAT_AREA].argmax()) if len(stats) > 1 else 0
        labels[(labels == code) & (patches != largest)] = CODES[operation["to"]]
    else:
        raise BadCorrection("unknown operation")


def _paint(pixels: NDArray[np.uint8], labels: Labels, operation: Operation) -> None:
    code = CODES[operation["paint"]]
    region = _where(operation, labels.shape)
    before = labels.copy()
    labels[region & _allowed(labels, operation)] = code
    if "snap" in operation:
        touched = set(np.unique(before[region]).tolist()) | {code}
        reach = 2 * int(operation["snap"]) + 3
        near = cv2.dilate(region.astype(np.uint8), np.ones((reach, reach), np.uint8)) > 0
        touched |= set(np.unique(before[near & _allowed(before, operation)]).tolist())
        others = [other for other in touched if other != code]
        settled = settle(pixels, labels, operation["snap"], [code, *others], near, only=code)
        allowed = _allowed(before, operation)
        labels[allowed] = settled[allowed]


def _allowed(labels: Labels, operation: Operation) -> Mask:
    allowed = np.ones(labels.shape, bool)
    if "only_over" in operation:
        allowed = np.isin(labels, _codes(operation["only_over"]))
    if "not_over" in operation:
        allowed &= ~np.isin(labels, _codes(operation["not_over"]))
    return allowed


def _within(operation: Operation, shape: tuple[int, ...]) -> Mask:
    return _where(operation, shape) if "polygon" in operation else np.ones(shape, bool)


def _where(operation: Operation, shape: tuple[int, ...]) -> Mask:
    if "polygon" in operation:
        return fill(parse_points(operation["polygon"]), shape)
    if "curve" in operation:
        return fill(rounded(parse_points(operation["curve"]), closed=True), shape)
    for name in ("line", "stroke"):
        if name in operation:
            points = parse_points(operation[name])
            points = rounded(points, closed=False) if name == "stroke" else points
            return stroke(points, float(operation["width"]), shape)
    raise BadCorrection("no polygon, curve, line or stroke")


def _codes(names: Iterable[str]) -> list[int]:
    return [CODES[name] for name in names]


def parse_points(text: str) -> NDArray[np.float64]:
    """(N,2) x and y from ``"x,y x,y …"``; raises :class:`BadCorrection`."""
    try:
        points = [[float(v) for v in pair.split(",")] for pair in text.split()]
    except ValueError as error:
        raise BadCorrection(f"points cannot be read: {error}") from error
    if len(points) < 2 or any(len(pair) != 2 for pair in points):
        raise BadCorrection("points are written 'x,y x,y …', at least two")
    return np.array(points)


def rounded(points: NDArray[np.float64], *, closed: bool) -> NDArray[np.float64]:
    """Uniform Catmull-Rom curve through (N,2) points, :data:`CURVE_STEPS` pieces each."""
    around = np.vstack([points[-1:], points, points[:2]]) if closed else points[[0, *range(len(points)), -1]]
    t = np.linspace(0.0, 1.0, CURVE_STEPS, endpoint=False)[:, None]
    pieces = [
        0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3)
        for a, b, c, d in zip(around, around[1:], around[2:], around[3:], strict=False)
    ]
    return np.vstack(pieces if closed else [*pieces, points[-1:]])


def fill(points: NDArray[np.float64], shape: tuple[int, ...]) -> Mask:
    """(H,W) pixels inside a closed outline (N,2)."""
    mask = np.zeros(shape, np.uint8)
    cv2.fillPoly(mask, [np.rint(points * 2**SUBPIXEL_BITS).astype(np.int32)], 1, shift=SUBPIXEL_BITS)
    return mask.astype(bool)


def stroke(points: NDArray[np.float64], width_px: float, shape: tuple[int, ...]) -> Mask:
    """(H,W) pixels whose centre lies within half the width of an open line (N,2)."""
    y, x = np.mgrid[: shape[0], : shape[1]].astype(np.float64)
    mask = np.zeros(shape, bool)
    for (ax, ay), (bx, by) in itertools.pairwise(points):
        length = max((bx - ax) ** 2 + (by - ay) ** 2, 1e-9)
        t = np.clip(((x - ax) * (bx - ax) + (y - ay) * (by - ay)) / length, 0.0, 1.0)
        mask |= np.hypot(x - ax - t * (bx - ax), y - ay - t * (by - ay)) <= width_px / 2
    return mask


def _majority(labels: Labels, sigma_px: float) -> Labels:
    codes = np.unique(labels)
    votes = [cv2.GaussianBlur((labels == code).astype(np.float32), (0, 0), sigma_px) for code in codes]
    return codes[np.argmax(votes, axis=0)].astype(np.uint8)
