"""The fitted head as the working crop sees it: depth and region of its surface per pixel."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from .camera import Camera
from .fit import HeadFit
from .head_parse import EAR
from .morphable import MorphableModel
from .raster import FragmentArrays, Rasterizer, rasterize_arrays, triangulate

Mask = NDArray[np.bool_]

EARS = ("ear_left", "ear_right")
WELL_FITTED = 0.4
"""Intersection over union from which the model's own ear stands for the photo's."""


@dataclass(frozen=True)
class ProjectedHead:
    """Z-buffers of the fitted head in one camera; NaN or False where nothing is seen."""

    front_mm: NDArray[np.float32]
    """(S,S) depth of the nearest skin, eye or tooth surface."""
    face_mm: NDArray[np.float32]
    """(S,S) d_f: depth of the face region where it is the nearest surface (section 4.2 of the paper)."""
    back_mm: NDArray[np.float32]
    """(S,S) depth of the far side of the skull."""
    face: Mask
    """(S,S) the nearest surface belongs to the face region (lips, eyes, mouth included)."""
    scalp: Mask
    ear_left: Mask
    ear_right: Mask
    neck: Mask
    own_ears: bool = True
    """False where the ears are another head's: they tell depth, but no mesh shows them."""

    @property
    def ears(self) -> Mask:
        """(S,S) both ears."""
        return self.ear_left | self.ear_right

    @property
    def skull(self) -> Mask:
        """(S,S) everything of the head above the neck."""
        return self.face | self.scalp | self.ears

    def completed_by(self, other: ProjectedHead) -> ProjectedHead:
        """This face with the skull, ears and neck of another head, fitted to the same photo.

        Two fits seldom agree about the distance: the other one is moved along the optical axis until
        both faces lie at the same depth.
        """
        own = np.isfinite(self.front_mm)
        shared = own & np.isfinite(other.face_mm)
        shift = np.float32(np.median((self.front_mm - other.face_mm)[shared])) if shared.any() else 0.0
        return ProjectedHead(
            front_mm=np.where(own, self.front_mm, other.front_mm + shift).astype(np.float32),
            face_mm=self.front_mm,
            back_mm=(other.back_mm + shift).astype(np.float32),
            face=own | other.face,
            scalp=other.scalp & ~own,
            ear_left=other.ear_left & ~own,
            ear_right=other.ear_right & ~own,
            neck=other.neck & ~own,
            own_ears=False,
        )


def well_fitted_ears(head: ProjectedHead, labels: NDArray[np.uint8]) -> tuple[str, ...]:
    """Ears of the model that lie where the photo (classes (S,S)) shows an ear."""
    if not head.own_ears:
        return ()
    seen = (labels == EAR).astype(np.uint8)
    _, patches = cv2.connectedComponents(seen, connectivity=8)
    fitted: list[str] = []
    for name in EARS:
        mine = getattr(head, name)
        touched = np.unique(patches[mine & (seen > 0)])
        own = np.isin(patches, touched[touched > 0])
        if (mine & own).sum() > WELL_FITTED * max(int((mine | own).sum()), 1):
            fitted.append(name)
    return tuple(fitted)


def shown_skin(head: ProjectedHead, ears: tuple[str, ...]) -> NDArray[np.float32]:
    """(S,S) depth of face, neck and those ears that the model shows itself, NaN elsewhere.

    Not of the scalp: it is drawn below the shells.
    """
    shown = head.face | head.neck if head.own_ears else head.face
    for name in ears:
        shown = shown | getattr(head, name)
    return np.where(shown, head.front_mm, np.nan).astype(np.float32)


def project_head(
    model: MorphableModel, fit: HeadFit, camera: Camera, rasterizer: Rasterizer
) -> ProjectedHead:
    """Rasterise the fitted head into ``camera`` (the crop's), near and far side."""
    vertices = fit.pose.to_camera(fit.vertices(model))
    triangles = triangulate(model.polygons[model.solid]).vertices
    near = rasterize_arrays(vertices, triangles, camera, rasterizer)

    def where(name: str) -> Mask:
        whole = model.regions[name][near.triangles].sum(1) >= 2
        return near.covered & whole[near.face.clip(0)]

    left, right, scalp, neck = (where(name) for name in (*EARS, "scalp", "neck"))
    face = near.covered & ~(left | right | scalp | neck)
    depth = _depth(near)
    return ProjectedHead(
        front_mm=depth,
        face_mm=np.where(face, depth, np.nan).astype(np.float32),
        back_mm=_far_side(model, vertices, triangles, camera, rasterizer),
        face=face,
        scalp=scalp,
        ear_left=left,
        ear_right=right,
        neck=neck,
    )


def _far_side(
    model: MorphableModel,
    vertices: NDArray[np.floating],
    triangles: NDArray[np.int64],
    camera: Camera,
    rasterizer: Rasterizer,
) -> NDArray[np.float32]:
    """(S,S) depth of the scalp triangles that face away from the camera."""
    scalp = triangles[model.regions["scalp"][triangles].all(axis=1)]
    a, b, c = (vertices[scalp[:, i]] for i in range(3))
    facing_away = (np.cross(b - a, c - a) * (a + b + c)).sum(1) > 0
    return _depth(rasterize_arrays(vertices, scalp[facing_away], camera, rasterizer))


def _depth(fragments: FragmentArrays) -> NDArray[np.float32]:
    return np.where(fragments.covered, fragments.depth, np.nan).astype(np.float32)
