"""What one photo becomes: the record that the engine returns and everything else reads."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from .camera import Camera
from .frames import Pose


@dataclass(frozen=True)
class TexturedMesh:
    """One object of the head, ready to be built in Blender or written to a file."""

    name: str
    """``face``, ``eye_left``, ``eye_right``, ``teeth``, ``tongue``, ``lashes``, ``hair``, ``back``
    or ``body``."""
    vertices: NDArray[np.float32]
    """(N,3) mm, head frame, relative to ``origin_mm``; neutral expression where shape keys exist."""
    polygons: NDArray[np.int32]
    """(P,4) vertex indices, counter-clockwise seen from outside; a triangle has -1 in its last column."""
    uvs: NDArray[np.float32]
    """(P,4,2) per polygon corner, u right, v up, [0,1]; unused corners are 0."""
    image: str
    """Key into :attr:`Reconstruction.images`."""
    origin_mm: tuple[float, float, float] = (0.0, 0.0, 0.0)
    """Where the object's own origin lies in the head frame (the centre of an eyeball)."""
    follows_head: bool = True
    """False for what stays behind when the head turns (the body)."""
    has_alpha: bool = False
    visible: bool = True
    """False for parts that come along hidden (lashes: the photo already shows them)."""
    expression: NDArray[np.float16] | None = None
    """(E,N,3) mm per unit weight, or None."""
    identity: NDArray[np.float16] | None = None
    """(K,N,3) mm per standard deviation, or None."""
    known: NDArray[np.float32] | None = None
    """(N,) in [0,1] how well the photo saw each vertex (:mod:`backend.known`); None if nobody looked."""
    seen_at: NDArray[np.float32] | None = None
    """(N,3) mm, where each vertex stood before the photo's camera, in camera space."""


@dataclass(frozen=True)
class Reconstruction:
    """A head rebuilt from one photo, in its own frame, and the camera that took the photo."""

    camera: Camera
    """The whole photo's camera."""
    pose: Pose
    """Head to camera at the photo."""
    identity: NDArray[np.float32]
    """(K,) identity coefficients in standard deviations."""
    expression: NDArray[np.float32]
    """(E,) expression weights, see :attr:`backend.morphable.MorphableModel.expression_bounds`."""
    expression_names: tuple[str, ...]
    meshes: tuple[TexturedMesh, ...]
    images: dict[str, NDArray[np.uint8]]
    """(H,W,3) or (H,W,4) sRGB, straight alpha: textures, ``photo`` and ``plate`` (person removed)."""
    model: str
    """Name of the morphable model."""
    warnings: tuple[str, ...] = ()
    timings_ms: dict[str, float] = field(default_factory=dict)
    interim: tuple[str, ...] = ()
    light: NDArray[np.float32] | None = None
    """(9,3) harmonics of the photo's light (:class:`backend.delight.Delit`): the image ``face`` is about
    ``face_albedo`` in their shading. None for a model without albedo."""
    surprise: dict[str, float] = field(default_factory=dict)
    """Root mean square of the coefficients of each group (``identity``, ``expression``, ``albedo``) in usual
    spreads: 1 is usual, from 2.5 on a head hardly exists."""

    def mesh(self, name: str) -> TexturedMesh:
        """The mesh called ``name``; KeyError if this head has none."""
        for mesh in self.meshes:
            if mesh.name == name:
                return mesh
        raise KeyError(name)
