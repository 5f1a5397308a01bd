"""Portraits, their depth, and clay turned: ``python -m tools.depth_sheet PHOTO... --out FILE``.

One line for each photo, and nothing is chosen or retouched: what is wrong with a head shows.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from backend.camera import Camera
from backend.engine import Engine
from backend.files import write_file
from backend.photo import read_photo
from backend.preview import PAPER, head_view, seen_by, shaded
from backend.raster import rasterize_arrays, triangulate
from backend.reconstruction import Reconstruction
from backend.repose import posed_vertices

YAWS_DEG = (-30.0, 0.0, 30.0)
SIDE = 220
QUALITY = 88
Picture = NDArray[np.uint8]


def main() -> None:
    """Rebuild every head and write the sheet."""
    parser = argparse.ArgumentParser(description=__doc__, prog="python -m tools.depth_sheet")
    parser.add_argument("photos", type=Path, nargs="+", metavar="PHOTO")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE")
    parser.add_argument("--columns", type=int, default=2, help="heads side by side (default: 2)")
    options = parser.parse_args()
    engine = Engine()
    lines = [line_of(engine.reconstruct(read_photo(path))) for path in options.photos]
    sheet = arranged(lines, options.columns)
    _, data = cv2.imencode(options.out.suffix, sheet[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
    write_file(options.out, data.tobytes())


def line_of(head: Reconstruction, side: int = SIDE) -> Picture:
    """(side, 5 side, 3): the photo, the depth of what the shells and the face show of it, and clay turned."""
    view = head_view(head, side)
    clay = [shaded(head, head.pose.turned(yaw_deg=yaw), view) for yaw in YAWS_DEG]
    return np.hstack([seen_by(head.images["photo"], head.camera, view), depth_picture(head, view), *clay])


def depth_picture(head: Reconstruction, view: Camera) -> Picture:
    """(H,W,3) depth of the head at the photo's pose, near things bright; paper where clay shows none."""
    nearest = np.full((view.height, view.width), np.inf, np.float32)
    for mesh in head.meshes:
        if mesh.visible and mesh.follows_head:
            points = head.pose.to_camera(posed_vertices(head, mesh))
            fragments = rasterize_arrays(points, triangulate(mesh.polygons).vertices, view)
            nearest = np.where(fragments.covered, np.minimum(nearest, fragments.depth), nearest)
    shown = np.isfinite(nearest) & (shaded(head, head.pose, view) != PAPER).any(-1)
    if not shown.any():
        return np.full((*shown.shape, 3), PAPER, np.uint8)
    near, far = np.percentile(nearest[shown], (1, 99))
    share = ((far - np.where(shown, nearest, far)) / max(far - near, 1e-6)).clip(0, 1)
    coloured = cv2.applyColorMap(np.rint(255 * share).astype(np.uint8), cv2.COLORMAP_VIRIDIS)[..., ::-1]
    return np.where(shown[..., None], coloured, np.uint8(PAPER))


def arranged(lines: list[Picture], columns: int) -> Picture:
    """Lines of one size, ``columns`` side by side, paper where there is none left."""
    empty = np.full_like(lines[0], PAPER)
    padded = lines + [empty] * (-len(lines) % columns)
    return np.vstack([np.hstack(padded[start : start + columns]) for start in range(0, len(padded), columns)])


if __name__ == "__main__":
    main()
