"""Intersection over union of predicted and true regions."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ..files import write_file
from .dataset import REGION_NAMES, DatasetBroken, read_dataset, with_answers
from .predict import REFUSALS, LabelPredictor


def evaluate_parsing(
    dataset: Path | str, predictor: LabelPredictor, save: Path | str | None = None
) -> dict[str, Any]:
    """Compare predicted region codes with the true ones.

    The ratio is taken per image and class and averaged over the images in whose truth or prediction
    the class occurs; classes that never occur are left out. A refused photo counts as background.

    Args:
        dataset: folder; items without regions are left out.
        predictor: gives region codes per item.
        save: folder that receives the predicted codes as ``<id>.png``.

    Returns:
        ``{"n", "iou": {"background", "face", "hair", "ear", "body", ...}}``, and ``refused`` with ids
        and reasons if any photo was.
    """
    ratios: dict[str, list[float]] = {name: [] for name in REGION_NAMES}
    refused: list[dict[str, str]] = []
    items = with_answers(read_dataset(dataset), "regions")
    for item in items:
        truth = item.load_regions()
        try:
            labels = predictor.labels(item)
        except REFUSALS as refusal:
            refused.append({"id": item.id, "message": refusal.message})
            labels = np.zeros_like(truth)
        if labels.shape != truth.shape:
            raise DatasetBroken(
                f"Item {item.id!r}: predicted labels of {labels.shape} do not fit a truth of {truth.shape}."
            )
        if save is not None:
            write_file(Path(save) / f"{item.id}.png", _png(labels))
        for name, ratio in class_ratios(labels, truth).items():
            ratios[name].append(ratio)
    iou = {name: float(np.mean(values)) for name, values in ratios.items() if values}
    return {"n": len(items), "iou": iou, **({"refused": refused} if refused else {})}


def class_ratios(labels: NDArray[np.uint8], truth: NDArray[np.uint8]) -> dict[str, float]:
    """Intersection over union of every class that occurs in ``labels`` or ``truth`` (H,W)."""
    result = {}
    for code, name in enumerate(REGION_NAMES):
        ours, theirs = labels == code, truth == code
        union = int((ours | theirs).sum())
        if union:
            result[name] = int((ours & theirs).sum()) / union
    return result


def _png(labels: NDArray[np.uint8]) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(labels).save(stream, "PNG")
    return stream.getvalue()
