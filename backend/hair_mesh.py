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
from .head_parse import BODY, FACE, GLASSES, HeadParse
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
    """Distance below the face at the end of that overlap: face and shell never fight for a pixel."""
    lead_px: float = 2.0
    """The shell goes under the face this far inside its border: there the face's texture is sure."""
    border_smoothing_px: float = 2.0
    """Blur of that border."""
    steepest: float = 8.0
    """Slope of the face beyond which the overlap dives no deeper along the view."""
    back_inset_px: float = 4.0
    """The back meets the front this far inside the outline: behind the soft edge, so it can be solid."""
    sliver_px: float = 5.0
    """Strips thinner than this between face and neck are not hair but the jaw, seen a little off."""
    fringe_matte: float = 0.04
    """Matte above which the soft edge still needs a surface to lie on."""
    fringe_px: float = 14.0
    """How far from the outline that surface may reach: beyond, a matte is haze."""
    jump_mm: float = 30.0
    """A step in depth over one cell is cut when it exceeds this plus ``jump_slope`` times the cell."""
    jump_slope: float = 4.0
    """Tangent of the steepest slope that is still a surface (76 degrees)."""
    limb_px: float = 6.0
    limb_mm: float = 8.0
    """So near to the face a smaller step is cut: the fitted head goes on beneath, from cheek to ear."""
    steep_rim_px: float = 10.0
    """This near to the outline every round head is steep, and nothing is cut."""
    spike_mm: float = 10.0
    """A pixel this far from the median of its neighbours is an error of the depth map."""
    spike_share: float = 0.04
    """So wide, as a share of the crop, may something be that stands out by more (20 mm on a head)."""
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
    front_mm, back_mm = _completed(depth.front, options), _completed(depth.back, options)
    front_rim, back_join = _rims(front_mm, back_mm, contour > 0, options)

    pixels, side = snapped_grid(contour, step)
    pitch_mm = float(pose.translation_mm[2]) / crop.camera.fx
    front_mm = _behind_limb(front_mm, _seen_face(depth, parse), pitch_mm, options)
    tucked = _tucked(front_mm, depth, parse, pitch_mm, options)
    vertex_mm = np.where(side > 0, _sample(tucked, pixels), _sample(front_rim, pixels))
    cells = _front_cells(depth, parse, contour, side, step, options)
    torn = _torn(cells, vertex_mm, contour, _seen_face(depth, parse), step, step * pitch_mm, options)
    cells, twin_of, twin_mm = cut_at_jumps(cells, vertex_mm.ravel(), torn)
    places = pixels.reshape(-1, 2).astype(np.float64)
    points = crop.camera.unproject(
        np.concatenate([places, places[twin_of]]), np.concatenate([vertex_mm.ravel(), twin_mm])
    )
    front = _mesh("hair", points, cells, crop, pose, options.max_triangles)

    closed = (contour > 0) & np.isfinite(depth.back)
    inset = cv2.distanceTransform(closed.astype(np.uint8), cv2.DIST_L2, 5) - options.back_inset_px
    pixels, side = snapped_grid(inset, step)
    rim_mm = front_mm + back_join * (back_mm - front_mm)
    vertex_mm = np.where(side > 0, _sample(back_mm, pixels), _sample(rim_mm, pixels))
    cells = cells_of(side, reached(side, inset[::step, ::step]))
    cells = seen_from_behind(without_specks(cells, side, options.smallest_piece))
    points = crop.camera.unproject(pixels.reshape(-1, 2).astype(np.float64), vertex_mm.ravel())
    back = _mesh("back", points, cells, crop, pose, options.max_triangles)
    return front, back


def _front_cells(
    depth: HeadDepth, parse: HeadParse, contour: Field, side: Side, step: int, options: ShellOptions
) -> Cells:
    """Cells of hair and ears, a band under the face beside them, and the soft edge before background."""
    inner = cells_of(side, reached(side, contour[::step, ::step]))
    shell = _without_jaw(shell_region(depth, parse), parse, options)
    to_shell = cv2.distanceTransform((~shell).astype(np.uint8), cv2.DIST_L2, 5)
    hidden = to_shell[::step, ::step].ravel() > options.overlap_px
    inner = inner[~hidden[corners_of(inner)].all(1)]
    to_outline = cv2.distanceTransform((contour <= 0).astype(np.uint8), cv2.DIST_L2, 5)
    # Where the outline is the face's own, a fringe would hang in the air far behind it.
    soft = np.where((parse.labels == BODY) | (to_shell > to_outline + options.sliver_px), 0, parse.matte)
    fringe = cells_of(
        -side, reached(-side, -contour[::step, ::step]) & _has_fringe(soft, contour, step, options)
    )
    return without_specks(np.concatenate([inner, fringe]), side, options.smallest_piece)


def _without_jaw(shell: Mask, parse: HeadParse, options: ShellOptions) -> Mask:
    """Leave out slivers between face and neck: the model's jaw and the photo's differ by a few pixels."""
    reach = round(options.sliver_px) | 1
    brush = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (reach, reach))
    thick = cv2.morphologyEx(shell.astype(np.uint8), cv2.MORPH_OPEN, brush) > 0
    near_body = (
        cv2.dilate((parse.labels == BODY).astype(np.uint8), np.ones((2 * reach + 1,) * 2, np.uint8)) > 0
    )
    return thick | (shell & ~near_body)


def shell_region(depth: HeadDepth, parse: HeadParse) -> Mask:
    """(S,S) H = S - (S_face and F): pixels of the head that the fitted face does not explain."""
    return (parse.matte > 0.5) & np.isfinite(depth.front) & ~_seen_face(depth, parse)


def _seen_face(depth: HeadDepth, parse: HeadParse) -> Mask:
    """Pixels that show the fitted face; glasses lie on it and are part of its texture."""
    return np.isin(parse.labels, (FACE, GLASSES)) & np.isfinite(depth.face)


def _completed(depth: Field, options: ShellOptions) -> Field:
    """``depth`` without spikes, continued beyond its region by its nearest pixel.

    Towards the camera, nothing narrower than ``spike_share`` of the crop stands out by more than
    ``spike_mm``.
    """
    known = np.isfinite(depth)
    if not known.any():
        return np.zeros_like(depth)
    rows, columns = ndimage.distance_transform_edt(~known, return_distances=False, return_indices=True)
    filled = np.ascontiguousarray(depth[rows, columns], np.float32)
    calm = cv2.medianBlur(filled, 5)
    filled = np.where(np.abs(filled - calm) > options.spike_mm, calm, filled)
    # A closing fills what is narrower than its brush, and leaves slopes and broad domes as they are.
    brush = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (round(options.spike_share * len(depth)) | 1,) * 2)
    return np.maximum(filled, cv2.morphologyEx(filled, cv2.MORPH_CLOSE, brush) - options.spike_mm)


def _behind_limb(front: Field, face: Mask, pitch_mm: float, options: ShellOptions) -> Field:
    """(S,S) ``front`` that does not climb to the face's limb from what lies far behind it.

    Between cheek and ear a depth map slopes where there is a jump: a wall of stretched pixels would stand
    there.
    """
    brush = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * round(options.limb_px) + 1,) * 2)
    to_face = cv2.distanceTransform((~face).astype(np.uint8), cv2.DIST_L2, 5)
    far = cv2.dilate(front, brush)
    wall = far - front > options.limb_mm + options.jump_slope * options.limb_px * pitch_mm
    return np.where(wall & (to_face < options.limb_px), far, front)


def _rims(front: Field, back: Field, inside: Mask, options: ShellOptions) -> tuple[Field, Field]:
    """Depth of the front's rim, and how far (1 wholly) the back's rim stays away from the front.

    Both are read off the region's outermost pixels and spread over the whole picture.
    """
    rim = inside & ~cv2.erode(inside.astype(np.uint8), np.ones((3, 3), np.uint8)).astype(bool)
    if not rim.any():
        return front, np.zeros_like(front)
    low, high = options.closing_gap_mm
    apart = ((np.abs(back - front) - low) / (high - low)).clip(0, 1)
    middle = (front + back) / 2
    nearest = tuple(ndimage.distance_transform_edt(~rim, return_distances=False, return_indices=True))
    depth, apart = (
        cv2.GaussianBlur(field[nearest].astype(np.float32), (0, 0), RIM_SMOOTHING_PX)
        for field in (apart * front + (1 - apart) * middle, apart)
    )
    # A border far inside the outline is where the back ends, not where it meets the front.
    inward = cv2.distanceTransform(inside.astype(np.uint8), cv2.DIST_L2, 5)
    return depth, np.maximum(apart, ((inward - 2 * options.back_inset_px) / options.back_inset_px).clip(0, 1))


def _tucked(
    front: Field, depth: HeadDepth, parse: HeadParse, pitch_mm: float, options: ShellOptions
) -> Field:
    """(S,S) ``front``, led under the face beyond its border, deeper where the face is steep."""
    inward = _inward(_seen_face(depth, parse), options.border_smoothing_px)
    share = ((inward - options.lead_px) / (options.overlap_px - options.lead_px)).clip(0, 1)
    face = _completed(depth.face, options)
    slope = np.hypot(*np.gradient(cv2.GaussianBlur(face, (0, 0), 1.0))) / pitch_mm
    along_view = np.sqrt(1 + np.minimum(slope, options.steepest) ** 2)
    # Near its own limb the face is ragged: its farthest depth around decides.
    far = cv2.GaussianBlur(cv2.dilate(face, np.ones((5, 5), np.uint8)), (0, 0), 1.5)
    below = share * np.maximum(far - front, 0) + options.tuck_mm * share * along_view
    return (front + below).astype(np.float32)


def _inward(mask: Mask, smoothing_px: float) -> Field:
    """(S,S) signed distance into a mask, px; blurred, for classes end in steps of pixels."""
    inside = mask.astype(np.uint8)
    signed = cv2.distanceTransform(inside, cv2.DIST_L2, 5) - cv2.distanceTransform(1 - inside, cv2.DIST_L2, 5)
    return cv2.GaussianBlur(signed, (0, 0), smoothing_px)


def _has_fringe(matte: Field, contour: Field, step: int, options: ShellOptions) -> Mask:
    """(G-1,G-1) cells on which some of the soft edge lies, with a pixel to spare."""
    reach = 2 * step + 3
    widest = cv2.dilate(matte.astype(np.float32), np.ones((reach, reach), np.uint8))
    to_outline = cv2.distanceTransform((contour <= 0).astype(np.uint8), cv2.DIST_L2, 5)
    soft = (widest > options.fringe_matte) & (to_outline < options.fringe_px)
    return np.logical_or.reduce(four_corners(soft[::step, ::step]))


def _torn(
    cells: Cells,
    depth_mm: Field,
    contour: Field,
    face: Mask,
    step: int,
    pitch_mm: float,
    options: ShellOptions,
) -> Mask:
    """(P,) cells that would stretch over a jump in depth, or from the face's limb to what lies behind it."""
    to_outline = cv2.distanceTransform((contour > 0).astype(np.uint8), cv2.DIST_L2, 5)[::step, ::step]
    corner = corners_of(cells)
    well_inside = to_outline.ravel()[corner].min(1) > options.steep_rim_px
    spread = np.ptp(depth_mm.ravel()[corner], axis=1)
    to_face = cv2.distanceTransform((~face).astype(np.uint8), cv2.DIST_L2, 5)[::step, ::step]
    at_face = to_face.ravel()[corner].min(1) < options.limb_px
    steep = options.jump_slope * pitch_mm
    return (well_inside & (spread > options.jump_mm + steep)) | (at_face & (spread > options.limb_mm + steep))


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
        has_alpha=name == "hair",
    )
