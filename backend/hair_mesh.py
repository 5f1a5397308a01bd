"""Depth maps become meshes: the front shell of hair and ears, and the closed back of the head.

The pixel grid of the working crop is triangulated (section 4.2 of Deep 3D Portrait, 2020), with its
outline moved onto the matte's half-way contour (:mod:`backend.shell_grid`). There both shells meet at
one depth. Beyond it the front shell goes on as a thin fringe that carries the soft edge of the matte.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import fast_simplification
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from .crop import HeadCrop
from .depth import HeadDepth
from .frames import Pose
from .head_parse import FACE, GLASSES, HeadParse
from .raster import triangulate
from .reconstruction import TexturedMesh
from .shell_grid import (
    Cells,
    Field,
    Mask,
    Side,
    cells_of,
    compacted,
    corners_of,
    cut_at_jumps,
    four_corners,
    reached,
    seen_from_behind,
    snapped_grid,
    without_specks,
)

RIM_SMOOTHING_PX = 6.0
"""The rim's depth is read off single pixels of a steep slope; its course along the outline is smooth."""


@dataclass(frozen=True)
class ShellOptions:
    """How the shells are cut; lengths in crop pixels unless named otherwise."""

    grid: int = 256
    """Cells along one side of the crop."""
    overlap_px: float = 8.0
    """How far the front shell reaches under the face, so that turning opens no gap."""
    tuck_mm: float = 1.5
    """Depth below the face at the end of that overlap: face and shell never fight for a pixel."""
    fringe_matte: float = 0.04
    """Matte above which the soft edge still needs a surface to lie on."""
    fringe_px: float = 14.0
    """How far from the outline that surface may reach: beyond, a matte is haze."""
    jump_mm: float = 8.0
    """A step in depth over one cell is cut when it exceeds this plus ``jump_slope`` times the cell."""
    jump_slope: float = 4.0
    """Tangent of the steepest slope that is still a surface (76 degrees)."""
    steep_rim_px: float = 10.0
    """This near to the outline every round head is steep, and nothing is cut."""
    spike_mm: float = 10.0
    """A pixel this far from the median of its neighbours is an error of the depth map."""
    closing_gap_mm: tuple[float, float] = (60.0, 100.0)
    """Front and back are joined where their rims are closer than the first, left open beyond the
    second: there the head goes on (neck, shoulders, the photo's edge)."""
    smallest_piece: float = 0.01
    """Pieces of the picture with a smaller share of the head's vertices are specks."""
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
    pixels, side = snapped_grid(contour, step)
    front_mm, back_mm = _node_depths(depth, parse, contour, pixels, side, options)
    level = contour[::step, ::step]
    inner = cells_of(side, reached(side, level))
    fringe = cells_of(-side, reached(-side, -level) & _has_fringe(parse.matte, contour, step, options))

    hidden = _distance_under_face(depth, parse)[::step, ::step].ravel() > options.overlap_px
    front = np.concatenate([inner[~hidden[corners_of(inner)].all(1)], fringe])
    front = without_specks(front, side, options.smallest_piece)
    pitch_mm = step * float(pose.translation_mm[2]) / crop.camera.fx
    torn = _torn(front, front_mm, contour, step, pitch_mm, options)
    front, twin_of, twin_mm = cut_at_jumps(front, front_mm.ravel(), torn)
    back = seen_from_behind(without_specks(inner, side, options.smallest_piece))

    places = pixels.reshape(-1, 2).astype(np.float64)
    front_points = crop.camera.unproject(
        np.concatenate([places, places[twin_of]]), np.concatenate([front_mm.ravel(), twin_mm])
    )
    back_points = crop.camera.unproject(places, back_mm.ravel())
    return (
        _mesh("hair", front_points, front, crop, pose, options.max_triangles),
        _mesh("back", back_points, back, crop, pose, options.max_triangles),
    )


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
    side: Side,
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


def _has_fringe(matte: Field, contour: Field, step: int, options: ShellOptions) -> Mask:
    """(G-1,G-1) cells on which some of the soft edge lies, with a pixel to spare."""
    reach = 2 * step + 3
    widest = cv2.dilate(matte.astype(np.float32), np.ones((reach, reach), np.uint8))
    to_outline = cv2.distanceTransform((contour <= 0).astype(np.uint8), cv2.DIST_L2, 5)
    soft = (widest > options.fringe_matte) & (to_outline < options.fringe_px)
    return np.logical_or.reduce(four_corners(soft[::step, ::step]))


def _torn(
    cells: Cells, depth_mm: Field, contour: Field, step: int, pitch_mm: float, options: ShellOptions
) -> Mask:
    """(P,) cells that would stretch over a jump in depth."""
    to_outline = cv2.distanceTransform((contour > 0).astype(np.uint8), cv2.DIST_L2, 5)[::step, ::step]
    corner = corners_of(cells)
    well_inside = to_outline.ravel()[corner].min(1) > options.steep_rim_px
    spread = np.ptp(depth_mm.ravel()[corner], axis=1)
    return well_inside & (spread > options.jump_mm + options.jump_slope * pitch_mm)


def _sample(values: Field, pixels: Field) -> Field:
    """Bilinear ``values`` (S,S) at ``pixels`` (G,G,2)."""
    return cv2.remap(
        values, pixels[..., 0], pixels[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )


def _mesh(
    name: str,
    points_cam: NDArray[np.float64],
    polygons: Cells,
    crop: HeadCrop,
    pose: Pose,
    max_triangles: int | None,
) -> TexturedMesh:
    """Keep the used vertices, simplify if asked and give every corner its place in the crop as UV."""
    used, polygons = compacted(polygons)
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
