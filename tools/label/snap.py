"""Lets borders between classes settle on the edges of the picture, inside a narrow band.

Random walker segmentation (Grady, PAMI 2006): what lies deeper than the band on either side keeps
its class, each pixel of the band takes the class that a walk hindered by contrast reaches first.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.linalg import factorized

CONTRAST_WEIGHT = 400.0
"""Random walker's beta, for Lab values divided by 100."""
LEAST_EASE = 1e-6
"""Of a step across the strongest edge, so that every pixel is tied to its neighbours."""
MARGIN_PX = 4


def settle(
    pixels: NDArray[np.uint8],
    labels: NDArray[np.uint8],
    reach_px: float,
    codes: Sequence[int],
    within: NDArray[np.bool_] | None = None,
    only: int | None = None,
) -> NDArray[np.uint8]:
    """A copy of ``labels`` (H,W) whose borders among ``codes`` lie on edges of the photo (H,W,3).

    Borders move by at most ``reach_px``, inside ``within`` (H,W), and only those that ``only``
    takes part in, if given. Pixels of other classes neither move nor count.
    """
    taking_part = np.isin(labels, codes)
    band = _band(labels, codes, reach_px, only) & taking_part
    if within is not None:
        band &= within
    if not band.any():
        return labels.copy()
    rows, columns = _window(band)
    result = labels.copy()
    part = result[rows, columns]
    part[:] = _walk(pixels[rows, columns], part, band[rows, columns], taking_part[rows, columns])
    return result


def _band(
    labels: NDArray[np.uint8], codes: Sequence[int], reach_px: float, only: int | None
) -> NDArray[np.bool_]:
    """Pixels within reach of another class that takes part, on both sides."""
    band = np.zeros(labels.shape, bool)
    for code in codes:
        if not (labels == code).any():
            continue
        near = cv2.distanceTransform((labels != code).astype(np.uint8), cv2.DIST_L2, 5) <= reach_px
        others = [other for other in codes if other != code and only in (None, code, other)]
        band |= near & np.isin(labels, others)
    return band


def _window(band: NDArray[np.bool_]) -> tuple[slice, slice]:
    y, x = np.nonzero(band)
    return (
        slice(max(int(y.min()) - MARGIN_PX, 0), int(y.max()) + MARGIN_PX + 1),
        slice(max(int(x.min()) - MARGIN_PX, 0), int(x.max()) + MARGIN_PX + 1),
    )


def _walk(
    pixels: NDArray[np.uint8], labels: NDArray[np.uint8], band: NDArray[np.bool_], part: NDArray[np.bool_]
) -> NDArray[np.uint8]:
    codes = np.unique(labels[part & ~band])
    open_ = band & _reachable(part, part & ~band)
    if len(codes) < 2 or not open_.any():
        return labels
    known = part & ~open_
    number = np.full(labels.shape, -1)
    number[known], number[open_] = np.arange(known.sum()), np.arange(open_.sum())
    laplacian_open, laplacian_known = _laplacian(pixels, part, open_, number)
    solve = factorized(laplacian_open.tocsc())
    chances = [solve(laplacian_known @ (labels[known] == code).astype(np.float64)) for code in codes]
    result = labels.copy()
    result[open_] = codes[np.argmax(chances, axis=0)]
    return result


def _laplacian(
    pixels: NDArray[np.uint8], part: NDArray[np.bool_], open_: NDArray[np.bool_], number: NDArray[np.int64]
) -> tuple[coo_matrix, coo_matrix]:
    """Laplacian among the open pixels, and minus the one between them and the known ones."""
    lab = cv2.cvtColor(pixels.astype(np.float32) / 255.0, cv2.COLOR_RGB2LAB) / 100.0
    inner: list[NDArray] = []
    outer: list[NDArray] = []
    for here, there in ((np.s_[:, :-1], np.s_[:, 1:]), (np.s_[:-1], np.s_[1:])):
        square = ((lab[here] - lab[there]) ** 2).sum(axis=-1).astype(np.float64)
        ease = np.exp(-CONTRAST_WEIGHT * square) + LEAST_EASE
        for start, end in ((here, there), (there, here)):
            linked = open_[start] & part[end]
            steps = np.stack([number[start][linked], number[end][linked], ease[linked]])
            to_open = open_[end][linked]
            inner += [steps[:, to_open] * [[1], [1], [-1]], steps[[0, 0, 2]]]
            outer.append(steps[:, ~to_open])
    count, known = int(open_.sum()), int((part & ~open_).sum())
    return _sparse(inner, (count, count)), _sparse(outer, (count, known))


def _sparse(steps: list[NDArray], shape: tuple[int, int]) -> coo_matrix:
    """Matrix from (3,N) rows, columns and values; repeated places add up."""
    rows, columns, values = np.hstack(steps)
    return coo_matrix((values, (rows.astype(int), columns.astype(int))), shape=shape)


def _reachable(part: NDArray[np.bool_], seeds: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Where some seed can be reached at all; elsewhere the linear system has no answer."""
    _, patches = cv2.connectedComponents(part.astype(np.uint8), connectivity=4)
    return np.isin(patches, np.unique(patches[seeds])) & part
