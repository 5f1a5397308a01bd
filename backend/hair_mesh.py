"""Depth maps become meshes: the front shell of hair and ears, and the closed back of the head.

The pixel grid of the working crop is triangulated (section 4.2 of Deep 3D Portrait, 2020). Instead of
leaving its stairs at the silhouette, grid vertices next to the matte's half-way contour are moved
onto it. That leaves every cell whole or cut along its diagonal, so the mesh keeps its quads. On the
contour both shells meet at one depth; beyond it the front shell goes on as a thin fringe that carries
the soft edge of the matte.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import fast_simplification
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from .crop import HeadCrop
from .depth import HeadDepth
from .frames import Pose
from .parse import FACE, GLASSES, HeadParse
from .raster import triangulate
from .reconstruction import TexturedMesh

RIM_SMOOTHING_PX = 6.0
"""The rim's depth is read off single pixels of a steep slope; its course along the outline is smooth."""

Mask = NDArray[np.bool_]
Field = NDArray[np.float32]


@dataclass(frozen=True)
class ShellOptions:
    """How the shells are cut; lengths in crop pixels unless named otherwise."""

    grid: int = 256
    """Cells along one side of the crop."""
    overlap_px: float = 8.0
    """How far the front shell reaches under the face, so that turning opens no gap."""
    tuck_mm: float = 1.5
    """Depth below the face at the end of that overlap: face and shell never fight for a pixel."""
    fringe_matte: float = 0.02
    """Matte above which the soft edge still needs a surface to lie on."""
    jump_mm: float = 8.0
    """A step in depth over one cell is cut when it exceeds this plus ``jump_slope`` times the cell."""
    jump_slope: float = 4.0
    """Tangent of the steepest slope that is still a surface (76 degrees)."""
    spike_mm: float = 10.0
    """A pixel this far from the median of its neighbours is an error of the depth map."""
    closing_gap_mm: tuple[float, float] = (60.0, 100.0)
    """Front and back are joined where their rims are closer than the first, left open beyond the
    second: there the head goes on (neck, shoulders, the photo's edge)."""
    smallest_piece: float = 0.01
    """Pieces with a smaller share of the head's vertices are specks."""
    max_triangles: int | None = None
    """Simplify each shell to this many triangles; the two rims then meet only approximately."""


def build_shells(
    depth: HeadDepth,
    parse: HeadParse,
    crop: HeadCrop,
    pose: Pose,
    options: ShellOptions | None = None,
) -> tuple[TexturedMesh, TexturedMesh]:
    """Triangulate the head's depth maps.

    Args:
        depth: (S,S) maps in the crop's camera, mm.
        parse: (S,S) classes and matte of the head.
        crop: its camera lifts pixels to camera space.
        pose: camera space to head frame.
        options: how to cut; defaults to :class:`ShellOptions`.

    Returns:
        ``hair``, which covers H = S - (S_face and F) and a band under the face, and ``back``, which
        covers all of S. Vertices in the head frame, mm; UVs are crop positions.
    """
    options = options or ShellOptions()
    step = crop.size // options.grid
    contour = cv2.GaussianBlur(parse.matte.astype(np.float32), (0, 0), step) - 0.5
    pixels, side = _snapped_grid(contour, step)
    front_mm, back_mm = _node_depths(depth, parse, contour, pixels, side, options)

    level = contour[::step, ::step]
    inner = _cells(side, _reached(side, level))
    fringe = _cells(-side, _reached(-side, -level) & _has_matte(parse.matte, step, options))
    hidden = _distance_under_face(depth, parse)[::step, ::step].ravel() > options.overlap_px
    pitch_mm = step * float(pose.translation_mm[2]) / crop.camera.fx
    front_cells = _without_jumps(inner, front_mm, side, pitch_mm, options)
    front_cells = front_cells[~hidden[_corners(front_cells)].all(1)]
    front_cells = np.concatenate([front_cells, fringe])
    back_cells = _reversed(_without_jumps(inner, back_mm, side, pitch_mm, options))

    def mesh(name: str, cells: NDArray[np.int32], depth_mm: Field) -> TexturedMesh:
        points = crop.camera.unproject(pixels.reshape(-1, 2).astype(np.float64), depth_mm.ravel())
        return _mesh(name, points, _without_specks(cells, side, options), crop, pose, options.max_triangles)

    return mesh("hair", front_cells, front_mm), mesh("back", back_cells, back_mm)


def shell_region(depth: HeadDepth, parse: HeadParse) -> Mask:
    """(S,S) H = S - (S_face and F): pixels of the head that the fitted face does not explain."""
    return (parse.matte > 0.5) & np.isfinite(depth.front) & ~_seen_face(depth, parse)


def _seen_face(depth: HeadDepth, parse: HeadParse) -> Mask:
    """Pixels that show the fitted face; glasses lie on it and are part of its texture."""
    return np.isin(parse.labels, (FACE, GLASSES)) & np.isfinite(depth.face)


def _completed(depth: Field, options: ShellOptions) -> Field:
    """``depth`` without spikes, continued beyond its region by its nearest pixel."""
    known = np.isfinite(depth)
    if not known.any():
        return np.zeros_like(depth)
    rows, columns = ndimage.distance_transform_edt(~known, return_distances=False, return_indices=True)
    filled = np.ascontiguousarray(depth[rows, columns], np.float32)
    calm = cv2.medianBlur(filled, 5)
    return np.where(np.abs(filled - calm) > options.spike_mm, calm, filled)


def _node_depths(
    depth: HeadDepth,
    parse: HeadParse,
    contour: Field,
    pixels: Field,
    side: NDArray[np.int8],
    options: ShellOptions,
) -> tuple[Field, Field]:
    """Front and back depth (G,G) of the grid's vertices, joined on the silhouette and beyond it."""
    front, back = _completed(depth.front, options), _completed(depth.back, options)
    rim_front, rim_back = _rims(front, back, contour > 0, options)
    tuck = options.tuck_mm * (_distance_under_face(depth, parse) / options.overlap_px).clip(0, 1)
    return (
        np.where(side > 0, _sample(front + tuck, pixels), _sample(rim_front, pixels)),
        np.where(side > 0, _sample(back, pixels), _sample(rim_back, pixels)),
    )


def _rims(front: Field, back: Field, inside: Mask, options: ShellOptions) -> tuple[Field, Field]:
    """Depth of both rims, from the region's outermost pixels spread over the whole picture."""
    rim = inside & ~cv2.erode(inside.astype(np.uint8), np.ones((3, 3), np.uint8)).astype(bool)
    if not rim.any():
        return front, back
    low, high = options.closing_gap_mm
    join = ((high - np.abs(back - front)) / (high - low)).clip(0, 1)
    middle = (front + back) / 2
    nearest = tuple(ndimage.distance_transform_edt(~rim, return_distances=False, return_indices=True))
    spread = [
        cv2.GaussianBlur((join * middle + (1 - join) * own)[nearest], (0, 0), RIM_SMOOTHING_PX)
        for own in (front, back)
    ]
    return spread[0], spread[1]


def _distance_under_face(depth: HeadDepth, parse: HeadParse) -> Field:
    """(S,S) pixels from here to the border of the seen face, 0 outside of it."""
    return cv2.distanceTransform(_seen_face(depth, parse).astype(np.uint8), cv2.DIST_L2, 5)


def _snapped_grid(contour: Field, step: int) -> tuple[Field, NDArray[np.int8]]:
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


def _reached(side: NDArray[np.int8], level: Field) -> Mask:
    """(G-1,G-1) cells that lie, as a whole or with one half, where ``side`` is positive."""
    corners = np.stack(_four_corners(side))
    # With all corners on the contour, the middle decides.
    return (corners.max(0) > 0) | ((corners == 0).all(0) & (sum(_four_corners(level)) > 0))


def _cells(side: NDArray[np.int8], wanted: Mask) -> NDArray[np.int32]:
    """``wanted`` grid cells as quads without a corner of negative ``side`` (G,G), or triangles.

    Counter-clockwise seen from the camera. A quad starts at its innermost corner, so that its
    diagonal never leaves it where the contour bends inwards.
    """
    index = np.arange(side.size, dtype=np.int32).reshape(side.shape)
    top_left, bottom_left, bottom_right, top_right = _four_corners(index)
    corners = np.stack([top_left, bottom_left, bottom_right, top_right], axis=-1)[wanted]
    sides = side.ravel()[corners]
    # The corner to leave out, or for a whole quad the one to start with, goes first.
    whole = (sides >= 0).all(1)
    first = np.where(whole, sides.argmax(1), sides.argmin(1))
    corners = np.take_along_axis(corners, (first[:, None] + np.arange(4)) % 4, 1)
    cut = corners[(sides < 0).sum(1) == 1]
    return np.concatenate([corners[whole], np.pad(cut[:, 1:], ((0, 0), (0, 1)), constant_values=-1)])


def _four_corners(grid: NDArray) -> tuple[NDArray, NDArray, NDArray, NDArray]:
    """Top left, bottom left, bottom right and top right of every cell of ``grid`` (G,G)."""
    return grid[:-1, :-1], grid[1:, :-1], grid[1:, 1:], grid[:-1, 1:]


def _corners(cells: NDArray[np.int32]) -> NDArray[np.int32]:
    """Vertices (P,4) of the cells; a triangle names its first twice."""
    return np.where(cells >= 0, cells, cells[:, :1])


def _reversed(cells: NDArray[np.int32]) -> NDArray[np.int32]:
    """The same cells seen from the other side."""
    triangle = cells[:, 3:] < 0
    return np.where(triangle, cells[:, [0, 2, 1, 3]], cells[:, [0, 3, 2, 1]])


def _has_matte(matte: Field, step: int, options: ShellOptions) -> Mask:
    """(G-1,G-1) cells on which some of the soft edge lies, with a pixel to spare."""
    reach = 2 * step + 3
    widest = cv2.dilate(matte.astype(np.float32), np.ones((reach, reach), np.uint8))
    return np.logical_or.reduce(_four_corners((widest > options.fringe_matte)[::step, ::step]))


def _without_jumps(
    cells: NDArray[np.int32], depth_mm: Field, side: NDArray[np.int8], pitch_mm: float, options: ShellOptions
) -> NDArray[np.int32]:
    """Leave out the cells that would stretch over a jump in depth; the rim closes on purpose."""
    corner = _corners(cells)
    spread = np.ptp(depth_mm.ravel()[corner], axis=1)
    rim = (side.ravel()[corner] == 0).any(1)
    return cells[rim | (spread <= options.jump_mm + options.jump_slope * pitch_mm)]


def _without_specks(
    cells: NDArray[np.int32], side: NDArray[np.int8], options: ShellOptions
) -> NDArray[np.int32]:
    """Leave out connected pieces with too few vertices inside the contour: the fringe does not count."""
    corner = _corners(cells)
    links = (np.ones(3 * len(cells)), (np.repeat(corner[:, 0], 3), corner[:, 1:].ravel()))
    _, piece = connected_components(coo_matrix(links, (side.size, side.size)), directed=False)
    inside = side.ravel() > 0
    size = np.bincount(piece, weights=inside)
    return cells[size[piece[corner[:, 0]]] > options.smallest_piece * inside.sum()]


def _sample(values: Field, pixels: Field) -> Field:
    """Bilinear ``values`` (S,S) at ``pixels`` (G,G,2)."""
    return cv2.remap(
        values, pixels[..., 0], pixels[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )


def _mesh(
    name: str,
    points_cam: NDArray[np.float64],
    polygons: NDArray[np.int32],
    crop: HeadCrop,
    pose: Pose,
    max_triangles: int | None,
) -> TexturedMesh:
    """Keep the used vertices, simplify if asked and give every corner its place in the crop as UV."""
    used, polygons = _compact(polygons)
    points = points_cam[used]
    triangles = triangulate(polygons).vertices
    if max_triangles is not None and len(triangles) > max_triangles:
        points, triangles = fast_simplification.simplify(
            points, triangles.astype(np.int32), target_count=max_triangles
        )
        polygons = np.pad(triangles, ((0, 0), (0, 1)), constant_values=-1).astype(np.int32)
    place = crop.camera.project(points) if len(points) else np.zeros((0, 2))
    uv = np.column_stack([(place[:, 0] + 0.5) / crop.size, 1 - (place[:, 1] + 0.5) / crop.size])
    uvs = np.where(polygons[..., None] >= 0, uv[polygons] if len(uv) else 0, 0)
    return TexturedMesh(
        name=name,
        vertices=pose.to_head(points).astype(np.float32),
        polygons=polygons,
        uvs=uvs.astype(np.float32).reshape(-1, 4, 2),
        image=name,
        has_alpha=True,
    )


def _compact(polygons: NDArray[np.int32]) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """Used vertices (M,) and ``polygons`` renumbered to them."""
    used = np.unique(polygons[polygons >= 0])
    number = np.full(int(used.max(initial=-1)) + 2, -1, np.int32)
    number[used] = np.arange(len(used))
    return used.astype(np.int64), number[polygons]
