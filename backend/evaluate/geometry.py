"""Distance from the true surface to the predicted one (Table 1 of Deep 3D Portrait, 2020)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..export import write_ply
from .align import align_to_face
from .closest import ClosestSurface
from .dataset import EvaluationItem, read_dataset, with_answers
from .predict import REFUSALS, CameraMesh, MeshPredictor

REGIONS = {"face": (1,), "non_face": (2, 3, 5)}
"""Region codes of the data set that each reported region is made of."""
COVERED_MM = 20.0
MOST_POINTS = 10_000
"""Of a region with more true pixels every n-th counts: the spread of a mean of 10,000 is 1 % of the
spread of the distances."""


@dataclass(frozen=True)
class RegionError:
    """Distances of one region of one photo, in mm; None where there is no prediction."""

    mean_mm: float | None
    median_mm: float | None
    coverage: float
    """Share of true pixels that have a predicted surface within 20 mm."""


MISS = RegionError(None, None, 0.0)


def evaluate_geometry(
    dataset: Path | str, predictor: MeshPredictor, save: Path | str | None = None
) -> dict[str, Any]:
    """Compare predicted meshes with the true depth of a data set.

    Every true pixel of a region (every n-th of a large one) counts with its distance to the nearest
    point of the predicted surface, after the alignment of
    :func:`backend.evaluate.align.align_to_face`. Means, medians and coverages are taken per image and
    averaged over images. A photo without a prediction counts as coverage 0, has null errors and says
    why under ``refused``.

    Args:
        dataset: folder; items without camera, depth and regions are left out.
        predictor: gives a mesh per item.
        save: folder that receives each predicted mesh, not aligned, as ``<id>.ply``.

    Returns:
        ``{"n", "face": {"mean_mm", "median_mm", "coverage"}, "non_face": {...}, "per_image": [...]}``.
    """
    per_image: list[dict[str, Any]] = []
    for item in with_answers(read_dataset(dataset), "camera", "depth", "regions"):
        try:
            mesh = predictor.mesh(item)
        except REFUSALS as refusal:
            errors = {name: MISS for name, mask in _masks(item).items() if mask.any()}
            per_image.append({"id": item.id, **_plain(errors), "refused": refusal.message})
            continue
        if save is not None:
            write_ply(mesh.vertices_cam, mesh.triangles, Path(save) / f"{item.id}.ply")
        per_image.append({"id": item.id, **_plain(region_errors(item, mesh))})
    return {
        "n": len(per_image),
        **{name: _average(per_image, name) for name in REGIONS},
        "per_image": per_image,
    }


def region_errors(item: EvaluationItem, mesh: CameraMesh) -> dict[str, RegionError]:
    """Errors of one prediction for each region that the photo shows."""
    assert item.camera is not None
    truth_mm, masks = item.load_depth(), _masks(item)
    shown = {name: mask for name, mask in masks.items() if mask.any()}
    if len(mesh.triangles) == 0:
        return dict.fromkeys(shown, MISS)
    vertices = mesh.vertices_cam.astype(np.float64)
    surface = ClosestSurface(vertices, mesh.triangles)
    similarity = align_to_face(vertices, mesh.triangles, surface, truth_mm, masks["face"], item.camera)
    if similarity is None:
        return dict.fromkeys(shown, MISS)
    errors = {}
    for name, mask in shown.items():
        rows, columns = np.nonzero(mask)
        pixels = np.column_stack([columns, rows]).astype(np.float64)
        every = -(-len(pixels) // MOST_POINTS)
        points = item.camera.unproject(pixels, truth_mm[mask].astype(np.float64))[::every]
        distance = surface.nearest(similarity.undo(points)).distance * similarity.scale
        errors[name] = RegionError(
            float(distance.mean()), float(np.median(distance)), float((distance <= COVERED_MM).mean())
        )
    return errors


def _masks(item: EvaluationItem) -> dict[str, NDArray[np.bool_]]:
    """True pixels (H,W) of each reported region that have a depth."""
    regions, known = item.load_regions(), np.isfinite(item.load_depth())
    return {name: np.isin(regions, codes) & known for name, codes in REGIONS.items()}


def _plain(errors: dict[str, RegionError]) -> dict[str, Any]:
    """For JSON: every region by name, None for a region that the photo does not show."""
    return {name: vars(errors[name]).copy() if name in errors else None for name in REGIONS}


def _average(per_image: list[dict[str, Any]], name: str) -> dict[str, float | None]:
    """Mean over the images that show the region; errors over those of them with a prediction."""
    shown = [image[name] for image in per_image if image[name] is not None]

    def mean(key: str) -> float | None:
        values = [region[key] for region in shown if region[key] is not None]
        return float(np.mean(values)) if values else None

    return {key: mean(key) for key in ("mean_mm", "median_mm", "coverage")}
