"""The torch engine's twin: the same call, the same kind of answer, but drawn by Cycles."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from backend.frames import MM_PER_M
from backend.head_parse import BACKGROUND, HAIR, HEAD_CLASSES
from train.synth.light import Lights
from train.synth.mesh import draw, join
from train.synth.person import Person
from train.synth.render import Rendering
from train.synth.view import Views

from .blender import Blender, Channels, Passes
from .export import export
from .parcel import CLASSES

FAR_M = 100.0
"""Cycles' depth where nothing is there lies far beyond this."""

Floats = NDArray[np.float32]


def render_with_cycles(
    person: Person,
    views: Views,
    lights: Lights,
    blender: Blender,
    *,
    seeds: list[int],
    progress: Callable[[int, Passes], None] = lambda index, passes: None,
) -> Rendering:
    """Draw B people one after the other; ``progress`` hears the index and the passes of each.

    Everything comes from Cycles but the depth of the bare face, which no photograph shows.
    Raises RenderFailed, BlenderMissing or StorageFailed.
    """
    mesh = join(person.surfaces, views)
    _, face_depth = draw(mesh, views, mesh.normals)
    drawn: list[dict[str, Floats]] = []
    for row, seed in enumerate(seeds):
        parcel = export(person, views, lights, row, hairs=blender.settings.hairs, seed=seed)
        passes = blender.draw(parcel)
        drawn.append(maps_of(passes, views.size))
        progress(row, passes)

    def stacked(name: str) -> Tensor:
        return torch.from_numpy(np.stack([maps[name] for maps in drawn])).to(face_depth.device)

    return Rendering(
        **{name: stacked(name) for name in drawn[0]},
        face_depth=face_depth.where(face_depth.isfinite(), torch.nan),
    )


def maps_of(passes: Passes, size: int) -> dict[str, Floats]:
    """The fields of a Rendering of one scene, (S,S,...), but for ``face_depth``."""
    cover = _covers(passes.beauty)
    hair = cover[..., HAIR]
    others = cover.copy()
    others[..., HAIR] = 0
    # More than half background is background, however many classes share the rest.
    others[..., BACKGROUND] = 1 - cover.sum(-1)
    regions = np.where(hair > 0.5, HAIR, others.argmax(-1)).astype(np.uint8)
    depth, normals = _measured(passes.truth, regions, size)
    beauty = passes.beauty
    return {
        "colour": np.stack([beauty[f"Combined.{c}"] for c in "RGB"], axis=-1),
        "person": beauty["Combined.A"].clip(0, 1),
        "matte": cover[..., sorted(HEAD_CLASSES)].sum(-1).clip(0, 1),
        "hair_alpha": hair.clip(0, 1),
        "regions": regions,
        "depth": depth,
        "normals": normals,
    }


def _measured(truth: Channels, regions: NDArray[np.uint8], size: int) -> tuple[Floats, Floats]:
    """Depth (S,S) in mm and unit normals (S,S,3): the mean over the rays that met the pixel's class."""

    def rays(fine: Floats) -> Floats:
        """(3S,3S,...) as (S,S,9,...)."""
        n = len(fine) // size
        parts = fine.reshape(size, n, size, n, *fine.shape[2:]).swapaxes(1, 2)
        return parts.reshape(size, size, n * n, *fine.shape[2:])

    depth = rays(truth["Depth.Z"])
    hit = depth < FAR_M
    seen = rays(_covers(truth)).argmax(-1)
    same = hit & (seen == regions[..., None])
    # A pixel at an edge may owe its class to the photo's wider filter alone: then any ray must do.
    counted = np.where(same.any(-1, keepdims=True), same, hit) & (regions != BACKGROUND)[..., None]
    count = counted.sum(-1)
    with np.errstate(invalid="ignore"):
        mean = np.where(counted, depth, 0).sum(-1) / count * MM_PER_M
    x, y, z = (rays(truth[f"Normal.{axis}"]) for axis in "XYZ")
    normals = (np.stack([x, z, -y], axis=-1) * counted[..., None]).sum(2)
    normals /= np.linalg.norm(normals, axis=-1, keepdims=True).clip(1e-6)
    return mean.astype(np.float32), normals.astype(np.float32)


def _covers(channels: Channels) -> Floats:
    """(H,W,CLASSES) share of each pixel that shows a class; nothing is written for background."""
    passes = [channels[f"cover{i // 3}.{'RGB'[i % 3]}"] for i in range(CLASSES)]
    return np.stack(passes, axis=-1)
