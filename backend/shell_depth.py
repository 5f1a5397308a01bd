"""Depth maps made fit to be triangulated: completed, calmed, led under the face and round its limb."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from scipy import ndimage

from .depth import HeadDepth
from .head_parse import FACE, GLASSES, HAIR, HEADWEAR, HeadParse
from .shell_grid import Field, Mask

RIM_SMOOTHING_PX = 6.0
"""The rim's depth is read off single pixels of a steep slope; its course along the outline is smooth."""
COMB_STEP = 0.2
"""Time in a step of the curvature flow, whose deviation is the root of twice the time."""
FLAT_SLOPE = 0.5
"""Tangent below which a slope has no direction."""


@dataclass(frozen=True)
class ShellOptions:
    """How the shells are cut; lengths in crop pixels unless named otherwise."""

    grid: int = 256
    """Cells along one side of the crop."""
    overlap_px: float = 8.0
    """How far the front shell reaches under the face, so that turning opens no gap."""
    tuck_mm: float = 1.5
    """Distance below the face at the end of that overlap: face and shell never fight for a pixel."""
    cover_mm: float = 1.5
    """Hair lies at least so far before the skin that it covers."""
    thinnest_mm: float = 1.5
    """Inside their rims the back lies so far behind the front."""
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
    strip_px: float = 16.0
    """Skin beyond the fitted face is its cheek, seen a little off, where it is at most so wide."""
    strip_slope: float = 2.0
    """Tangent by which that strip falls away from the camera: it goes on round the limb."""
    fringe_matte: float = 0.04
    """Matte above which the soft edge still needs a surface to lie on."""
    fringe_px: float = 14.0
    """How far from the outline that surface may reach: beyond, a matte is haze."""
    jump_mm: float = 30.0
    """A step in depth over one cell is cut when it exceeds this plus ``jump_slope`` times the cell."""
    jump_slope: float = 4.0
    """Tangent of the steepest slope that is still a surface (76 degrees)."""
    between_mm: float = 35.0
    """Where near and far are so far apart, no surface lies between them ..."""
    between_share: float = 0.3
    """... and what is farther than this share of the way belongs to the far one."""
    between_px: float = 10.0
    """Width of the slope that a depth map has in the place of such a step."""
    comb_px: float = 5.0
    """Deviation of the smoothing along level lines, in full from three times as far from the face."""
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


def shell_region(depth: HeadDepth, parse: HeadParse) -> Mask:
    """(S,S) H = S - (S_face and F): pixels of the head that the fitted face does not explain."""
    return (parse.matte > 0.5) & np.isfinite(depth.front) & ~seen_face(depth, parse)


def seen_face(depth: HeadDepth, parse: HeadParse) -> Mask:
    """Pixels that show the fitted face; glasses lie on it and are part of its texture."""
    return np.isin(parse.labels, (FACE, GLASSES)) & np.isfinite(depth.face)


def completed(depth: Field, options: ShellOptions) -> Field:
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


def least_cover(parse: HeadParse, skin_mm: Field, options: ShellOptions) -> Field:
    """(S,S) depth that hair and headwear may have at most, infinite elsewhere: before skin ``skin_mm`` (S,S;
    NaN where none is drawn) which the photo shows that they cover, or an ear or a neck would come out through
    them."""
    covers = np.isin(parse.labels, (HAIR, HEADWEAR)) & np.isfinite(skin_mm)
    # Skin is steep at its outline: the nearest of a pixel and its neighbours decides.
    nearest = cv2.erode(np.where(np.isfinite(skin_mm), skin_mm, np.inf), np.ones((3, 3), np.uint8))
    return np.where(covers, nearest - options.cover_mm, np.inf).astype(np.float32)


def skin_strip(depth: HeadDepth, parse: HeadParse, contour: Field, options: ShellOptions) -> Mask:
    """(S,S) skin at the outline, as far as it is the fitted face's limb or a cheek a little wider than that,
    and what lies nearer to it than to anything else of the head."""
    skin = np.isin(parse.labels, (FACE, GLASSES)) & (contour > 0)
    to_face = cv2.distanceTransform((~seen_face(depth, parse)).astype(np.uint8), cv2.DIST_L2, 5)
    to_outline = cv2.distanceTransform((contour > 0).astype(np.uint8), cv2.DIST_L2, 5)
    strip = skin & (to_face + to_outline < options.strip_px)
    if not strip.any():
        return strip
    nearest = ndimage.distance_transform_edt(contour <= 0, return_distances=False, return_indices=True)
    return strip | (strip[tuple(nearest)] & (contour <= 0))


def beyond_limb(depth: HeadDepth, parse: HeadParse, pitch_mm: float, options: ShellOptions) -> Field:
    """(S,S) the fitted face continued beyond its limb.

    A depth map falls there to the outline's own depth or to the neck's, and with it the shell would break
    into crumbs that stand off beneath the ear.
    """
    face = seen_face(depth, parse).astype(np.uint8)
    # Its last pixels lie on the limb itself, and tell more of where it was cut than of how deep it is.
    sure = cv2.erode(face, np.ones((2 * round(options.lead_px) + 1,) * 2, np.uint8)) > 0
    if not sure.any():
        return depth.front
    away, nearest = ndimage.distance_transform_edt(~sure, return_indices=True)
    return (depth.face[tuple(nearest)] + options.strip_slope * pitch_mm * away).astype(np.float32)


def behind_limb(front: Field, face: Mask, pitch_mm: float, options: ShellOptions) -> Field:
    """(S,S) ``front`` that does not climb to the face's limb from what lies far behind it.

    Between cheek and ear a depth map slopes where there is a jump: a wall of stretched pixels would stand
    there.
    """
    brush = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * round(options.limb_px) + 1,) * 2)
    to_face = cv2.distanceTransform((~face).astype(np.uint8), cv2.DIST_L2, 5)
    far = cv2.dilate(front, brush)
    wall = far - front > options.limb_mm + options.jump_slope * options.limb_px * pitch_mm
    return np.where(wall & (to_face < options.limb_px), far, front)


def combed(depth_mm: Field, pitch_mm: float, deviation: float) -> Field:
    """(G,G) what smoothing a depth map along its level lines adds to it.

    Where a head turns away from the camera, an outline that is off by a pixel is a ridge of millimetres.
    Level lines shrink as under curvature flow (Alvarez, Lions and Morel, SIAM Journal on Numerical Analysis
    1992); slopes across them, and with them the head's form, stay.

    Args:
        depth_mm: (G,G).
        pitch_mm: between its pixels.
        deviation: of the smoothing, in these pixels.
    """
    u = depth_mm.astype(np.float32)
    for _ in range(round(deviation**2 / (2 * COMB_STEP))):
        p = np.pad(u, 1, mode="edge")
        left, right, up, down = p[1:-1, :-2], p[1:-1, 2:], p[:-2, 1:-1], p[2:, 1:-1]
        x, y = (right - left) / 2, (down - up) / 2
        cross = (p[2:, 2:] + p[:-2, :-2] - p[2:, :-2] - p[:-2, 2:]) / 4
        bend = (right + left - 2 * u) * y**2 - 2 * x * y * cross + (down + up - 2 * u) * x**2
        # On flat places there are no level lines to speak of.
        u += COMB_STEP * bend / (x**2 + y**2 + (FLAT_SLOPE * pitch_mm) ** 2)
    return (u - depth_mm).astype(np.float32)


def stepped(depth_mm: Field, jumps: Mask, inside: Mask, step: int, options: ShellOptions) -> Field:
    """(G,G) depths ``inside`` that are near or far at ``jumps`` (G,G), and nowhere between.

    A depth map leads from near to far over some pixels. Their cells would stand in the air like the teeth of
    a comb when the head turns. The grid has a vertex on every ``step``-th pixel.
    """
    brush = np.ones((round(options.between_px / step) | 1,) * 2, np.uint8)
    near = cv2.erode(np.where(inside, depth_mm, np.finfo(np.float32).max).astype(np.float32), brush)
    far = cv2.dilate(np.where(inside, depth_mm, 0).astype(np.float32), brush)
    around = inside & (cv2.dilate(jumps.astype(np.uint8), brush) > 0)
    apart = np.where(around, far, 0) - np.where(around, near, 0)
    falls = (apart > options.between_mm) & (depth_mm - near > options.between_share * apart)
    return np.where(falls, far, depth_mm).astype(np.float32)


def rims(front: Field, back: Field, inside: Mask, strip: Mask, options: ShellOptions) -> tuple[Field, Field]:
    """Depth of the front's rim, and how far (1 wholly) the back's rim stays away from the front.

    Both are read off the region's outermost pixels and spread over the whole picture. A ``strip`` of cheek
    ends where it is: no far side comes to meet it.
    """
    rim = inside & ~cv2.erode(inside.astype(np.uint8), np.ones((3, 3), np.uint8)).astype(bool)
    if not rim.any():
        return front, np.zeros_like(front)
    low, high = options.closing_gap_mm
    apart = np.where(strip, 1.0, ((np.abs(back - front) - low) / (high - low)).clip(0, 1))
    middle = (front + back) / 2
    nearest = tuple(ndimage.distance_transform_edt(~rim, return_distances=False, return_indices=True))
    depth, apart = (
        cv2.GaussianBlur(field[nearest].astype(np.float32), (0, 0), RIM_SMOOTHING_PX)
        for field in (apart * front + (1 - apart) * middle, apart)
    )
    # A border far inside the outline is where the back ends, not where it meets the front.
    inward = cv2.distanceTransform(inside.astype(np.uint8), cv2.DIST_L2, 5)
    return depth, np.maximum(apart, ((inward - 2 * options.back_inset_px) / options.back_inset_px).clip(0, 1))


def tucked(front: Field, depth: HeadDepth, parse: HeadParse, pitch_mm: float, options: ShellOptions) -> Field:
    """(S,S) ``front``, led under the face beyond its border, deeper where the face is steep."""
    inward = _inward(seen_face(depth, parse), options.border_smoothing_px)
    share = ((inward - options.lead_px) / (options.overlap_px - options.lead_px)).clip(0, 1)
    face = completed(depth.face, options)
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
