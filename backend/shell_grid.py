"""The pixel grid as a mesh: cells, a smooth outline, cuts at depth jumps.

A grid of G by G vertices is laid over the working crop. Vertices next to an outline are moved onto
it, which leaves every cell whole or cut along its diagonal, so that the mesh keeps its quads. Cells
are (P,4) int32 vertex numbers, counter-clockwise seen from the camera, -1 in a triangle's last column.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

Mask = NDArray[np.bool_]
Field = NDArray[np.float32]
Side = NDArray[np.int8]
Cells = NDArray[np.int32]


def snapped_grid(contour: Field, step: int) -> tuple[Field, Side]:
    """Grid vertices (G,G,2) in pixels, those next to the zero contour moved onto it, and their side.

    The side (G,G) is 1 inside, 0 on the contour and -1 outside. Each crossing of a grid edge claims
    the nearer end of that edge, so afterwards no edge joins an inside vertex to an outside one.
    """
    level = contour[::step, ::step]
    size = level.shape[0]
    pixels = np.stack(np.meshgrid(*[np.arange(size) * step] * 2), axis=-1).astype(np.float32)
    move = np.full((size, size), np.inf, np.float32)
    snapped = pixels.copy()
    for dy, dx in ((0, 1), (0, -1), (1, 0), (-1, 0)):
        here = (slice(max(-dy, 0), size - max(dy, 0)), slice(max(-dx, 0), size - max(dx, 0)))
        there = (slice(max(dy, 0), size + min(dy, 0)), slice(max(dx, 0), size + min(dx, 0)))
        a, b = level[here], level[there]
        crossing = (a > 0) != (b > 0)
        share = np.where(crossing, a / np.where(crossing, a - b, 1), np.inf)
        # Exactly half-way, the end that lies inside takes the crossing.
        near = ((share < 0.5) | ((share == 0.5) & (a > 0))) & (share < move[here])
        offset = np.where(near, share, 0)[..., None] * np.array([dx, dy]) * step
        snapped[here] = np.where(near[..., None], pixels[here] + offset, snapped[here])
        move[here] = np.where(near, share, move[here])
    side = np.where(np.isfinite(move), 0, np.where(level > 0, 1, -1)).astype(np.int8)
    return snapped, side


def reached(side: Side, level: Field) -> Mask:
    """(G-1,G-1) cells that lie, as a whole or with one half, where ``side`` is positive."""
    corners = np.stack(four_corners(side))
    # With all corners on the contour, the middle decides.
    return (corners.max(0) > 0) | ((corners == 0).all(0) & (sum(four_corners(level)) > 0))


def four_corners(grid: NDArray) -> tuple[NDArray, NDArray, NDArray, NDArray]:
    """Top left, bottom left, bottom right and top right of every cell of ``grid`` (G,G)."""
    return grid[:-1, :-1], grid[1:, :-1], grid[1:, 1:], grid[:-1, 1:]


def cells_of(side: Side, wanted: Mask) -> Cells:
    """``wanted`` grid cells as quads without a corner of negative ``side`` (G,G), or triangles.

    A quad starts at its innermost corner, so that its diagonal never leaves it where the contour
    bends inwards.
    """
    index = np.arange(side.size, dtype=np.int32).reshape(side.shape)
    corners = np.stack(four_corners(index), axis=-1)[wanted]
    sides = side.ravel()[corners]
    # The corner to leave out, or for a whole quad the one to start with, goes first.
    whole = (sides >= 0).all(1)
    first = np.where(whole, sides.argmax(1), sides.argmin(1))
    corners = np.take_along_axis(corners, (first[:, None] + np.arange(4)) % 4, 1)
    cut = corners[(sides < 0).sum(1) == 1]
    return np.concatenate([corners[whole], np.pad(cut[:, 1:], ((0, 0), (0, 1)), constant_values=-1)])


def corners_of(cells: Cells) -> Cells:
    """Vertices (P,4) of the cells; a triangle names its first twice."""
    return np.where(cells >= 0, cells, cells[:, :1])


def seen_from_behind(cells: Cells) -> Cells:
    """The same cells, counter-clockwise from the other side."""
    triangle = cells[:, 3:] < 0
    return np.where(triangle, cells[:, [0, 2, 1, 3]], cells[:, [0, 3, 2, 1]])


def without_specks(cells: Cells, inside: Mask, smallest_share: float) -> Cells:
    """Leave out pieces with less than a share of all vertices ``inside`` (N,) the contour: the fringe has
    none."""
    return cells[~in_specks(cells, inside, smallest_share)[corners_of(cells)[:, 0]]]


def in_specks(cells: Cells, inside: Mask, smallest_share: float) -> Mask:
    """(N,) vertices of such pieces."""
    corner = corners_of(cells)
    links = (np.ones(3 * len(cells)), (np.repeat(corner[:, 0], 3), corner[:, 1:].ravel()))
    _, piece = connected_components(coo_matrix(links, (inside.size, inside.size)), directed=False)
    size = np.bincount(piece, weights=inside)
    return size[piece] <= smallest_share * inside.sum()


def cut_at_jumps(
    cells: Cells, depth_mm: NDArray[np.floating], torn: Mask
) -> tuple[Cells, NDArray[np.int64], NDArray[np.floating]]:
    """Cut the ``torn`` (P,) cells loose from what lies before them, without opening a gap.

    In a torn cell the corners of the near surface are replaced by twins at the depth of the far
    surface: seen from the photo the cell is covered as before, and when the head turns, the far
    surface comes out from under the near one.

    Args:
        cells: (P,4).
        depth_mm: (N,) depth of the vertices.
        torn: (P,) cells with a jump in depth.

    Returns:
        the cells with twins numbered from N, and for every twin the vertex (M,) that it stands for
        and its own depth (M,).
    """
    corner = corners_of(cells[torn])
    depth = depth_mm[corner]
    near = depth < (depth.min(1) + depth.max(1))[:, None] / 2
    far_depth = np.where(near, 0, depth).sum(1) / (~near).sum(1)
    original, twin = np.unique(corner[near], return_inverse=True)
    cells_of_twin = np.bincount(twin, minlength=len(original))
    twin_depth = np.bincount(twin, np.repeat(far_depth, near.sum(1)), len(original)) / cells_of_twin
    replaced = corner.copy()
    replaced[near] = len(depth_mm) + twin
    result = cells.copy()
    result[torn] = np.where(cells[torn] >= 0, replaced, -1)
    return result, original.astype(np.int64), twin_depth


def compacted(cells: Cells) -> tuple[NDArray[np.int64], Cells]:
    """Used vertices (M,) and ``cells`` renumbered to them."""
    used = np.unique(cells[cells >= 0])
    number = np.full(int(used.max(initial=-1)) + 2, -1, np.int32)
    number[used] = np.arange(len(used))
    return used.astype(np.int64), number[cells]
