"""Depth maps become meshes: the front shell of hair and ears, and the closed back of the head.

The pixel grid of the working crop is triangulated (section 4.2 of Deep 3D Portrait, 2020), with its
outline moved onto the matte's half-way contour (:mod:`backend.shell_grid`). There both shells meet at
one depth. Beyond it the front shell goes on as a thin fringe that carries the soft edge of the matte.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import cv2
import fast_simplification
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from .crop import HeadCrop
from .depth import HeadDepth
from .frames import Pose
from .head_parse import BODY, HeadParse
from .raster import triangulate
from .reconstruction import TexturedMesh
from .shell_depth import (
    ShellOptions,
    behind_limb,
    beyond_limb,
    combed,
    completed,
    least_cover,
    rims,
    seen_face,
    shell_region,
    skin_strip,
    stepped,
    tucked,
)
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
    in_specks,
    reached,
    seen_from_behind,
    snapped_grid,
    without_specks,
)


def build_shells(
    depth: HeadDepth,
    parse: HeadParse,
    crop: HeadCrop,
    pose: Pose,
    options: ShellOptions | None = None,
    skin_mm: Field | None = None,
) -> tuple[TexturedMesh, TexturedMesh]:
    """Triangulate the head's depth maps.

    Args:
        depth: (S,S) maps in the crop's camera, mm.
        parse: (S,S) classes and matte of the head.
        crop: its camera lifts pixels to camera space.
        pose: camera space to head frame.
        options: how to cut; defaults to :class:`ShellOptions`.
        skin_mm: (S,S) depth of skin that other meshes show, NaN where there is none: hair over it stays
            before it.

    Returns:
        ``hair``, which covers H = S - (S_face and F) and a band under the face, and ``back``, which
        covers all of S. Vertices in the head frame, mm; UVs are crop positions.
    """
    options = options or ShellOptions()
    step = crop.size // options.grid
    contour = cv2.GaussianBlur(parse.matte.astype(np.float32), (0, 0), step) - 0.5
    pitch_mm = float(pose.translation_mm[2]) / crop.camera.fx
    strip = skin_strip(depth, parse, contour, options)
    limb_mm = beyond_limb(depth, parse, pitch_mm, options)
    front_mm = np.where(strip, np.fmin(depth.front, limb_mm), depth.front)
    front_mm, back_mm = completed(front_mm, options), completed(depth.back, options)
    rim_mm, back_join = rims(front_mm, back_mm, contour > 0, strip, options)
    front_mm = behind_limb(front_mm, seen_face(depth, parse), pitch_mm, options)
    cover_mm = np.float32(np.inf) if skin_mm is None else least_cover(parse, skin_mm, options)
    front_mm = np.minimum(front_mm, cover_mm)

    pixels, side = snapped_grid(contour, step)
    inner_mm = tucked(front_mm, depth, parse, pitch_mm, options)
    vertex_mm = np.where(side > 0, _sample(inner_mm, pixels), _sample(rim_mm, pixels))
    change_mm = np.where(side > 0, _combed_hair(vertex_mm, depth, parse, step, pitch_mm, options), 0.0)
    vertex_mm = vertex_mm + change_mm
    front_mm = front_mm + _enlarged(change_mm, step, crop.size)
    cells = _front_cells(depth, parse, contour, side, step, options)
    torn = partial(
        _torn,
        contour=contour,
        face=seen_face(depth, parse),
        step=step,
        pitch_mm=step * pitch_mm,
        options=options,
    )
    vertex_mm = _stepped(vertex_mm, cells, contour, torn, step, options)
    if skin_mm is not None:
        vertex_mm = np.where(side > 0, np.minimum(vertex_mm, cover_mm[::step, ::step]), vertex_mm)
    vertex_mm, cells, twin_of, twin_mm = _cut(
        vertex_mm, cells, side.ravel() > 0, torn, options.smallest_piece
    )
    places = pixels.reshape(-1, 2).astype(np.float64)
    points = crop.camera.unproject(
        np.concatenate([places, places[twin_of]]), np.concatenate([vertex_mm.ravel(), twin_mm])
    )
    front = _mesh("hair", points, cells, crop, pose, options.max_triangles)

    closed = (contour > 0) & np.isfinite(depth.back)
    inset = cv2.distanceTransform(closed.astype(np.uint8), cv2.DIST_L2, 5) - options.back_inset_px
    pixels, side = snapped_grid(inset, step)
    joined_mm = front_mm + back_join * (back_mm - front_mm)
    vertex_mm = np.where(side > 0, _sample(back_mm, pixels), _sample(joined_mm, pixels))
    vertex_mm = vertex_mm + combed(vertex_mm, step * pitch_mm, options.comb_px / step)
    # Thin hair has its far side where it has its near one: neither may come out through the other.
    vertex_mm = np.where(
        side > 0,
        np.maximum(vertex_mm, _sample(front_mm, pixels) + options.thinnest_mm),
        _sample(joined_mm, pixels),
    )
    cells = cells_of(side, reached(side, inset[::step, ::step]))
    cells = seen_from_behind(without_specks(cells, side.ravel() > 0, options.smallest_piece))
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
    return without_specks(np.concatenate([inner, fringe]), side.ravel() > 0, options.smallest_piece)


def _without_jaw(shell: Mask, parse: HeadParse, options: ShellOptions) -> Mask:
    """Leave out slivers between face and neck: the model's jaw and the photo's differ by a few pixels."""
    reach = round(options.sliver_px) | 1
    brush = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (reach, reach))
    thick = cv2.morphologyEx(shell.astype(np.uint8), cv2.MORPH_OPEN, brush) > 0
    near_body = (
        cv2.dilate((parse.labels == BODY).astype(np.uint8), np.ones((2 * reach + 1,) * 2, np.uint8)) > 0
    )
    return thick | (shell & ~near_body)


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


def _stepped(
    depth_mm: Field,
    cells: Cells,
    contour: Field,
    torn: Callable[[Cells, Field], Mask],
    step: int,
    options: ShellOptions,
) -> Field:
    """Depths (G,G) without slopes between near and far. At outlines heads and ears stay steep."""
    to_outline = cv2.distanceTransform((contour > 0).astype(np.uint8), cv2.DIST_L2, 5)[::step, ::step]
    inside = to_outline > options.steep_rim_px
    for _ in range(2):  # What fell leaves what hung on to it.
        jumps = np.zeros(depth_mm.size, bool)
        jumps[corners_of(cells[torn(cells, depth_mm)]).ravel()] = True
        depth_mm = stepped(depth_mm, jumps.reshape(depth_mm.shape), inside, step, options)
    return depth_mm


def _cut(
    depth_mm: Field,
    cells: Cells,
    inside: Mask,
    torn: Callable[[Cells, Field], Mask],
    smallest_piece: float,
) -> tuple[Field, Cells, NDArray[np.int64], NDArray[np.floating]]:
    """Vertex depths (G,G), and cells cut where they are ``torn``, with their twins as ``cut_at_jumps`` says.

    Pieces that only jumps held to the rest first go to the depth of what is around them: left out, they would
    leave holes; left where they are, they would hang in the air. What is loose then is left out.
    """
    for _ in range(2):
        loose, twin_of, twin_mm = cut_at_jumps(cells, depth_mm.ravel(), torn(cells, depth_mm))
        counted = np.concatenate([inside, inside[twin_of]])
        crumbs = in_specks(loose, counted, smallest_piece)[: inside.size] & inside
        sound = (inside & ~crumbs).reshape(depth_mm.shape)
        if not crumbs.any() or not sound.any():
            break
        nearest = ndimage.distance_transform_edt(~sound, return_distances=False, return_indices=True)
        depth_mm = np.where(crumbs.reshape(depth_mm.shape), depth_mm[tuple(nearest)], depth_mm)
    loose, twin_of, twin_mm = cut_at_jumps(cells, depth_mm.ravel(), torn(cells, depth_mm))
    counted = np.concatenate([inside, inside[twin_of]])
    return depth_mm, without_specks(loose, counted, smallest_piece), twin_of, twin_mm


def _combed_hair(
    vertex_mm: Field, depth: HeadDepth, parse: HeadParse, step: int, pitch_mm: float, options: ShellOptions
) -> Field:
    """(G,G) change of the front's vertices that calms hair, and leaves what goes under the face."""
    from_face = cv2.distanceTransform((~seen_face(depth, parse)).astype(np.uint8), cv2.DIST_L2, 5)
    share = (from_face[::step, ::step] / max(3 * options.comb_px, 1.0)).clip(0, 1)
    return share * combed(vertex_mm, step * pitch_mm, options.comb_px / step)


def _enlarged(values: Field, step: int, size: int) -> Field:
    """A field (G,G) on every ``step``-th pixel as one of (size,size) pixels."""
    matrix = np.float32([[step, 0, 0], [0, step, 0]])
    return cv2.warpAffine(values.astype(np.float32), matrix, (size, size), borderMode=cv2.BORDER_REPLICATE)


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
